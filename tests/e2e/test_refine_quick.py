"""Ten thousand images: rename, merge, move and pin ask nobody (how long they take: `python -m bench refine`)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.refine import CHANGES, made_run
from tests.conftest import invoke


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_run(tmp_path_factory.mktemp("quick") / "run")


@pytest.mark.parametrize("name", CHANGES)
def test_corrections_ask_nobody(run: Path, name: str) -> None:
    """The model of the run is where nobody answers."""
    done = invoke("refine", run, "--revision", "001", *CHANGES[name], "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["requests"] == 0
