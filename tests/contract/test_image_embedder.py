"""What every embedder of images keeps, and what those of texts too keep besides. Tiny models, the real loading."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.interfaces import ImageEmbedder, JointEmbedder, Vectors
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import EmbedderContext, embedder
from ictc.store import Store
from ictc.types import Failure, Item
from tests.tiny.fixture import Tiny

Make = Callable[[], ImageEmbedder]
BAD, ABSENT = 2, 5
DUAL = ("clip", "siglip", "siglip2", "align")
ALONE = ("resnet", "efficientnet", "dinov2")
RAW = (*ALONE, "vit", "lite0", "classical:all")
"""Those that know images alone, and whose vectors are not of unit length."""
TEXTS = ["a cat on a red sofa", "a truck", "", "a truck \ud800", "a cat on a red sofa", "words " * 3000, "犬"]


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    rng = np.random.default_rng(3)
    found = []
    for i in range(6):
        file = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (40 + i, 48, 3), dtype=np.uint8)).save(file)
        if i == BAD:
            file.write_bytes(b"no image")
        if i == 4:
            shutil.copy(tmp_path / "0.png", file)
        found.append(Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest()))
    found[ABSENT] = Item("5.png")
    return found


def spec_of(name: str, tiny: Tiny, items: list[Item], folder: Path) -> str:
    if name in ("offline", "lite0") or ":" in name:
        return name
    if name in RAW:
        return f"{name if name in ALONE else 'vision'}:{tiny(name)}"
    if name == "vectors":
        rows = np.random.default_rng(0).normal(size=(len(items) - 2, 7))
        np.save(folder / "given.npy", rows)
        names = [i.name for n, i in enumerate(items) if n not in (BAD, ABSENT)]
        (folder / "given.jsonl").write_text("".join(json.dumps({"image": n}) + "\n" for n in names))
        return f"vectors:{folder / 'given.npy'}"
    return f"{name if name in ('clip', 'siglip') else 'hf'}:{tiny(name)}"


@pytest.fixture(params=["offline", "vectors", "described:offline", *DUAL, *RAW])
def make(request: pytest.FixtureRequest, tiny: Tiny, minilm: MiniLM, items: list[Item], tmp_path: Path) -> Make:
    """Makes the embedder anew, with an empty store."""
    spec = spec_of(request.param, tiny, items, tmp_path)

    if request.param.startswith("classical"):
        pytest.importorskip("cv2", reason="no OpenCV here: pip install 'ictc[classical]'")

    def made() -> ImageEmbedder:
        context = EmbedderContext(Store(None), minilm, ModelOptions(device="cpu", batch_size=2))
        found = embedder(spec, context)
        assert isinstance(found, ImageEmbedder)
        return found

    return made


def rows_of(found: list[Vectors | Failure]) -> Vectors:
    return np.stack([f for f in found if not isinstance(f, Failure)])


def test_rows_in_order_and_failures_in_place(make: Make, items: list[Item], request: pytest.FixtureRequest) -> None:
    found = make().embed_images(items)
    assert [isinstance(f, Failure) for f in found] == [n in (BAD, ABSENT) for n in range(len(items))]
    for n in (BAD, ABSENT):
        failure = found[n]
        assert isinstance(failure, Failure)
        assert failure.image == items[n].name and failure.code and failure.message
    rows = rows_of(found)
    assert rows.dtype == np.float32
    length = np.linalg.norm(rows, axis=1)
    if request.node.callspec.params["make"] in RAW:
        assert (np.abs(length - 1) > 1e-3).all()
    else:
        np.testing.assert_allclose(length, 1, atol=1e-5)
    same_words = request.node.callspec.params["make"].startswith("described:")  # of all noise
    assert same_words or np.abs(rows[0] - rows[1]).max() > 1e-3  # other images, other vectors
    np.testing.assert_allclose(rows_of(make().embed_images(items[::-1]))[::-1], rows, atol=1e-5)


def test_the_same_call_gives_the_same_bits_also_anew(make: Make, items: list[Item]) -> None:
    first = rows_of(make().embed_images(items))
    np.testing.assert_array_equal(rows_of(make().embed_images(items)), first)


def test_progress_counts_every_image_once(make: Make, items: list[Item]) -> None:
    made = make()
    for part in (items, items[:1], []):
        done: list[int] = []
        assert len(made.embed_images(part, done.append)) == len(part)
        assert sum(done) == len(part)


def test_the_fingerprint_does_not_change_by_use(make: Make, items: list[Item]) -> None:
    made = make()
    before = made.fingerprint
    made.embed_images(items)
    assert made.fingerprint == before == make().fingerprint != ""


@pytest.mark.filterwarnings("ignore:.*and not the end of")
def test_texts_are_unit_rows_of_the_same_space_in_order(
    make: Make, items: list[Item], request: pytest.FixtureRequest
) -> None:
    made = make()
    if not isinstance(made, JointEmbedder):
        assert type(made).__name__ == "GivenVectors" or request.node.callspec.params["make"] in RAW
        return
    done: list[int] = []
    rows = made.embed_texts(TEXTS, done.append)
    again = made.embed_texts(TEXTS)
    assert sum(done) == len(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape[1] == rows_of(made.embed_images(items[:1])).shape[1]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 1, 1, 1, 1], atol=1e-5)
    np.testing.assert_array_equal(rows, again)
    np.testing.assert_allclose(rows[0], rows[4], atol=1e-6)
    np.testing.assert_allclose(made.embed_texts(TEXTS[:1])[0], rows[0], atol=1e-5)
    assert np.abs(rows[0] - rows[1]).max() > 1e-3
    assert made.embed_texts([]).shape == (0, rows.shape[1])


@pytest.mark.parametrize("name", [*DUAL, *ALONE, "vit"])
def test_other_weights_are_another_fingerprint_wherever_they_lie(
    name: str, tiny: Tiny, minilm: MiniLM, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    def fingerprint(folder: Path) -> str:
        kind = "hf" if name in DUAL else "vision"
        return embedder(f"{kind}:{folder}", EmbedderContext(Store(None), minilm)).fingerprint

    moved, trained = tmp_path / "moved", tmp_path / "trained"
    shutil.copytree(tiny(name), moved)
    shutil.copytree(tiny(name), trained)
    weights = {n: np.asarray(w) for n, w in load_file(trained / "model.safetensors").items()}
    first = min(n for n, w in weights.items() if w.ndim)
    save_file({**weights, first: weights[first] + 1}, trained / "model.safetensors", {"format": "pt"})
    assert fingerprint(moved) == fingerprint(tiny(name)) != fingerprint(trained)
