"""What every `Describer` keeps, on tiny images; one of them is damaged and one is there twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ictc.interfaces import Describer
from ictc.models.minilm import MiniLM
from ictc.registry import DescriberContext, describer
from ictc.store import Store
from ictc.types import Description, Failure, Item

Make = Callable[[], Describer]
BAD = 2


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    files = [tmp_path / f"{i}.png" for i in range(5)]
    for file, colour in zip(files, ["red", "green", "black", "blue", "red"], strict=True):
        Image.new("RGB", (48, 40), colour).save(file)
    files[BAD].write_bytes(b"no image")
    return [Item(f.name, f, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]


@pytest.fixture(params=["offline", "recorded"])
def make(request: pytest.FixtureRequest, minilm: MiniLM, items: list[Item], tmp_path: Path) -> Make:
    """Makes the describer anew, with an empty store; the recording lacks the damaged image."""
    recording = tmp_path / "recorded.jsonl"
    rows = [{"image": i.name, "text": f"A card like {i.sha256[:4]}."} for n, i in enumerate(items) if n != BAD]
    recording.write_text("".join(json.dumps(r) + "\n" for r in rows))
    spec = {"offline": "offline", "recorded": f"recorded:{recording}"}[request.param]
    return lambda: describer(spec, DescriberContext(Store(None), minilm))


def test_same_order_and_failures_in_place(make: Make, items: list[Item]) -> None:
    found = make().describe(items, "colour")
    assert [f.image for f in found] == [i.name for i in items]
    assert [isinstance(f, Failure) for f in found] == [n == BAD for n in range(len(items))]
    for item, f in zip(items, found, strict=True):
        if isinstance(f, Description):
            assert f.text.strip() and f.model and f.sha256 == item.sha256
        else:
            assert f.stage in ("image", "describe") and f.code and f.message


def test_progress_counts_every_image_once(make: Make, items: list[Item]) -> None:
    made = make()
    for part in (items, items, items[:1], []):
        done: list[int] = []
        made.describe(part, "colour", done.append)
        assert sum(done) == len(part)


def test_again_anew_and_in_another_order_the_answers_are_the_same(make: Make, items: list[Item]) -> None:
    made = make()
    found = made.describe(items, "colour")
    assert made.describe(items, "colour") == found
    assert make().describe(items, "colour") == found
    assert made.describe(items[::-1], "colour") == found[::-1]
    equal = [f.text for f in (found[0], found[4]) if isinstance(f, Description)]
    assert equal[0] == equal[1]


def test_the_fingerprint_does_not_change_by_use(make: Make, items: list[Item]) -> None:
    made = make()
    before = made.fingerprint
    made.describe(items, "colour")
    assert isinstance(before, str)
    assert made.fingerprint == before == make().fingerprint != ""
