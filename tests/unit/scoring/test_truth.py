"""Every form of --truth, and one clear message for each way it can be wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ictc.errors import InputError
from ictc.scoring import read_truth

NAMES = ["0_cat.png", "12_aquatic_mammals.png"]


def test_filename_takes_everything_after_the_first_underscore() -> None:
    names = [*NAMES, "sub/3_looking through a microscope.jpg", "4_v1.5.jpeg", "5_Saxophone"]
    assert read_truth("filename", names).classes == {
        "0_cat.png": "cat",
        "12_aquatic_mammals.png": "aquatic_mammals",
        "sub/3_looking through a microscope.jpg": "looking through a microscope",
        "4_v1.5.jpeg": "v1.5",
        "5_Saxophone": "Saxophone",
    }


def test_filename_counts_names_that_show_no_class() -> None:
    assert read_truth("filename", [*NAMES, "cat.png", "7_.png"]).missing == ["cat.png", "7_.png"]


def test_folder_is_the_parent() -> None:
    truth = read_truth("folder", ["cat/1.png", "x/dog/2.png", "3.png"])
    assert (truth.classes, truth.missing) == ({"cat/1.png": "cat", "x/dog/2.png": "dog"}, ["3.png"])


@pytest.mark.parametrize("spec", ["filename", "folder"])
def test_names_that_show_nothing_are_an_error_with_examples(spec: str) -> None:
    with pytest.raises(InputError) as e:
        read_truth(spec, ["a.png", "b.png", "c.png", "d.png"])
    assert "'a.png', 'b.png', 'c.png', ..." in e.value.message and "FILE[:COLUMN]" in e.value.hint


TABLES = {
    "t.csv": "image,type\n0_cat.png,cat\n12_aquatic_mammals.png,whale\n",
    "bom.csv": "\ufeffimage,type\r\n0_cat.png,cat\r\n12_aquatic_mammals.png,whale\r\n",
    "excel.csv": "image;type\n0_cat.png;cat\n12_aquatic_mammals.png;whale\n",
    "t.tsv": "file_name\ttype\n0_cat.png\tcat\n12_aquatic_mammals.png\twhale\n",
    "t.jsonl": '{"filename": "0_cat.png", "type": "cat"}\n\n{"filename": "12_aquatic_mammals.png", "type": "whale"}\n',
    "other.csv": "Path,Type\n/data/pets/0_cat.jpg,cat\nC:\\data\\pets\\12_aquatic_mammals.jpg, whale \n",
    "a:b.csv": "image,type\n0_cat.png,cat\n12_aquatic_mammals.png,whale\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("column", ["", ":type"])
@pytest.mark.parametrize("packed", [False, True])
def test_tables(tmp_path: Path, name: str, column: str, packed: bool) -> None:
    path = tmp_path / (name + ".gz" * packed)
    data = TABLES[name].encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    truth = read_truth(f"{path}{column}", NAMES)
    assert truth.classes == {"0_cat.png": "cat", "12_aquatic_mammals.png": "whale"}
    assert not truth.missing and not truth.unknown


def test_windows_drive_in_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("C:\\t.csv").write_text(TABLES["t.csv"])
    assert read_truth("C:\\t.csv", NAMES).classes == read_truth("C:\\t.csv:type", NAMES).classes


def test_missing_and_unknown_rows_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image,type\n0_cat.png,cat\n12_aquatic_mammals.png,\nnew.png,dog\n")
    truth = read_truth(str(path), [*NAMES, "5_x.png"])
    assert truth.classes == {"0_cat.png": "cat"}
    assert truth.missing == ["12_aquatic_mammals.png", "5_x.png"]
    assert truth.unknown == ["new.png"]


def test_a_row_that_fits_two_images_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image,type\n1.png,cat\nb/2.png,dog\n")
    truth = read_truth(str(path), ["a/1.png", "b/1.png", "b/2.png"])
    assert (truth.classes, truth.unknown) == ({"b/2.png": "dog"}, ["1.png"])


def test_an_exact_row_wins_over_a_looser_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image,type\n1.jpg,wrong\n1.png,right\n")
    truth = read_truth(str(path), ["1.png"])
    assert (truth.classes, truth.unknown) == ({"1.png": "right"}, ["1.jpg"])


def test_numbers_are_classes(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"image": "0_cat.png", "digit": 0}\n{"image": "12_aquatic_mammals.png", "digit": null}\n')
    truth = read_truth(f"{path}:digit", NAMES)
    assert (truth.classes, truth.missing) == ({"0_cat.png": "0"}, ["12_aquatic_mammals.png"])


def test_metadata_columns() -> None:
    metadata = {"0_cat.png": {"type": "cat", "colour": ""}, "12_aquatic_mammals.png": {"type": "whale"}}
    assert read_truth("type", NAMES, metadata).classes == {"0_cat.png": "cat", "12_aquatic_mammals.png": "whale"}
    with pytest.raises(InputError, match=r"colour.* empty"):
        read_truth("colour", NAMES, metadata)
    with pytest.raises(InputError, match=r"\(colour, type\)"):
        read_truth("mood", NAMES, metadata)


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("image,type,colour\n0_cat.png,a,b\n", "", r"several columns \(type, colour\)"),
        ("image,type,colour\n0_cat.png,a,b\n", ":mood", r"no column 'mood' \(type, colour\)"),
        ("name,type\n0_cat.png,a\n", "", r"no column of image names \(name, type\)"),
        ("image\n0_cat.png\n", "", "only the column"),
        ("image,type\n", "", "no rows"),
        ("", "", "no rows"),
        (
            "image,type\nx.png,a\ny.png,b\n",
            "",
            r"none of the run's images: it has 'x.png', 'y.png', the run has '0_cat",
        ),
        ("image,type\n0_cat.png,a\n0_cat.png,b\n", "", "'a' on line 2 and 'b' on line 3"),
        ("image,type\n0_cat.png,a,b\n", "", "line 2: more cells"),
        ("image,type\n,a\n", "", "line 2: no image name"),
        ("image,type\n0_cat.png,\n", "", "empty for every image"),
        ('image,type\n0_cat.png,"a\n', "", "not a readable table"),
    ],
)
def test_bad_tables_name_what_is_wrong(tmp_path: Path, content: str, column: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as e:
        read_truth(f"{path}{column}", NAMES)
    assert e.value.hint


def test_repeated_rows_that_agree_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image,type\n0_cat.png,a\n0_cat.png, a\n")
    assert read_truth(str(path), NAMES).classes == {"0_cat.png": "a"}


def test_unusable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_truth(str(tmp_path / "none.csv"), NAMES)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("image,type\n0_cat.png,caf\xe9\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_truth(str(latin), NAMES)
    nested = tmp_path / "t.jsonl"
    nested.write_text('{"image": "0_cat.png", "type": ["cat"]}\n')
    with pytest.raises(InputError, match="line 1: a class is one word"):
        read_truth(str(nested), NAMES)
