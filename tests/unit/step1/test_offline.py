"""The offline describer end to end on drawn images: criteria, failures, duplicates, the store, resuming."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.interfaces import Evidence, Tick, Vectors, no_tick
from ictc.registry import DescriberContext
from ictc.store import Store
from ictc.types import Description, Failure, Item
from step1.offline import create


class Letters:
    """A text embedder that needs no model: counts of letters."""

    fingerprint = "letters"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        rows = np.array([[t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)


def item(path: Path) -> Item:
    return Item(path.name, path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def images(tmp_path: Path) -> list[Item]:
    """Five plain images, one of them twice, one damaged."""
    for i, colour in enumerate(("red", "green", "blue", "black", "white")):
        Image.new("RGB", (80 + i, 60), colour).save(tmp_path / f"{i}.png")
    (tmp_path / "5.png").write_bytes((tmp_path / "0.png").read_bytes())
    (tmp_path / "6.png").write_bytes((tmp_path / "0.png").read_bytes()[:60])
    return [item(p) for p in sorted(tmp_path.glob("*.png"))]


def texts(described: Sequence[Description | Failure]) -> list[str]:
    return [d.text if isinstance(d, Description) else d.code for d in described]


def test_the_criterion_decides_what_is_spoken_of(images: list[Item]) -> None:
    offline = create("", DescriberContext(Store(None), Letters()))
    colours = texts(offline.describe(images, "dominant colour"))
    assert [t.split()[1].rstrip(".") for t in colours[:5]] == ["red", "green", "blue", "black", "white"]
    light = texts(offline.describe(images, "brightness"))
    assert light[3:5] == ["Near-black image.", "Near-white image."]
    assert not any("red" in t for t in light)


def test_a_damaged_image_is_a_failure_in_its_place_and_a_copy_gets_the_same_text(images: list[Item]) -> None:
    described = create("", DescriberContext(Store(None), Letters())).describe(images, "colour")
    assert [d.image for d in described] == [i.name for i in images]
    assert isinstance(described[6], Failure)
    assert (described[6].stage, described[6].code) == ("image", "truncated")
    assert texts(described)[0] == texts(described)[5]


def test_progress_counts_every_image_once(images: list[Item]) -> None:
    done: list[int] = []
    create("", DescriberContext(Store(None), Letters())).describe(images, "colour", done.append)
    assert sum(done) == len(images)


SHOWN = "the kind of object, animal or thing that is shown"


def test_evidence_is_read_from_the_store_only(images: list[Item]) -> None:
    store = Store(None)
    offline = create("", DescriberContext(store, Letters()))
    assert isinstance(offline, Evidence)
    described = [d for d in offline.describe(images, SHOWN) if isinstance(d, Description)]
    vectors = offline.evidence(described, SHOWN)
    assert vectors is not None
    assert vectors.shape[0] == len(described)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert all(offline.evidence(described, measured) is None for measured in ("sharpness", "colour"))
    assert create("", DescriberContext(Store(None), Letters())).evidence(described, SHOWN) is None


def test_resumed_and_undisturbed_runs_store_the_same(images: list[Item], tmp_path: Path) -> None:
    whole, halves = Store(None), Store(None)
    create("", DescriberContext(whole, Letters())).describe(images, "animal")
    for part in (images[:2], images):
        create("", DescriberContext(halves, Letters())).describe(part, "animal")
    first, second = (dict(s._db.execute("SELECT key, value FROM entries")) for s in (whole, halves))
    assert first == second
    assert len(first) >= 10


def test_a_second_run_needs_no_torch(images: list[Item], tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_offline import Letters, item
from ictc.registry import DescriberContext
from ictc.store import Store
from step1.offline import create
store = Store(Path({str(tmp_path / "s.sqlite")!r}))
items = [item(p) for p in sorted(Path({str(tmp_path)!r}).glob("[0-5].png"))]
print([d.text for d in create("", DescriberContext(store, Letters())).describe(items, "animal")])
sys.exit("torch" in sys.modules)
"""
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False) for _ in range(2)]
    assert [r.returncode for r in runs] == [1, 0], runs[1].stderr
    assert runs[0].stdout == runs[1].stdout
