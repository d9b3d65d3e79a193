"""Our describers keep what every `Describer` keeps (ictc.contracts)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ictc import contracts
from ictc.interfaces import Describer
from ictc.models.minilm import MiniLM
from ictc.registry import DescriberContext, describer
from ictc.store import Store

Make = Callable[[], Describer]


@pytest.fixture(params=["offline", "recorded"])
def make(request: pytest.FixtureRequest, minilm: MiniLM, tmp_path: Path) -> Make:
    """Makes the describer anew, with an empty store; the recording lacks the damaged image."""
    items = contracts.pictures(tmp_path)
    recording = tmp_path / "recorded.jsonl"
    rows = [{"image": i.name, "text": f"A card like {i.sha256[:4]}."} for i in items if i.name != "2.png"]
    recording.write_text("".join(json.dumps(r) + "\n" for r in rows))
    spec = {"offline": "offline", "recorded": f"recorded:{recording}"}[request.param]
    return lambda: describer(spec, DescriberContext(Store(None), minilm))


@pytest.mark.parametrize("check", contracts.DESCRIBER, ids=contracts.name)
def test_contract(check: Callable[[Make, Path], None], make: Make, tmp_path: Path) -> None:
    check(make, tmp_path)
