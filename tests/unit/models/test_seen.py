"""Which images a model of transformers was trained on here: of its folder, or of the training's around it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ictc.embedders.opening import open_images
from ictc.errors import SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.trained import seen_in
from ictc.store import Store
from tests.tiny.fixture import Tiny, tiny

__all__ = ["tiny"]
CPU = ModelOptions(device="cpu")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """What `ictc train lit` leaves of a dual encoder, beside the models themselves."""
    told = {"format": "ictc-trained/1", "kind": "lit", "made": {"folder": "clip"}, "recipe": {}, "facts": {"seen": 2}}
    (tmp_path / "trained.json").write_text(json.dumps(told))
    (tmp_path / "seen.txt").write_text("aa\nbb\n")
    return tmp_path


def test_a_model_within_a_training_is_told_from_others_there(
    out: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("clip", "other"):
        shutil.copytree(tiny("clip"), out / name)
        assert open_images(f"clip:{out / name}", Store(None), CPU).seen == ({"aa", "bb"} if name == "clip" else set())
        shutil.rmtree(out / name)
    shutil.copytree(tiny("dinov2"), out / "clip")
    assert open_images(f"vision:{out / 'clip'}", Store(None), CPU).seen == {"aa", "bb"}
    monkeypatch.chdir(out / "clip")
    assert seen_in(".") == {"aa", "bb"} and not seen_in("..") and not seen_in("openai/clip")


def test_texts_by_a_model_that_was_tuned_here_count(out: Path, tiny: Tiny) -> None:
    shutil.copytree(tiny("clip"), out / "clip")
    (out / "said.jsonl").write_text('{"image": "1.png", "text": "a cat"}')
    made = open_images(f"described:recorded:{out / 'said.jsonl'},clip:{out / 'clip'}", Store(None), CPU)
    assert made.seen == {"aa", "bb"}


@pytest.mark.parametrize("text", ['{"format": "mine"}', "[]", "{", '{"format": "ictc-trained/1", "made": []}'])
def test_a_file_of_the_name_that_is_not_ours_is_none_of_ours(out: Path, text: str) -> None:
    (out / "trained.json").write_text(text)
    assert seen_in(str(out / "clip")) == seen_in(str(out)) == frozenset()


def test_one_that_cannot_be_read_is_told(out: Path) -> None:
    (out / "seen.txt").unlink()
    with pytest.raises(SpecError, match="of its training cannot be read"):
        seen_in(str(out / "clip"))
