"""What is in the wheel: the packages, the recipes beside them under their own name, the prompts."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="needs hatchling (make test installs it)")
    built = wheel.WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"])
    with zipfile.ZipFile(next(iter(built))) as archive:
        return set(archive.namelist())


def test_every_module_is_in_the_wheel_under_its_name(names: set[str]) -> None:
    for folder, inside in (("ictc", "ictc"), ("step1", "step1"), ("scripts/ictc_datasets", "ictc_datasets")):
        for file in (ROOT / folder).rglob("*.py"):
            assert f"{inside}/{file.relative_to(ROOT / folder).as_posix()}" in names
    assert any(name.startswith("ictc/_prompts/") for name in names)


def test_nothing_else_is(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"ictc", "step1", "ictc_datasets"}
