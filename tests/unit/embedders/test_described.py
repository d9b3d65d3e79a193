"""`described:`: images by what is said of them, under a criterion; who says nothing gives no vector."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.embed.images import CachedImages
from ictc.embedders.opening import Asking, open_images
from ictc.errors import SpecError
from ictc.interfaces import JointEmbedder, Telling
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import EmbedderContext, embedder
from ictc.replies.specials import without_specials
from ictc.store import Store
from ictc.types import Failure, Item
from tests.tiny.fixture import Tiny

SAID = ["a cat on a sofa", "[UNK]", "a red truck", "", "<pad> a cat on a sofa </s>", "..."]


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    found = []
    for i in range(len(SAID)):
        file = tmp_path / f"{i}.png"
        Image.new("RGB", (32, 24), (40 * i, 90, 200 - 30 * i)).save(file)
        found.append(Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest()))
    return found


@pytest.fixture
def recorded(tmp_path: Path, items: list[Item]) -> str:
    file = tmp_path / "said.jsonl"
    file.write_text("".join(json.dumps({"image": i.name, "text": t}) + "\n" for i, t in zip(items, SAID, strict=True)))
    return f"described:recorded:{file}"


def opened(spec: str, criterion: str = "", store: Store | None = None, kept: str = "") -> CachedImages:
    options = ModelOptions(device="cpu", batch_size=2)
    return open_images(spec, store or Store(None), options, kept=kept, asking=Asking(criterion))


def test_a_vector_is_that_of_what_is_said_and_special_tokens_are_nothing(recorded: str, items: list[Item]) -> None:
    made = opened(recorded)
    found = made.embed_images(items)
    codes = [f.code if isinstance(f, Failure) else "" for f in found]
    assert codes[:3] == ["", "empty", ""] and codes[4:] == ["", "empty"] and codes[3]
    assert [f.image for f in found if isinstance(f, Failure)] == ["1.png", "3.png", "5.png"]
    there = [f for f in found if not isinstance(f, Failure)]
    wanted = MiniLM().embed_texts(["a cat on a sofa", "a red truck", "a cat on a sofa"])
    np.testing.assert_allclose(np.stack(there), wanted, atol=1e-6)
    assert made.joint, "prompts lie in the same space"
    assert made.told([items[0], items[4]]) == ["a cat on a sofa", "a cat on a sofa"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[PAD]", ""),
        ("[unk] [UNK] .", ""),
        ("<unk></s>", ""),
        ("<|endoftext|>", ""),
        ("<extra_id_0>", ""),
        ("[CLS] a dog [SEP]", "a dog"),
        (" a [b] <c>  d ", "a [b] <c>  d"),
        ("犬", "犬"),
        ("2", "2"),
    ],
)
def test_special_tokens_are_no_text(text: str, left: str) -> None:
    assert without_specials(text) == left


def test_texts_are_embedded_by_whom_one_says(recorded: str, items: list[Item], tiny: Tiny) -> None:
    other = opened(f"{recorded},clip:{tiny('clip')}")
    [row] = other.embed_images(items[:1])
    assert not isinstance(row, Failure)
    np.testing.assert_allclose(row, other.embed_texts(["a cat on a sofa"])[0], atol=1e-6)
    assert other.fingerprint != opened(recorded).fingerprint == opened(f"{recorded},sbert:").fingerprint


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("", "no describer"),
        ("lite0", "'lite0' is no describer"),
        ("offline,lite0", "embeds images, not texts"),
        ("offline,sbert:/no/such/folder", "no folder"),
        ("hf:/no/such/folder", "no folder"),
    ],
)
def test_what_cannot_be_is_refused_by_name(argument: str, said: str, items: list[Item]) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        opened(f"described:{argument}").embed_images(items[:1])
    assert caught.value.hint


@pytest.mark.parametrize("family", ["blip", "vilt"])
def test_captioners_and_answerers_and_the_criterion(
    family: str, tiny: Tiny, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = Store(None), f"described:hf:{tiny(family)}"
    free, asked = opened(spec, store=store), opened(spec, "their colour", store)
    assert free.fingerprint == opened(spec, "what it shows").fingerprint != asked.fingerprint
    rows = free.embed_images(items)
    there = [i for i, r in zip(items, rows, strict=True) if not isinstance(r, Failure)]
    assert there and {r.code for r in rows if isinstance(r, Failure)} <= {"empty"}, "weights are random"
    asked.embed_images(items)
    monkeypatch.setattr("ictc.models.hf._loaded", lambda *_: pytest.fail("loaded again"))
    said = free.told(there)
    assert said is not None and all(said)
    monkeypatch.setattr(store, "get_vectors", lambda _: {})  # as after --recompute: made anew, nothing asked again
    again = opened(spec, store=store).embed_images(items)
    assert len(there) == sum(np.allclose(a, r) for a, r in zip(again, rows, strict=True) if not isinstance(r, Failure))


def test_an_answerer_that_knows_only_special_tokens_gives_failures(
    tiny: Tiny, items: list[Item], tmp_path: Path
) -> None:
    shutil.copytree(tiny("vilt"), tmp_path / "vilt")
    file = tmp_path / "vilt" / "config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"id2label": dict.fromkeys(config["id2label"], "[PAD]"), "label2id": {}}))
    found = opened(f"described:hf:{tmp_path / 'vilt'}", "colour").embed_images(items)
    assert [f.code for f in found if isinstance(f, Failure)] == ["empty"] * len(items)
    assert all("[PAD]" in f.message for f in found if isinstance(f, Failure)), "the answer itself is shown"


def test_a_finished_run_needs_no_describer_until_another_image_comes(
    tiny: Tiny, items: list[Item], tmp_path: Path
) -> None:
    folder = tmp_path / "vilt"
    shutil.copytree(tiny("vilt"), folder)
    store, spec = Store(None), f"described:hf:{folder}"
    first = opened(spec, "colour", store)
    rows = first.embed_images(items[:2])
    shutil.move(folder, tmp_path / "moved")
    later = opened(spec, "colour", store, kept=first.fingerprint)
    np.testing.assert_array_equal(np.stack(later.embed_images(items[:2])), np.stack(rows))
    [failure] = later.embed_images(items[2:3])
    assert isinstance(failure, Failure) and failure.code == "no-vector" and str(folder) in failure.message
    shutil.move(tmp_path / "moved", folder)
    assert not isinstance(opened(spec, "colour", store, kept=first.fingerprint).embed_images(items[2:3])[0], Failure)
    [failure] = opened(spec, "mood", store, kept=first.fingerprint).embed_images(items[3:4])
    assert isinstance(failure, Failure) and "has changed" in failure.message


def test_it_is_a_joint_embedder_that_tells_its_words(items: list[Item]) -> None:
    made = embedder("described:offline", EmbedderContext(Store(None), MiniLM()))
    assert isinstance(made, JointEmbedder) and isinstance(made, Telling)
    ticked: list[int] = []
    rows = made.embed_images(items, ticked.append)
    assert sum(ticked) == len(items) and all(abs(float(np.linalg.norm(r)) - 1) < 1e-5 for r in rows)  # type: ignore[arg-type]
