"""Descriptions recorded earlier, ours and the original's."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from ictc.errors import InputError
from ictc.types import Description, Failure, Item
from step1.recorded import RecordedDescriber, create, read_recorded, recorded_items

OURS = [
    {"image": "0_cat.png", "text": "A cat."},
    {"image": "x/1_dog.png", "text": "A dog.", "model": "m", "sha256": "ab"},
]
ORIGINALS = [
    {"text": "A cat.", "image_file": "/home/me/cifar10/0_cat.png", "model_id": "llava", "metadata": {}},
    {"text": "A dog.", "image_file": "/home/me/cifar10/1_dog.png", "answer_id": "q"},
]


def written(path: Path, rows: list[dict[str, Any]], packed: bool = False) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_reads_ours(tmp_path: Path, packed: bool) -> None:
    path = written(tmp_path / "d.jsonl", OURS, packed)
    assert read_recorded(path) == [
        Description("0_cat.png", "A cat.", "recorded"),
        Description("x/1_dog.png", "A dog.", "m", "ab"),
    ]
    assert recorded_items(path) == [Item("0_cat.png"), Item("x/1_dog.png", sha256="ab")]


def test_reads_the_originals_without_their_folder(tmp_path: Path) -> None:
    assert read_recorded(written(tmp_path / "d.jsonl", ORIGINALS)) == [
        Description("0_cat.png", "A cat.", "llava"),
        Description("1_dog.png", "A dog.", "recorded"),
    ]


def test_describes_by_name_then_without_folder_and_extension(tmp_path: Path) -> None:
    describer = RecordedDescriber(written(tmp_path / "d.jsonl", [*OURS, {"image": "blank.png", "text": " "}]))
    items = [
        Item("1_dog.jpg", sha256="cd"),
        Item("0_cat.png"),
        Item("pets/0_cat.jpg"),
        Item("2.png"),
        Item("blank.png"),
    ]
    ticks: list[int] = []
    found = describer.describe(items, "anything", ticks.append)
    assert found[:3] == [
        Description("1_dog.jpg", "A dog.", "m", "cd"),
        Description("0_cat.png", "A cat.", "recorded"),
        Description("pets/0_cat.jpg", "A cat.", "recorded"),
    ]
    codes = [(f.image, f.stage, f.code) for f in found[3:] if isinstance(f, Failure)]
    assert codes == [("2.png", "describe", "not-recorded"), ("blank.png", "describe", "empty")]
    assert sum(ticks) == len(items)


def test_a_name_that_fits_two_descriptions_gets_neither(tmp_path: Path) -> None:
    rows = [{"image": "a/1.png", "text": "x"}, {"image": "b/1.png", "text": "y"}]
    (found,) = RecordedDescriber(written(tmp_path / "d.jsonl", rows)).describe([Item("1.png")], "c")
    assert isinstance(found, Failure) and found.code == "not-recorded"


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    a, b = written(tmp_path / "a.jsonl", OURS), written(tmp_path / "b.jsonl", OURS)
    c = written(tmp_path / "c.jsonl", OURS[:1])
    assert RecordedDescriber(a).fingerprint == RecordedDescriber(b).fingerprint != RecordedDescriber(c).fingerprint


def test_spec(tmp_path: Path) -> None:
    path = written(tmp_path / "d.jsonl", OURS)
    assert create(str(path), None).describe([Item("0_cat.png")], "c")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs a file"):
        create("", None)  # type: ignore[arg-type]


def test_the_same_line_twice_is_one_description(tmp_path: Path) -> None:
    assert len(read_recorded(written(tmp_path / "d.jsonl", [*OURS, *OURS]))) == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "holds no descriptions"),
        ([*OURS, {"image": "0_cat.png", "text": "A fox."}], "lines 1 and 3 describe '0_cat.png' differently"),
        (
            [*OURS, {"file": "2.png", "text": "A fox."}],
            "line 3: an image name and a text are needed, here are 'file', 'text'",
        ),
        ([{"image": "2.png", "text": None}], "line 1: an image name"),
        ([{"image": "", "text": "x"}], "line 1: an image name"),
        ([{}], "line 1: .* here are nothing"),
    ],
)
def test_bad_files_name_the_line(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message) as e:
        read_recorded(written(tmp_path / "d.jsonl", rows))
    assert "text" in e.value.hint or "Keep one" in e.value.hint
