"""Steps 1 to 3 with transformers models in this process: every family describes, a text model labels and assigns.

The describing models have random weights and babble; `parrot` (tests/tiny/parrot.py) answers in JSON. The merge needs a
model that understands, so the names are given (`--names`).
"""

from __future__ import annotations

import json
from pathlib import Path

import jsonlines
import pytest

from tests.conftest import invoke, result_files
from tests.tiny.captioners import ANSWERERS, ANSWERS, CAPTIONERS
from tests.tiny.fixture import Tiny, tiny
from tests.tiny.vision import FAMILIES

__all__ = ["tiny"]

NAMES = ("calm", "happy")
COMMON = ("-c", "mood", "-k", 2, "--no-report", "--json", "--device", "cpu")


@pytest.fixture
def names(tmp_path: Path) -> Path:
    file = tmp_path / "names.txt"
    file.write_text("\n".join(NAMES))
    return file


def _rows(file: Path) -> list[dict[str, object]]:
    with jsonlines.open(file) as lines:
        return list(lines)


@pytest.mark.parametrize("family", [*FAMILIES, *CAPTIONERS, *ANSWERERS])
def test_every_family_from_pictures_to_clusters(
    tiny: Tiny, coloured: Path, names: Path, tmp_path: Path, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("step1.vlm.MAX_TOKENS", 12)  # random weights know no end
    few = sorted(coloured.rglob("*.png"))[::4]
    (tmp_path / "list.txt").write_text("\n".join(map(str, few)))
    done = invoke(
        "run", tmp_path / "list.txt", "-o", tmp_path / "run", "--names", names, *COMMON,
        "--describer", f"hf:{tiny(family)}", "--reasoner", f"hf:{tiny('parrot')}",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    revision = tmp_path / "run" / "001"
    described = _rows(revision / "step1_result.jsonl")
    assert len(described) == len(few) and all(str(row["text"]).strip() for row in described)
    assert not any("<|" in str(row["text"]) or "[SEP]" in str(row["text"]) for row in described)
    if family == "vilt":
        assert {row["text"] for row in described} <= set(ANSWERS)
    assigned = _rows(revision / "step3_result.jsonl")
    assert len(assigned) == len(few) and {row["cluster"] for row in assigned} <= set(NAMES)


def test_the_same_again_loads_nothing_and_gives_the_same_bytes(
    tiny: Tiny, coloured: Path, names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    describer, reasoner = f"hf:{tiny('llava-terse')}", f"hf:{tiny('parrot')}"
    command = ("run", coloured, "--names", names, *COMMON, "--describer", describer, "--reasoner", reasoner)
    assert invoke(*command, "-o", tmp_path / "run").exit_code in (0, 3)
    assert invoke(*command, "-o", tmp_path / "small", "--batch-size", 1).exit_code in (0, 3)
    first = result_files(tmp_path / "run" / "001")
    assert result_files(tmp_path / "small" / "001") == first

    def loaded(*_: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("ictc.models.hf._loaded", loaded)
    for file in (tmp_path / "run" / "001").iterdir():
        file.unlink()
    again = invoke(*command, "-o", tmp_path / "run")
    assert again.exit_code in (0, 3), again.output
    assert result_files(tmp_path / "run" / "001") == first


def test_a_text_model_cannot_describe(tiny: Tiny, coloured: Path, tmp_path: Path) -> None:
    done = invoke("run", coloured, "-o", tmp_path / "run", *COMMON, "--describer", f"hf:{tiny('llama')}")
    assert done.exit_code == 2
    said = json.loads(done.stdout)
    assert "reads text only" in said["error"] and "--reasoner" in said["hint"]
