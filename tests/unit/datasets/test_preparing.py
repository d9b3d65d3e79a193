"""The one layout: names, table, choice of samples; done once, gone on with, never over anything of a person's."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image as Image_

from ictc.datasets import layout
from ictc.datasets.preparing import prepare
from ictc.datasets.recipe import Criterion, Dataset, Image, Options, Place, Sample, Source
from ictc.errors import InputError, RunBusy, RunTooNew, UsageError
from ictc.images.sources import read_source
from ictc.scoring.truth import read_truth
from tests.archived import tarred

CLASSES = ["rowing a boat", "a/b: c?", "cat", "cat", "cat", "v1.5"]


def image(number: int) -> Image:
    return lambda: np.full((4, 4, 3), number, np.uint8)


def a_set(classes: list[str] = CLASSES, images: Mapping[int, Image] | None = None, **more: object) -> Dataset:
    def read(place: Place, options: Options) -> list[Sample]:
        return [
            Sample(i, {"class": c, "length": str(len(c))}, (images or {}).get(i) or image(i))
            for i, c in enumerate(classes)
        ]

    known = Dataset(
        name="a-set",
        title="A set",
        page="https://a.example/",
        licence="none",
        citation="nobody",
        criteria=(Criterion("class", len(set(classes))), Criterion("length"), Criterion("mood", needs="a file")),
        splits={"test": len(classes), "train": 0},
        sources=(),
        read=read,
    )
    return replace(known, **more)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_names_keep_what_a_file_system_takes_and_the_table_keeps_all(tmp_path: Path) -> None:
    made = prepare(a_set(), Options("test"), tmp_path)
    rows = table(made.folder)
    assert [row["file_name"] for row in rows] == [
        "0_rowing a boat.png", "1_a_b_ c_.png", "2_cat.png", "3_cat.png", "4_cat.png", "5_v1.5.png",
    ]  # fmt: skip
    assert [row["class"] for row in rows] == CLASSES
    assert list(rows[0]) == ["file_name", "class", "length"], "a criterion without classes has no column"
    assert made.counts["class"] == {"a/b: c?": 1, "cat": 3, "rowing a boat": 1, "v1.5": 1}
    state = json.loads((made.folder / "prepared.json").read_text())
    assert state["licence"] == "none" and state["citation"] == "nobody" and state["images"] == 6


def test_ictc_reads_it_as_it_stands(tmp_path: Path) -> None:
    made = prepare(a_set(), Options("test"), tmp_path)
    source = read_source(made.folder)
    assert len(source.items) == 6 and not source.failures
    truth = read_truth("length", [item.name for item in source.items], source.metadata)
    assert truth.classes["0_rowing a boat.png"] == "13" and not truth.missing


def test_again_it_does_nothing_and_elsewhere_the_same_bytes(tmp_path: Path) -> None:
    made = prepare(a_set(), Options("test"), tmp_path / "a")
    before = {p: p.stat().st_mtime_ns for p in made.folder.iterdir()}
    refuses = a_set(read=lambda place, options: pytest.fail("nothing is read again"))
    again = prepare(refuses, Options("test"), tmp_path / "a")
    assert (made.fresh, again.fresh, again.counts) == (True, False, made.counts)
    assert {p: p.stat().st_mtime_ns for p in made.folder.iterdir()} == before
    assert files(prepare(a_set(), Options("test"), tmp_path / "b").folder) == files(made.folder)


def test_an_image_that_was_lost_is_made_again(tmp_path: Path) -> None:
    whole = files(prepare(a_set(), Options("test"), tmp_path).folder)
    (tmp_path / "a-set" / "3_cat.png").unlink()
    assert prepare(a_set(), Options("test"), tmp_path).fresh
    (tmp_path / "a-set" / "4_cat.png").write_bytes(b"")  # as a power failure leaves it
    assert prepare(a_set(), Options("test"), tmp_path).fresh
    assert files(tmp_path / "a-set") == whole


def test_stopped_by_an_error_it_goes_on_with_the_same_bytes(tmp_path: Path) -> None:
    whole = files(prepare(a_set(), Options("test"), tmp_path / "whole").folder)

    def breaks() -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(a_set(images={4: breaks}), Options("test"), tmp_path)
    assert (tmp_path / "a-set" / ".preparing.json").is_file() and not (tmp_path / "a-set" / "prepared.json").exists()
    with pytest.raises(UsageError, match="was begun otherwise: split test; asked for now: split test, per_class 1"):
        prepare(a_set(), Options("test", per_class=1), tmp_path)
    assert prepare(a_set(), Options("test"), tmp_path).fresh
    assert files(tmp_path / "a-set") == whole


def test_other_options_need_another_folder(tmp_path: Path) -> None:
    prepare(a_set(), Options("test"), tmp_path)
    with pytest.raises(UsageError, match="was prepared otherwise") as told:
        prepare(a_set(), Options("train"), tmp_path)
    assert "--root" in told.value.hint
    with pytest.raises(UsageError, match="no split 'val'"):
        prepare(a_set(), Options("val"), tmp_path)


def test_what_a_person_has_there_stays(tmp_path: Path) -> None:
    mine = tmp_path / "a-set"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds files that ictc did not put there, such as notes.txt"):
        prepare(a_set(), Options("test"), tmp_path)
    assert files(mine) == {"notes.txt": b"mine"}
    (mine / "notes.txt").unlink()
    layout.write_state(mine, {"request": {"dataset": "a-set", "split": "test"}}, layout.BEGUN)
    (mine / "2_cat.png").write_text("mine")
    with pytest.raises(UsageError, match=r"2_cat.png is there and is not what would be written"):
        prepare(a_set(), Options("test"), tmp_path)
    assert (mine / "2_cat.png").read_text() == "mine"
    (mine / "2_cat.png").unlink()
    (mine / "2_cat.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(UsageError, match=r"2_cat.png is there"):
        prepare(a_set(), Options("test"), tmp_path)
    assert not (tmp_path / "elsewhere.png").exists()


def test_a_table_with_columns_of_ones_own_stays(tmp_path: Path) -> None:
    made = prepare(a_set(), Options("test"), tmp_path)
    own = (made.folder / "metadata.csv").read_text().replace("length", "size")
    (made.folder / "metadata.csv").write_text(own)
    assert prepare(a_set(), Options("test"), tmp_path).changed
    assert (made.folder / "metadata.csv").read_text() == own


def test_images_that_an_edited_table_lists_are_looked_at_too(tmp_path: Path) -> None:
    folder = prepare(a_set(), Options("test"), tmp_path).folder
    whole = files(folder)
    own = (folder / "metadata.csv").read_text().replace("length", "size")
    (folder / "metadata.csv").write_text(own)
    (folder / "3_cat.png").unlink()
    again = prepare(a_set(), Options("test"), tmp_path)
    assert again.fresh and again.changed and (folder / "metadata.csv").read_text() == own
    assert files(folder) == {**whole, "metadata.csv": own.encode()}
    assert not prepare(a_set(), Options("test"), tmp_path).fresh


def test_an_image_that_another_pillow_has_packed_is_the_same_image(tmp_path: Path) -> None:
    folder = prepare(a_set(), Options("test"), tmp_path).folder
    (folder / "metadata.csv").unlink()
    Image_.fromarray(image(3)()).save(folder / "3_cat.png", compress_level=0)  # type: ignore[arg-type]
    packed = (folder / "3_cat.png").read_bytes()
    assert prepare(a_set(), Options("test"), tmp_path).fresh
    assert (folder / "3_cat.png").read_bytes() == packed
    (folder / "metadata.csv").unlink()
    Image_.fromarray(image(4)()).save(folder / "3_cat.png", compress_level=0)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"3_cat.png is there and is not what would be written"):
        prepare(a_set(), Options("test"), tmp_path)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (["a", "a", "b"], r"3 images, published are 4; fewest are of b \(1\), a \(2\), most of a \(2\)"),
        (["a", "a", "a", "a"], "1 classes by class, published are 2; fewest are of a"),
    ],
)
def test_less_than_is_published_is_refused_unless_wanted(tmp_path: Path, classes: list[str], said: str) -> None:
    known = {"splits": {"test": 4}, "criteria": (Criterion("class", 2),)}
    with pytest.raises(InputError, match=said) as told:
        prepare(a_set(classes, **known), Options("test"), tmp_path)
    assert "--no-verify" in told.value.hint and not (tmp_path / "a-set").exists()
    with pytest.raises(InputError, match=said):
        prepare(a_set(classes, **known), Options("test", per_class=1), tmp_path)
    taken = prepare(a_set(classes, **known), Options("test"), tmp_path, verify=False)
    assert taken.unlike == json.loads((taken.folder / "prepared.json").read_text())["unlike"] != ""
    assert prepare(a_set(classes, **known), Options("test"), tmp_path).unlike == taken.unlike
    some = prepare(a_set(classes, **known), Options("test", classes=("a",)), tmp_path / "some")
    assert not some.unlike, "a part is less"


class Refused:
    """An image of its own address, which the server refuses as often as `times` says."""

    remote = True

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self) -> bytes:
        self.times -= 1
        if self.times >= 0:
            raise InputError("The server answers 403.")
        return b"downloaded"


def test_an_image_that_cannot_be_had_does_not_stop_the_others_and_is_asked_for_again(tmp_path: Path) -> None:
    known = a_set(["a", "b", "a"], {0: Refused(0), 1: Refused(2), 2: Refused(1)})
    made = prepare(known, Options("test"), tmp_path)
    assert (made.images, made.failed, made.gone, made.why) == (1, 2, 0, "The server answers 403.")
    assert [row["file_name"] for row in table(made.folder)] == ["0_a.png"]
    second = prepare(known, Options("test"), tmp_path)
    assert (second.images, second.failed, second.fresh) == (2, 1, True)
    assert [row["file_name"] for row in table(made.folder)] == ["0_a.png", "2_a.png"]
    own = (made.folder / "metadata.csv").read_text() + "\n"
    (made.folder / "metadata.csv").write_text(own)
    third = prepare(known, Options("test"), tmp_path)
    assert (third.images, third.failed, third.changed) == (3, 0, True)
    assert (made.folder / "metadata.csv").read_text() == own, "a person's"


def test_where_nothing_can_be_had_it_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="answers 403"):
        prepare(a_set(["a"], {0: Refused(1)}), Options("test"), tmp_path)
    many = {i: Refused(1) for i in range(600)}
    with pytest.raises(InputError, match="answers 403"):
        prepare(a_set(["a"] * 600, many), Options("test"), tmp_path / "many")
    assert sum(one.times for one in many.values()) == 600 - 256, "not every single one is asked for"


@pytest.mark.parametrize("killed", ["table", "state"])
def test_killed_when_it_writes_the_longer_table_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    images = {1: Refused(1), 2: Refused(2)}
    known = a_set(["a", "b", "c"], images)
    prepare(known, Options("test"), tmp_path)
    with monkeypatch.context() as patch:
        real = layout.write_state if killed == "state" else layout.put

        def breaks(path: Path, *given: object) -> None:
            if path.name == "metadata.csv" or (given[-1] is not layout.BEGUN and killed == "state"):
                raise KeyboardInterrupt
            real(path, *given)  # type: ignore[arg-type]

        patch.setattr(layout, "write_state" if killed == "state" else "put", breaks)
        with pytest.raises(KeyboardInterrupt):
            prepare(known, Options("test"), tmp_path)
    made = prepare(known, Options("test"), tmp_path)
    assert (made.images, made.failed, made.changed) == (3, 0, False)
    assert len(table(made.folder)) == 3 and not (made.folder / ".preparing.json").exists()


def test_two_at_once_and_a_newer_one_are_told(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".a-set.lock"), pytest.raises(RunBusy):
        prepare(a_set(), Options("test"), tmp_path)
    folder = prepare(a_set(), Options("test"), tmp_path).folder
    (folder / "prepared.json").write_text('{"format": 99, "request": {"dataset": "a-set"}}')
    with pytest.raises(RunTooNew):
        prepare(a_set(), Options("test"), tmp_path)
    (folder / "prepared.json").write_text('{"format": 1, "request": {"dataset": "a-set", "split": "test"}}')
    with pytest.raises(InputError, match=r"is not what ictc writes \(KeyError: 'table'\)") as told:
        prepare(a_set(), Options("test"), tmp_path)
    assert "Move the folder away" in told.value.hint
    (folder / "prepared.json").write_text("[]")
    with pytest.raises(InputError, match="is not what ictc writes"):
        prepare(a_set(), Options("test"), tmp_path)
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", Path("/proc/none")):
        with pytest.raises(UsageError, match="cannot be used"):
            prepare(a_set(), Options("test"), root)


def test_classes_and_a_draw(tmp_path: Path) -> None:
    classes = [name for name in ("a", "b", "c") for _ in range(30)]

    def drawn(**options: object) -> list[str]:
        root = tmp_path / str(sorted(options.items()))
        made = prepare(a_set(classes), Options("test", **options), root)  # type: ignore[arg-type]
        return [row["file_name"] for row in table(made.folder)]

    five = drawn(per_class=5)
    assert len(five) == 15 and set(five) < set(drawn(per_class=9)), "a smaller draw is part of a larger one"
    assert five != sorted(five)[:15] and drawn(per_class=5, seed=1) != five
    assert five[:5] == ["3_a.png", "7_a.png", "10_a.png", "11_a.png", "26_a.png"], "on every machine"
    assert {name[-5] for name in drawn(classes=("c", "a"))} == {"a", "c"}
    with pytest.raises(UsageError, match="has no class called 'd'"):
        drawn(classes=("a", "d"))


def test_images_that_are_gone_are_left_out_and_counted(tmp_path: Path) -> None:
    made = prepare(a_set(images={3: lambda: None}), Options("test"), tmp_path)
    assert (made.images, made.gone, made.counts["class"]["cat"]) == (5, 1, 2)
    assert not prepare(a_set(), Options("test"), tmp_path).fresh
    with pytest.raises(InputError, match="can be had any more"):
        prepare(a_set(["a"], {0: lambda: None}), Options("test"), tmp_path / "none")


def test_images_are_read_in_the_order_in_which_they_are_stored(tmp_path: Path) -> None:
    read: list[int] = []

    class Stored:
        def __init__(self, number: int) -> None:
            self.number, self.order = number, (0, -number)

        def __call__(self) -> bytes:
            read.append(self.number)
            return bytes([self.number])

    prepare(a_set(images={i: Stored(i) for i in range(6)}), Options("test"), tmp_path)
    assert read == [5, 4, 3, 2, 1, 0]


def test_images_of_addresses_of_their_own_are_waited_for_together(tmp_path: Path) -> None:
    together = threading.Barrier(6, timeout=20)

    class Slow:
        remote = True

        def __call__(self) -> bytes:
            together.wait()  # never passed by one after the other
            return b"x"

    assert prepare(a_set(images=dict.fromkeys(range(6), Slow())), Options("test"), tmp_path).images == 6


def test_members_of_an_archive_are_read_one_after_the_other_though_others_are_downloaded(tmp_path: Path) -> None:
    there = {f"images/{i}.png": bytes([i]) * 3_000 for i in range(0, 120, 2)}
    threads = set()

    class Late:
        remote = True

        def __call__(self) -> bytes:
            time.sleep(0.001)
            return b"downloaded"

    def read(place: Place, options: Options) -> Iterator[Sample]:
        def stored(i: int) -> bytes:
            threads.add(threading.current_thread())
            return place.member(f"set.tar/images/{i}.png")()

        for i in range(120):
            yield Sample(i, {"class": "a"}, partial(stored, i) if i % 2 == 0 else Late())

    tar = tarred(tmp_path / "set.tar", there)
    wanted = replace(a_set(["a"] * 120, read=read), sources=(Source(file="set.tar", url="https://a.example/set.tar"),))
    made = prepare(wanted, Options("test"), tmp_path / "root", [tar], verify=False)
    written = {p.name: p.read_bytes() for p in made.folder.glob("*.png")}
    assert written == {f"{i}_a.png": there.get(f"images/{i}.png", b"downloaded") for i in range(120)}
    assert threads == {threading.current_thread()}


def test_a_recipe_that_is_wrong_is_told(tmp_path: Path) -> None:
    def twice(place: Place, options: Options) -> list[Sample]:
        return [Sample(1, {"class": "a"}, image(1)), Sample(1, {"class": "b"}, image(2))]

    with pytest.raises(InputError, match="gives two images one name"):
        prepare(a_set(read=twice), Options("test"), tmp_path)
    with pytest.raises(InputError, match=r"by its ending '.exe'"):
        prepare(a_set(read=lambda p, o: [Sample(1, {"class": "a"}, image(1), ".exe")]), Options("test"), tmp_path / "b")
    with pytest.raises(InputError, match="There are no images"):
        prepare(a_set([]), Options("test"), tmp_path / "c")
    with pytest.raises(UsageError, match="has no criterion 'taste'"):
        prepare(a_set(), Options("test", labels={"taste": tmp_path}), tmp_path / "d")
    with pytest.raises(InputError, match="cannot be read"):
        prepare(a_set(), Options("test", labels={"mood": tmp_path / "none"}), tmp_path / "d")
