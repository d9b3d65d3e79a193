"""A part of Open Images V7 by classes: its tables as published, images one by one from the bucket's address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ictc.datasets.preparing import prepare
from ictc.datasets.recipe import Options
from ictc.errors import InputError, UsageError
from ictc_datasets import open_images
from ictc_datasets.open_images import DATASET
from tests.archived import jpeg, prepared, unpacked

CLASSES = 'LabelName,DisplayName\n/m/01yrx,Cat\n/m/0bt9lr,Dog\n/m/0pcr,"Alpaca, young"\n/m/0k4j,Car\n/m/0x,Cat\n'
LABELS = """ImageID,Source,LabelName,Confidence
00000000000000ff,verification,/m/0bt9lr,1
000595fe6fee6369,verification,/m/01yrx,1
000595fe6fee6369,verification,/m/0bt9lr,0
000595fe6fee6369,crowdsource-verification,/m/0k4j,1
00075905539074f2,verification,/m/01yrx,1
00075905539074f2,verification,/m/0bt9lr,1
0007cebe1b2ba653,verification,/m/0x,1
0007d6cf88afaa4a,verification,/m/0k4j,1
"""
BOXES = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
    "0007d6cf88afaa4a,xclick,/m/0k4j,1,0.1,0.2,0.3,0.4,0,0,0,0,0\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tables, and two of the images."""
    return unpacked(
        tmp_path / "given",
        {
            "oidv7-class-descriptions.csv": CLASSES.encode(),
            "oidv7-val-annotations-human-imagelabels.csv": LABELS.encode(),
            "validation/000595fe6fee6369.jpg": jpeg(5),
            "validation/0007cebe1b2ba653.jpg": jpeg(6),
        },
    )


class Bucket(BaseHTTPRequestHandler):
    asked: list[str]
    refused: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = self.path == "/validation/00000000000000ff.jpg"
        refused = self.path in self.refused
        if refused:
            self.refused.remove(self.path)
        self.send_response(403 if refused else 200 if found else 404)
        self.send_header("Content-Length", str(len(jpeg(7)) if found else 0))
        self.end_headers()
        self.wfile.write(jpeg(7) if found else b"")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The addresses that are asked for. Only one image is there."""
    Bucket.asked, Bucket.refused = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setattr(open_images, "_IMAGES", f"http://127.0.0.1:{server.server_port}/")
    yield Bucket.asked
    server.shutdown()
    server.server_close()


def test_images_of_one_of_the_classes(tmp_path: Path, folder: Path, bucket: list[str]) -> None:
    rows = prepared(DATASET, tmp_path, folder, classes=("Cat", "Dog"))
    assert [tuple(row.values()) for row in rows] == [
        ("00000000000000ff_Dog.jpg", "Dog", "00000000000000ff"),
        ("000595fe6fee6369_Cat.jpg", "Cat", "000595fe6fee6369"),
        ("0007cebe1b2ba653_Cat.jpg", "Cat", "0007cebe1b2ba653"),
    ], "one has both classes, and one is verified to be no dog"
    written = tmp_path / DATASET.name
    assert (written / "00000000000000ff_Dog.jpg").read_bytes() == jpeg(7)
    assert (written / "000595fe6fee6369_Cat.jpg").read_bytes() == jpeg(5)
    assert bucket == ["/validation/00000000000000ff.jpg"], "what is in the folder is not downloaded"


def test_an_image_that_is_gone_is_left_out(tmp_path: Path, folder: Path, bucket: list[str]) -> None:
    rows = prepared(DATASET, tmp_path, folder, classes=("Car", "Cat"))
    assert [row["original"] for row in rows] == ["0007cebe1b2ba653"], "another has both classes"
    assert sorted(bucket) == ["/validation/00075905539074f2.jpg", "/validation/0007d6cf88afaa4a.jpg"]


def test_a_refused_image_stops_no_other_and_each_is_kept_once(tmp_path: Path, folder: Path, bucket: list[str]) -> None:
    Bucket.refused = ["/validation/0007d6cf88afaa4a.jpg"]
    options = Options("validation", classes=("Dog", "Car"))
    made = prepare(DATASET, options, tmp_path / "root", [folder], verify=False)
    assert (made.images, made.failed, made.gone) == (2, 1, 1) and "the server answers 403" in made.why
    there = sorted(p.name for p in (tmp_path / "root").rglob("*.jpg"))
    assert there == ["00000000000000ff_Dog.jpg", "000595fe6fee6369_Car.jpg"], "once"
    again = prepare(DATASET, options, tmp_path / "root", [folder], verify=False)
    assert (again.images, again.failed, again.gone) == (2, 0, 2), "there by then, and gone"
    assert bucket.count("/validation/00000000000000ff.jpg") == 1, "what came is not asked for again"
    assert bucket.count("/validation/0007d6cf88afaa4a.jpg") == 2


def test_boxes_instead_of_labels_and_a_table_without_header(tmp_path: Path, folder: Path) -> None:
    (folder / "oidv7-val-annotations-human-imagelabels.csv").unlink()
    (folder / "oidv7-class-descriptions.csv").unlink()
    unpacked(
        folder,
        {
            "validation-annotations-bbox.csv": BOXES.encode(),
            "class-descriptions-boxable.csv": CLASSES.partition("\n")[2].encode(),
            "validation/0007d6cf88afaa4a.jpg": jpeg(8),
        },
    )
    assert [row["file_name"] for row in prepared(DATASET, tmp_path, folder, classes=("Car",))] == [
        "0007d6cf88afaa4a_Car.jpg"
    ]


@pytest.mark.parametrize(
    ("classes", "message"), [((), "say which classes are wanted"), (("Cat", "Unicorn"), "no class 'Unicorn'")]
)
def test_classes_must_be_asked_for(tmp_path: Path, folder: Path, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prepared(DATASET, tmp_path, folder, classes=classes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ImageID,LabelName\n", "no column 'Confidence'"),
        (LABELS + "000,verification\n", "line 10: 2 values, not 4"),
        (LABELS + '0,"x\n', "line 10: unexpected end of data"),
        (LABELS + "../../x,verification,/m/01yrx,1\n", "'../../x' is no identifier of an image"),
    ],
)
def test_tables_that_are_damaged(tmp_path: Path, folder: Path, text: str, message: str) -> None:
    (folder / "oidv7-val-annotations-human-imagelabels.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        prepared(DATASET, tmp_path, folder, classes=("Cat",))
