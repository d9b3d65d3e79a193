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
        criteria=(Criterion("class", 4), Criterion("length"), Criterion("mood", needs="a file")),
        splits={"test": 6, "train": 0},
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


def test_two_at_once_and_a_newer_one_are_told(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".a-set.lock"), pytest.raises(RunBusy):
        prepare(a_set(), Options("test"), tmp_path)
    folder = prepare(a_set(), Options("test"), tmp_path).folder
    (folder / "prepared.json").write_text('{"format": 99, "request": {"dataset": "a-set"}}')
    with pytest.raises(RunTooNew):
        prepare(a_set(), Options("test"), tmp_path)
    (folder / "prepared.json").write_text("[]")
    with pytest.raises(InputError, match="is not what ictc writes"):
        prepare(a_set(), Options("test"), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used"):
        prepare(a_set(), Options("test"), tmp_path / "file")


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
