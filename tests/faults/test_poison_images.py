"""One bad image never stops the others: a folder of every kind, read, decoded and shown."""

from __future__ import annotations

import threading
from pathlib import Path

from ictc.images.decode import ImageFault, open_rgb
from ictc.images.sources import read_source
from ictc.images.thumbnails import thumbnails
from tests.poison import OK, write_poison


def outcomes(folder: Path) -> dict[str, str]:
    source = read_source(folder)
    outcome = {failure.image: failure.code for failure in source.failures}
    for item in source.items:
        assert item.path is not None
        assert item.name not in outcome
        try:
            outcome[item.name] = OK if open_rgb(item.path).mode == "RGB" else "not RGB"
        except ImageFault as fault:
            outcome[item.name] = fault.code
    return outcome


def test_every_kind_has_its_outcome(tmp_path: Path) -> None:
    expected = write_poison(tmp_path / "poison")
    assert len(expected) > 40
    assert outcomes(tmp_path / "poison") == expected


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    write_poison(tmp_path)
    assert read_source(tmp_path) == read_source(tmp_path)


def test_thumbnails_of_all_that_is_good(tmp_path: Path) -> None:
    expected = write_poison(tmp_path)
    made = thumbnails(read_source(tmp_path).items, size=32)
    assert {*made} == {name for name, outcome in expected.items() if outcome == OK}


def test_nothing_waits_for_a_pipe(tmp_path: Path) -> None:
    write_poison(tmp_path)
    worker = threading.Thread(target=read_source, args=(tmp_path,), daemon=True)
    worker.start()
    worker.join(timeout=30)
    assert not worker.is_alive()
