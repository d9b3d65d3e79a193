"""MNIST, CIFAR-10, CIFAR-100 and STL-10 from tiny archives in their true formats: every pixel and class arrives."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.datasets.known import dataset
from ictc.errors import InputError
from ictc_datasets.cifar10 import DATASET as CIFAR10
from ictc_datasets.cifar100 import DATASET as CIFAR100
from ictc_datasets.mnist import DATASET as MNIST
from ictc_datasets.stl10 import DATASET as STL10
from tests.archived import prepared, tarred, zipped
from tests.published import (
    cifar10_binary,
    cifar10_python,
    cifar100_binary,
    cifar100_python,
    idx,
    mnist,
    pickled,
    pixels,
    planes,
    stl10,
)


def shown(root: Path, name: str, file: str) -> np.ndarray:
    return np.asarray(Image.open(root / name / file))


def test_mnist_from_gzip_from_unpacked_files_and_from_a_zip_of_them(tmp_path: Path) -> None:
    images = pixels(4, 28, 28)
    official = mnist(tmp_path / "official", images, [7, 2, 1, 0])
    raw = {f.name.removesuffix(".gz"): gzip.decompress(f.read_bytes()) for f in official.iterdir()}
    (tmp_path / "raw" / "MNIST").mkdir(parents=True)
    for name, data in raw.items():
        (tmp_path / "raw" / "MNIST" / name.replace("-idx", ".idx")).write_bytes(data)
    zipped(tmp_path / "mine.zip", {f"archive/{name}": data for name, data in raw.items()})
    for number, given in enumerate([official, tmp_path / "raw", tmp_path / "mine.zip"]):
        rows = prepared(MNIST, tmp_path / str(number), given)
        assert [row["file_name"] for row in rows] == ["0_7.png", "1_2.png", "2_1.png", "3_0.png"]
        assert [row["digit"] for row in rows] == ["7", "2", "1", "0"]
        for row, image in zip(rows, images, strict=True):
            assert np.array_equal(shown(tmp_path / str(number), "mnist", row["file_name"]), image)


def test_all_of_mnist_is_test_then_training(tmp_path: Path) -> None:
    mnist(tmp_path / "given", pixels(2, 28, 28), [3, 4])
    mnist(tmp_path / "given", pixels(3, 28, 28), [5, 6, 7], "train")
    rows = prepared(MNIST, tmp_path / "root", tmp_path / "given", split="all")
    assert [row["file_name"] for row in rows] == ["0_3.png", "1_4.png", "2_5.png", "3_6.png", "4_7.png"]


@pytest.mark.parametrize("pack", [cifar10_python, cifar10_binary])
def test_cifar10_is_numbered_as_its_test_batch(tmp_path: Path, pack: Callable[..., Path]) -> None:
    images = pixels(5, 32, 32, 3)
    archive = pack(
        tmp_path / pack.__name__.replace("cifar10_", "cifar-10-").__add__(".tar.gz"), images, [3, 8, 8, 0, 9]
    )
    rows = prepared(CIFAR10, tmp_path / "root", archive)
    assert [row["file_name"] for row in rows] == [
        "0_cat.png", "1_ship.png", "2_ship.png", "3_airplane.png", "4_truck.png",
    ]  # fmt: skip
    assert rows[0].get("original") == ("cat_s_000000.png" if pack is cifar10_python else None)
    for row, image in zip(rows, images, strict=True):
        assert np.array_equal(shown(tmp_path / "root", "cifar-10", row["file_name"]), image)


@pytest.mark.parametrize("pack", [cifar100_python, cifar100_binary])
def test_cifar100_is_numbered_class_by_class_as_the_original_is(tmp_path: Path, pack: Callable[..., Path]) -> None:
    images = pixels(5, 32, 32, 3)
    coarse, fine = [1, 0, 1, 0, 0], [4, 1, 2, 0, 1]
    archive = pack(tmp_path / f"{pack.__name__.replace('cifar100_', 'cifar-100-')}.tar.gz", images, coarse, fine)
    rows = prepared(CIFAR100, tmp_path / "root", archive)
    assert [(row["file_name"], row["superclass"], row["class"]) for row in rows] == [
        ("1_aquatic_mammals.png", "aquatic_mammals", "beaver"),
        ("2_aquatic_mammals.png", "aquatic_mammals", "dolphin"),
        ("3_aquatic_mammals.png", "aquatic_mammals", "dolphin"),
        ("4_fish.png", "fish", "flatfish"),
        ("5_fish.png", "fish", "ray"),
    ]
    for row, i in zip(rows, [3, 1, 4, 2, 0], strict=True):
        assert np.array_equal(shown(tmp_path / "root", "cifar-100", row["file_name"]), images[i])


def test_stl10_stands_upright(tmp_path: Path) -> None:
    images = pixels(3, 96, 96, 3)
    rows = prepared(STL10, tmp_path / "root", stl10(tmp_path / "stl10_binary.tar.gz", images, [2, 1, 3]))
    assert [row["file_name"] for row in rows] == ["0_bird.png", "1_airplane.png", "2_car.png"]
    for row, image in zip(rows, images, strict=True):
        assert np.array_equal(shown(tmp_path / "root", "stl-10", row["file_name"]), image)


HEAD = bytes([0, 0, 8, 3])


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (idx(pixels(2, 28, 28))[:-1], idx(pixels(2)), r"2 x 28 x 28 values are stated, but 1,567 follow at byte 16"),
        (idx(pixels(2, 28, 28)), idx(pixels(3)), "3 labels for 2 images"),
        (idx(pixels(2, 28, 28)), idx(np.array([4, 10], np.uint8)), r"label 1 \(byte 9\) is 10, not 0 to 9"),
        (b"<html>not found</html>", idx(pixels(2)), "begins with 3c 68 74 6d, not with 00 00 08 03"),
        (b"", idx(pixels(2)), "begins with nothing"),
        (HEAD + b"\xff" * 12, idx(pixels(2)), "4294967295 x 4294967295 x 4294967295 values are stated"),
        (gzip.compress(idx(pixels(2, 28, 28)))[:-9], idx(pixels(2)), "no whole gzip file"),
    ],
)
def test_malformed_idx_is_told(tmp_path: Path, images: bytes, labels: bytes, said: str) -> None:
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(images)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(labels)
    with pytest.raises(InputError, match=said):
        prepared(MNIST, tmp_path / "root", tmp_path)
    assert not (tmp_path / "root" / "mnist").exists()


@pytest.mark.parametrize(
    ("dataset_", "files", "said"),
    [
        (CIFAR10, {"test_batch.bin": bytes(3073 + 5), "batches.meta.txt": b"a\n"}, "the last one begins at byte 3,073"),
        (CIFAR10, {"test_batch.bin": b"\x07" * 3073, "batches.meta.txt": b"a\nb\n"}, "label 7 of image 0 is none of 0"),
        (CIFAR10, {"test_batch": b"\x80\x02}", "batches.meta.txt": b"a\n"}, "test_batch is no whole pickle"),
        (CIFAR10, {"test_batch": pickled({"labels": [1]}), "batches.meta.txt": b"a"}, "no array 'data' of 3,072"),
        (
            CIFAR10,
            {"test_batch": pickled({"data": planes(pixels(2, 32, 32, 3)), "labels": [1]}), "batches.meta.txt": b"a"},
            "no list 'labels' of 2 numbers",
        ),
        (STL10, {"test_X.bin": bytes(27_648 + 1), "class_names.txt": b"a"}, "a part of one from byte 27,648 on"),
        (
            STL10,
            {"test_X.bin": bytes(27_648), "test_y.bin": b"\0", "class_names.txt": b"a"},
            "byte 0 is 0, not 1 to 1",
        ),
        (STL10, {"class_names.txt": b"a"}, "There is no test_X.bin in what was given"),
    ],
)
def test_malformed_batches_are_told(tmp_path: Path, dataset_: object, files: dict[str, bytes], said: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said):
        prepared(dataset_, tmp_path / "root", tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "harmful",
    [
        b"cos\nsystem\n(S'touch PWNED'\ntR.",
        b"\x80\x04\x8c\x08builtins\x94\x8c\x04eval\x94\x93\x8c\x01\x31\x85R.",
        b"cnumpy\nndarray\n((I99999999999\ntI0\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\n(I0\ntS'b'\ntR.",
        b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.",
        b"c_codecs\nencode\n(S'x'\nS'zip'\ntR.",
        b"}r\xff\xff\xff\x7f.",  # remember it at place two thousand million
        b"P12\n.",
    ],
    ids=["os.system", "eval", "memory", "class", "objects", "codec", "memo", "persistent"],
)
def test_a_harmful_pickle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harmful: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    archive = tarred(
        tmp_path / "cifar-10-python.tar.gz",
        {"b/batches.meta": pickled({"label_names": ["a"]}), "b/test_batch": harmful},
    )
    with pytest.raises(InputError, match=r"test_batch (was not loaded|is no whole pickle)"):
        prepared(CIFAR10, tmp_path / "root", archive)
    assert not Path("PWNED").exists()


@pytest.mark.parametrize("name", ["mnist", "cifar-10", "cifar-100", "stl-10"])
def test_what_a_recipe_says_is_whole(name: str) -> None:
    known = dataset(name)
    assert known.name == name and known.licence and known.citation and known.page
    assert all(s.size and s.checksum and s.url.rpartition("/")[2] == s.file for s in known.sources)
    assert known.splits["all"] == known.splits["test"] + known.splits["train"]
