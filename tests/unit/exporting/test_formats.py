"""What other programs read: tables, imagefolder, COCO, FiftyOne, sidecars; with names and descriptions that bite."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import os
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from ictc.exporting.formats import FORMATS
from ictc.exporting.job import Asked, carry_out, prepare
from ictc.exporting.rows import COLUMNS
from ictc.exporting.sidecar import keywords_in
from ictc.exporting.undojob import put_back
from ictc.images.sources import read_source
from ictc.scoring import read_truth
from tests.unit.exporting.made import made_run, tree

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@x",
    "\t=1",
    " =1",
    "＝1",
    "'quoted",
    '"; drop',
    "a,b\nc\r\nd",
    "</script>",
    "&amp;",
    "\0",
]


def export(tmp_path: Path, form: str, **made: Any) -> Path:
    done = made_run(tmp_path / "run", tmp_path / "in", **made)
    prepared = prepare(done, Asked(form, tmp_path / f"out{FORMATS[form].extension}"))
    assert not carry_out(prepared).failures
    return prepared.target


def pictures(folder: Path, names: list[str]) -> None:
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8 + i, 6), (i * 20, 0, 0)).save(folder / name)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_a_csv_is_run_and_each_can_be_had_back(tmp_path: Path, text: str) -> None:
    file = export(
        tmp_path, "csv", clusters={text: ["a.jpg"]}, groups={text: text}, description=text,
        metadata={"a.jpg": {"label": text, text: "1", "Note": text}},
    )  # fmt: skip
    header, row = csv.reader(file.open(newline="", encoding="utf-8"))
    assert not [c for c in (*header, *row) if c.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))]
    cells = {name.removeprefix("'"): value.removeprefix("'") for name, value in zip(header, row, strict=True)}
    assert [cells[c] for c in ("cluster", "description", "metadata_label", "Note")] == [text] * 4
    assert header[: len(COLUMNS)] == list(COLUMNS)


@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=4, unique=True), st.text())
def test_whatever_names_and_descriptions_are_every_format_holds_them(names: list[str], text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        files = [f"{i}/x.png" for i in range(len(names))]
        pictures(base / "in", files)
        done = made_run(
            base / "run", base / "in", {n: [f] for n, f in zip(names, files, strict=True)}, description=text
        )
        before = tree(base / "in")
        for form in FORMATS:
            out = base / "out" / f"x{FORMATS[form].extension}" if FORMATS[form].extension else base / form
            (base / "out").mkdir(exist_ok=True)
            assert not carry_out(prepare(done, Asked(form, out))).failures
        assert {path.name for path in base.iterdir()} == {
            "in",
            "run",
            "out",
            *(f for f in FORMATS if not FORMATS[f].extension),
        }
        assert tree(base / "in") == before
        rows = [json.loads(line) for line in (base / "out/x.jsonl").read_text("utf-8").split("\n")[:-1]]
        assert [(r["cluster"], r["description"]) for r in rows] == [(n, text) for n in names]
        typed = parquet.read_table(base / "out/x.parquet")
        assert typed.column("cluster").to_pylist() == names
        assert str(typed.schema.field("confidence").type) == "double"
        coco = json.loads((base / "coco/labels.json").read_text("utf-8"))
        assert [c["name"] for c in coco["categories"]] == names
        one = json.loads((base / "fiftyone/labels.json").read_text("utf-8"))
        assert sorted(x["label"] for x in one["labels"].values()) == sorted(names)
        for sidecar in (base / "xmp").rglob("*.xmp"):
            ElementTree.fromstring(sidecar.read_bytes())


def test_coco_can_be_read_and_its_numbers_agree(tmp_path: Path) -> None:
    names = ["a/x.png", "b/x.png", "u.png"]
    pictures(tmp_path / "in", names)
    out = export(
        tmp_path,
        "coco",
        clusters={"cat": ["a/x.png"], "dog": ["b/x.png"]},
        groups={"cat": "pets"},
        unassigned=["u.png"],
    )
    found = json.loads((out / "labels.json").read_text())
    images = {i["id"]: i for i in found["images"]}
    assert len(images) == 3 and len({i["file_name"] for i in found["images"]}) == 3
    for image in images.values():
        with Image.open(out / "data" / image["file_name"]) as opened:
            assert opened.size == (image["width"], image["height"])
    assert [(a["image_id"], a["category_id"], a["bbox"]) for a in found["annotations"]] == [
        (1, 1, [0, 0, 8, 6]), (2, 2, [0, 0, 9, 6]),
    ]  # fmt: skip
    assert found["categories"][0] == {"id": 1, "name": "cat", "supercategory": "pets"}


def test_an_imagefolder_is_read_back_by_ictc_itself(tmp_path: Path) -> None:
    names = ["test/1.png", "train/1.png", "metadata.png"]
    pictures(tmp_path / "in", names)
    out = export(tmp_path, "imagefolder", clusters={"cat": names[:2], "dog": names[2:]})
    source = read_source(out)
    assert source.kind == "imagefolder" and not source.failures
    truth = read_truth("cluster", [item.name for item in source.items], source.metadata)
    assert truth.classes == {"train/1.png": "cat", "train/1 (2).png": "cat", "train/metadata.png": "dog"}
    assert sorted(row["image_name"] for row in source.metadata.values()) == [
        "metadata.png",
        "test/1.png",
        "train/1.png",
    ]


def test_sidecars_mirror_the_images_and_groups_are_levels(tmp_path: Path) -> None:
    out = export(
        tmp_path,
        "xmp",
        clusters={"a|b": ["x/1.jpg"], "dog": ["x:y/1.jpg"]},
        groups={"a|b": "pets"},
        unassigned=["u.jpg"],
    )
    files = {n for n, x in tree(out).items() if isinstance(x, tuple) and not n.startswith(".")}
    assert files == {"x/1.jpg.xmp", "x_y/1.jpg.xmp"}
    found = keywords_in((out / "x/1.jpg.xmp").read_bytes())
    assert found == {"subject": ["a|b", "pets"], "hierarchicalSubject": ["pets", "pets|a/b"]}


def test_sidecars_beside_images_are_added_to_or_left_and_undone(tmp_path: Path) -> None:
    done = made_run(tmp_path / "run", tmp_path / "in", {"cat": ["1.jpg", "2.jpg", "3.jpg"]})
    (tmp_path / "in/2.jpg.xmp").write_bytes(b"<not xmp/>")
    good = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""/></rdf:RDF>'
    (tmp_path / "in/3.jpg.xmp").write_bytes(good)
    before = tree(tmp_path / "in")
    for _ in range(2):
        exported = carry_out(prepare(done, Asked("xmp", beside=True)))
        assert [(f.image, f.code) for f in exported.failures] == [("2.jpg", "sidecar")]
        assert keywords_in((tmp_path / "in/3.jpg.xmp").read_bytes())["subject"] == ["cat"]
        assert (tmp_path / "in/2.jpg.xmp").read_bytes() == b"<not xmp/>"
    (tmp_path / "in/1.jpg.xmp").write_bytes(b"edited")
    assert len(put_back(tmp_path / "run").undone.failures) == 1
    (tmp_path / "in/1.jpg.xmp").unlink()
    assert not put_back(tmp_path / "run").undone.failures
    assert tree(tmp_path / "in") == before


def _python_with(module: str) -> str:
    """An interpreter that has it: this one, or ICTC_EXPORT_PYTHON."""
    other = os.environ.get("ICTC_EXPORT_PYTHON")
    if other and not subprocess.run([other, "-c", f"import {module}"], capture_output=True, check=False).returncode:
        return other
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module}: make test-exports, or ICTC_EXPORT_PYTHON=an interpreter that has it")
    import sys

    return sys.executable


def _read_by(module: str, script: str, *words: object, **env: str) -> Any:
    command = [_python_with(module), "-c", script, *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "HF_HUB_OFFLINE": "1", **env}
    )
    if "MongoDB could not be installed" in done.stderr:
        pytest.skip("FiftyOne has no MongoDB here: it loads it when it is installed, or takes FIFTYONE_DATABASE_URI")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


LOAD = """
import hashlib, io, json, sys
from datasets import Image, load_dataset
sets = load_dataset("imagefolder", data_dir=sys.argv[1], cache_dir=sys.argv[2])
rows = [dict(row) for row in sets["train"].cast_column("image", Image(decode=False))]
for row in rows:
    row["image"] = hashlib.sha256(row["image"]["bytes"] or open(row["image"]["path"], "rb").read()).hexdigest()
print(json.dumps([list(sets), rows], default=str))
"""


def test_hugging_face_datasets_load_it_back_equal(tmp_path: Path) -> None:
    names = [
        "test/1.png",
        "train/1.png",
        "validation_2.png",
        "__x.png",
        "-y.png",
        "größe/ß ü.png",
        "a.JPG",
        "u.png",
        "f.png",
    ]
    pictures(tmp_path / "in", names)
    rows = {
        n: {"image": str(i), "file_name": "x", "label": f"00{i}", "taken": f"in 2024, {i}"} for i, n in enumerate(names)
    }
    out = export(
        tmp_path, "imagefolder", clusters={"=cat": names[:4], "dog\n</x>": names[4:7]}, unassigned=names[7:8],
        failed=names[8:], metadata=rows, description="It's 2024-01-01.",
    )  # fmt: skip
    splits, loaded = _read_by("datasets", LOAD, out, tmp_path / "cache")
    assert splits == ["train"] and len(loaded) == 8
    for row, name in zip(loaded, names, strict=False):
        digest = hashlib.sha256((tmp_path / "in" / name).read_bytes()).hexdigest()
        assert (row["image"], row["sha256"], row["image_name"]) == (digest, digest, name)
        told = [row[c] for c in ("metadata_label", "metadata_image", "file_name_text", "taken")]
        assert told == [rows[name][c] for c in ("label", "image", "file_name", "taken")]
    assert [r["cluster"] for r in loaded] == ["=cat"] * 4 + ["dog\n</x>"] * 3 + [None]
    assert {r["confidence"] for r in loaded} == {0.5}


COCO = """
import json, sys
from pycocotools.coco import COCO
coco = COCO(sys.argv[1])
sizes = [int(coco.annToMask(a).sum()) for a in coco.loadAnns(coco.getAnnIds())]
print(json.dumps([coco.getImgIds(), [c["name"] for c in coco.loadCats(coco.getCatIds())], sizes]))
"""


def test_pycocotools_load_it(tmp_path: Path) -> None:
    pictures(tmp_path / "in", ["x.png", "y.png"])
    out = export(tmp_path, "coco", clusters={"cat": ["x.png"], "dog": ["y.png"]})
    assert _read_by("pycocotools", COCO, out / "labels.json") == [[1, 2], ["cat", "dog"], [48, 54]]


FIFTYONE = """
import json, sys
from fiftyone.utils.data.importers import FiftyOneImageClassificationDatasetImporter
with FiftyOneImageClassificationDatasetImporter(sys.argv[1], include_all_data=True) as reader:
    rows = [[path, *([x.label, x.confidence, x["description"]] if x else [None] * 3)] for path, _, x in reader]
    print(json.dumps([rows, reader.get_dataset_info()]))
"""


def test_fiftyone_reads_it(tmp_path: Path) -> None:
    pictures(tmp_path / "in", ["a/x.png", "b/x.jpg", "u.png"])
    out = export(tmp_path, "fiftyone", clusters={"cat": ["a/x.png"], "dog": ["b/x.jpg"]}, unassigned=["u.png"])
    rows, info = _read_by("fiftyone", FIFTYONE, out)
    assert sorted(rows) == [
        [str(out / "data/u.png"), None, None, None],
        [str(out / "data/x (2).jpg"), "dog", 0.5, "A picture."],
        [str(out / "data/x.png"), "cat", 0.5, "A picture."],
    ]
    assert info == {"classes": ["cat", "dog"]}


DATASET = """
import json, os, sys
import fiftyone
kind = fiftyone.types.FiftyOneImageClassificationDataset
photos = fiftyone.Dataset.from_dir(sys.argv[1], kind, include_all_data=True)
print(json.dumps(sorted([os.path.basename(s.filepath), s.ground_truth and s.ground_truth.label] for s in photos)))
"""


def test_fiftyone_makes_a_dataset_of_it(tmp_path: Path) -> None:
    pictures(tmp_path / "in", ["a/x.png", "b/x.jpg", "u.png"])
    out = export(tmp_path, "fiftyone", clusters={"cat": ["a/x.png"], "dog": ["b/x.jpg"]}, unassigned=["u.png"])
    own = {"HOME": str(tmp_path), "FIFTYONE_DATABASE_DIR": str(tmp_path / "db"), "FIFTYONE_DO_NOT_TRACK": "1"}
    assert _read_by("fiftyone", DATASET, out, **own) == [["u.png", None], ["x (2).jpg", "dog"], ["x.png", "cat"]]
