"""Our embedders of images keep what every one keeps (ictc.contracts), and more. Tiny models, the real loading."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ictc import contracts
from ictc.contracts.embedder import rows_of
from ictc.contracts.ground import ABSENT, BAD
from ictc.interfaces import ImageEmbedder, JointEmbedder
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import EmbedderContext, embedder
from ictc.store import Store
from ictc.types import Item
from tests.tiny.fixture import Tiny

Make = Callable[[], ImageEmbedder]
DUAL = ("clip", "siglip", "siglip2", "align")
ALONE = ("resnet", "efficientnet", "dinov2")
RAW = (*ALONE, "vit", "lite0", "classical:all")
"""Those that know images alone, and whose vectors are not of unit length."""


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    return contracts.pictures(tmp_path)


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


@pytest.mark.filterwarnings("ignore:.*and not the end of")
@pytest.mark.parametrize("check", contracts.EMBEDDER, ids=contracts.name)
def test_contract(check: Callable[[Make, Path], None], make: Make, tmp_path: Path) -> None:
    check(make, tmp_path)


def test_vectors_tell_images_apart_and_have_the_length_they_are_defined_with(
    make: Make, items: list[Item], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["make"]
    made = make()
    assert isinstance(made, JointEmbedder) == (name != "vectors" and name not in RAW)
    rows = rows_of(made.embed_images(items))
    length = np.linalg.norm(rows, axis=1)
    if name in RAW:
        assert (np.abs(length - 1) > 1e-3).all()
    else:
        np.testing.assert_allclose(length, 1, atol=1e-5)
    assert name.startswith("described:") or np.abs(rows[0] - rows[1]).max() > 1e-3


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
