"""What is reserved for a picture: of its own size, and never less than what is sent takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ictc.errors import BudgetSpent
from ictc.images import upload
from ictc.spending.meter import Meter, Metered
from ictc.spending.pictures import most_tokens, size_of
from ictc.spending.prices import BY_AREA, Pictures, Price
from ictc.types import Failure, Item, Reply, Request

TILES, PATCHES = Pictures(tile=(85, 170)), Pictures(patch=1.62)


def saved(folder: Path, size: tuple[int, int], kind: str = "png", turned: int = 1) -> Item:
    exif = Image.Exif()
    exif[0x0112] = turned
    Image.new("RGB", size).save(folder / f"a.{kind}", exif=exif)
    return Item("a", folder / f"a.{kind}", "sha")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 2300), st.integers(1, 2300)),
    st.sampled_from(["jpg", "png"]),
    st.sampled_from([1, 6]),
    st.sampled_from([256, 768, 1024, 2048]),
    st.sampled_from([TILES, PATCHES]),
)
def test_never_less_than_what_is_sent(
    folder: Path, size: tuple[int, int], kind: str, turned: int, side: int, rule: Pictures
) -> None:
    item = saved(folder, size, kind, turned)
    sent = upload.picture(item, side)
    assert isinstance(sent, Image.Image)
    assert most_tokens(item, rule, side) >= rule.tokens(*sent.size)


def test_a_small_picture_takes_little(folder: Path) -> None:
    item = saved(folder, (100, 80))
    assert size_of(item) == (100, 80)
    assert most_tokens(item, TILES, 1024) == 255 < TILES.tokens(1024, 1024)
    assert most_tokens(item, BY_AREA, 1024) == 729, "a guess is kept on the safe side"
    assert most_tokens(saved(folder, (700, 700)), BY_AREA, 1024) == 2 * BY_AREA.tokens(700, 700)
    assert most_tokens(saved(folder, (900, 1000)), BY_AREA, 1024) == BY_AREA.tokens(1024, 1024)
    (folder / "none.png").write_bytes(b"none")
    assert most_tokens(Item("none", folder / "none.png"), TILES, 1024) == TILES.tokens(1024, 1024)


class Drawing:
    """Takes all requests it is given room for, before it answers any."""

    fingerprint = "drawing/1"

    def __init__(self, counted: int = 300) -> None:
        self.counted = counted
        self.drawn: list[int] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        taken = list(requests)
        self.drawn.append(len(taken))
        yield from ((i, Reply("yes", input_tokens=self.counted, output_tokens=1)) for i in range(len(taken)))


@pytest.mark.parametrize(("size", "at_once"), [((100, 80), 4), ((1024, 1024), 1)])
def test_a_budget_has_room_for_as_many_as_their_sizes_allow(folder: Path, size: tuple[int, int], at_once: int) -> None:
    item, inner = saved(folder, size), Drawing()
    model = Metered(inner, Meter(max_cost=1200e-6), Price(1.0, 0.0, pictures=TILES))
    with pytest.raises(BudgetSpent):
        list(model.generate(Request("describe", str(i), image=item, max_tokens=10) for i in range(8)))
    assert inner.drawn[0] == at_once


@pytest.mark.parametrize("counts", [True, False])
def test_where_no_rule_is_known_the_first_is_asked_alone_and_told_from(folder: Path, counts: bool) -> None:
    """The server counts 3,000 tokens for a picture that was thought to take 729."""
    item, inner = saved(folder, (100, 80)), Drawing(3000 if counts else 0)
    meter = Meter(max_cost=0.0192)
    requests = [Request("describe", str(i), image=item, max_tokens=10) for i in range(12)]
    model = Metered(inner, meter, Price(1.0, 0.0))
    if counts:
        with pytest.raises(BudgetSpent):
            list(model.generate(requests))
        assert inner.drawn[:2] == [1, 5] and meter.to_json()["cost"] <= 0.0192
    else:
        assert len(list(model.generate(requests))) == 12 and inner.drawn == [1, 11]
