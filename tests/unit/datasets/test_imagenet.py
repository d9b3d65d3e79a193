"""ImageNet-10 and -Dogs of ILSVRC2012 as published (tars, devkit with its MATLAB file), sorted out, and from Kaggle."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from ictc.errors import InputError
from ictc_datasets.imagenet import _TEN, DATASET, DOGS
from tests.archived import jpeg, pictures, prepared, tarred, unpacked, zipped

# DAC's list, as its repository has it
LISTED = """
n02085936 n02086646 n02088238 n02091467 n02097130 n02099601 n02101388 n02101556 n02102177 n02105056 n02105412
n02105855 n02107142 n02110958 n02112137
"""
SYNSETS = ["n01440764", *_TEN]  # the first is of no interest
VALIDATION = [f"ILSVRC2012_val_{i:08d}.JPEG" for i in range(1, 23)]
TRUTH = [SYNSETS[i % 11] for i in range(22)]


def meta() -> bytes:
    """data/meta.mat: an array of structs, the classes of the challenge and (the last) a group of them."""
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "O")]
    synsets = np.empty((len(SYNSETS) + 1, 1), fields)
    for i, synset in enumerate([*SYNSETS, "n02084071"]):
        synsets[i, 0] = (float(i + 1), synset, f"words, {i}", "gloss", float(i == len(SYNSETS)))
    file = io.BytesIO()
    savemat(file, {"synsets": synsets})
    return file.getvalue()


def devkit(path: Path, **changed: bytes) -> Path:
    truth = "".join(f"{SYNSETS.index(synset) + 1}\n" for synset in TRUTH).encode()
    files = {"meta.mat": meta(), "ILSVRC2012_validation_ground_truth.txt": truth}
    files |= {name.replace("__", "."): data for name, data in changed.items()}
    top = "ILSVRC2012_devkit_t12"
    return tarred(path / f"{top}.tar.gz", {f"{top}/data/{name}": data for name, data in files.items()})


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tarred(tmp_path_factory.mktemp("imagenet") / "ILSVRC2012_img_val.tar", pictures(VALIDATION))


def test_validation_images_with_the_devkit(tmp_path: Path, images: Path) -> None:
    rows = prepared(DATASET, tmp_path / "root", images, devkit(tmp_path))
    assert [row["object"] for row in rows] == [*_TEN.values()] * 2
    assert [tuple(row.values()) for row in rows[:2]] == [
        ("00000002_king penguin.JPEG", "king penguin", "ILSVRC2012_val_00000002.JPEG"),
        ("00000003_Maltese dog.JPEG", "Maltese dog", "ILSVRC2012_val_00000003.JPEG"),
    ]


def test_the_same_from_kaggles_table_and_from_sorted_folders(tmp_path: Path, images: Path) -> None:
    expected = prepared(DATASET, tmp_path / "a", images, devkit(tmp_path))
    table = "ImageId,PredictionString\n" + "".join(
        f"{name.removesuffix('.JPEG')},{synset} 1 2 3 4 \n" for name, synset in zip(VALIDATION, TRUTH, strict=True)
    )
    files = pictures(f"ILSVRC/Data/CLS-LOC/val/{name}" for name in VALIDATION)
    kaggle = unpacked(tmp_path / "kaggle", {**files, "LOC_val_solution.csv": table.encode()})
    assert prepared(DATASET, tmp_path / "b", kaggle) == expected
    folders = pictures(f"val/{synset}/{name}" for name, synset in zip(VALIDATION, TRUTH, strict=True))
    assert prepared(DATASET, tmp_path / "c", unpacked(tmp_path / "sorted", folders)) == expected


def test_images_without_any_truth(tmp_path: Path, images: Path) -> None:
    with pytest.raises(InputError, match=r"no data/meta\.mat") as error:
        prepared(DATASET, tmp_path, images)
    assert "ILSVRC2012_devkit_t12.tar.gz" in error.value.hint


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ILSVRC2012_validation_ground_truth__txt": b"1\n" * 23}, r"1 images that there are not: .*_00000023\.JPEG"),
        ({"ILSVRC2012_validation_ground_truth__txt": b"1\n" * 21}, r"_00000022\.JPEG and 0 other images have no truth"),
        ({"ILSVRC2012_validation_ground_truth__txt": b"1\n99\n"}, r"line 2: '99' is no class of .*meta\.mat"),
        ({"meta__mat": b"MATLAB 5.0 MAT-file"}, r"meta\.mat is no MATLAB file"),
        ({"meta__mat": None}, r"no array of structs 'synsets'"),
    ],
)
def test_a_devkit_that_does_not_fit(
    tmp_path: Path, images: Path, changed: dict[str, bytes | None], message: str
) -> None:
    other = io.BytesIO()
    savemat(other, {"synsets": np.arange(3)})
    given = {name: other.getvalue() if data is None else data for name, data in changed.items()}
    with pytest.raises(InputError, match=message):
        prepared(DATASET, tmp_path / "root", images, devkit(tmp_path, **given))


def test_training_images_of_one_archive_a_synset(tmp_path: Path) -> None:
    """Also packed once more into one, as published."""
    inner = {}
    for synset in SYNSETS:
        members = pictures(f"{synset}_{i}.JPEG" for i in (41, 5))
        inner[f"{synset}.tar"] = tarred(tmp_path / f"{synset}.tar", members).read_bytes()
    rows = prepared(DATASET, tmp_path / "a", unpacked(tmp_path / "given", inner), split="train")
    assert [row["file_name"] for row in rows[:3]] == [
        "5_king penguin.JPEG", "41_king penguin.JPEG", "5_Maltese dog.JPEG",
    ]  # fmt: skip
    assert len(rows) == 20
    written = tmp_path / "a" / DATASET.name
    assert (written / "41_orange.JPEG").read_bytes() == jpeg(0)
    assert (written / "5_orange.JPEG").read_bytes() == jpeg(1)
    whole = tarred(tmp_path / "ILSVRC2012_img_train.tar", inner)
    assert prepared(DATASET, tmp_path / "b", whole, split="train") == rows
    broken = tarred(tmp_path / "given" / "ILSVRC2012_img_train.tar", inner | {"n02085936.tar": b"?" * 700})
    with pytest.raises(InputError, match=r"n02085936\.tar is no whole tar archive"):
        prepared(DATASET, tmp_path / "c", broken, split="train")


def test_a_synset_without_images(tmp_path: Path) -> None:
    files = pictures(f"train/{synset}/{synset}_{i}.JPEG" for synset in list(_TEN)[1:] for i in range(1))
    with pytest.raises(InputError, match=r"no train image of n02056570 \(king penguin\)\."):
        prepared(DATASET, tmp_path / "root", zipped(tmp_path / "x.zip", files), split="train")


def test_dogs_are_fifteen_of_the_same_archive(tmp_path: Path) -> None:
    files = pictures(f"train/{synset}/{synset}_7.JPEG" for synset in LISTED.split())
    rows = prepared(DOGS, tmp_path / "root", unpacked(tmp_path / "given", files), split="train")
    assert len({row["object"] for row in rows}) == 15
    assert rows[-1]["file_name"] == "7_chow.JPEG"


def test_imagenet_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"image-net\.org"):
        prepared(DATASET, tmp_path)
