"""ImageNet-10 and ImageNet-Dogs: parts of ILSVRC2012 on which image clustering is measured.

The synsets are those of Chang et al. (Deep Adaptive Image Clustering, ICCV 2017; repository vector-1127/DAC, "Datasets
description"), which Li et al. (Contrastive Clustering, AAAI 2021) have too. Words: WordNet's, the first of each synset.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Iterator, Mapping
from functools import partial

from ictc.datasets.formats.matlab import structs
from ictc.datasets.formats.tables import lines, rows
from ictc.datasets.recipe import Criterion, Dataset, Image, Options, Place, Sample, Source
from ictc.errors import InputError

_TEN = {
    "n02056570": "king penguin", "n02085936": "Maltese dog", "n02128757": "snow leopard", "n02690373": "airliner",
    "n02692877": "airship", "n03095699": "container ship", "n04254680": "soccer ball", "n04285008": "sports car",
    "n04467665": "trailer truck", "n07747607": "orange",
}  # fmt: skip
_DOGS = {
    "n02085936": "Maltese dog", "n02086646": "Blenheim spaniel", "n02088238": "basset",
    "n02091467": "Norwegian elkhound", "n02097130": "giant schnauzer", "n02099601": "golden retriever",
    "n02101388": "Brittany spaniel", "n02101556": "clumber", "n02102177": "Welsh springer spaniel",
    "n02105056": "groenendael", "n02105412": "kelpie", "n02105855": "Shetland sheepdog", "n02107142": "Doberman",
    "n02110958": "pug", "n02112137": "chow",
}  # fmt: skip
_VALIDATION = re.compile(r"ILSVRC2012_val_(?P<number>\d{8})\.JPEG", re.IGNORECASE)
_TRAINING = re.compile(r"(?P<synset>n\d{8})_(?P<number>\d+)\.JPEG", re.IGNORECASE)
_TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"


def _read(synsets: Mapping[str, str], place: Place, options: Options) -> Iterator[Sample]:
    there = _training(synsets, place) if options.split == "train" else _validation(synsets, place)
    found = set()
    for number, written, synset, name, image in there:
        found.add(synset)
        yield Sample(number, {"object": synsets[synset]}, image, ".JPEG", original=name, written=written)
    if missing := [synset for synset in synsets if synset not in found]:
        raise InputError(
            f"There is no {options.split} image of {missing[0]} ({synsets[missing[0]]})"
            + (f" and {len(missing) - 1} other synsets." if len(missing) > 1 else "."),
            "Give the whole archive, or a folder with one folder (or .tar) a synset.",
        )


_Found = Iterator[tuple[int, str, str, str, Image]]


def _training(synsets: Mapping[str, str], place: Place) -> _Found:
    """Files `n02056570_41.JPEG`, wherever they lie; also in archives of one synset within that of all."""
    for name in place.names:
        base = posixpath.basename(name)
        if base.removesuffix(".tar") in synsets and base.endswith(".tar"):
            yield from _packed(synsets, place, name)
        elif (found := _TRAINING.fullmatch(base)) and found["synset"] in synsets:
            yield _trained(found, base, place.member(name))


def _trained(found: re.Match[str], base: str, image: Image) -> tuple[int, str, str, str, Image]:
    number = int(found["number"])
    return int(found["synset"][1:]) * 10**7 + number, str(number), found["synset"], base, image


def _packed(synsets: Mapping[str, str], place: Place, name: str) -> _Found:
    try:
        with place.open(name) as packed, tarfile.open(fileobj=packed, mode="r:") as archive:
            members = [(posixpath.basename(m.name), m.offset_data, m.size) for m in archive if m.isfile()]
    except tarfile.TarError as error:
        raise InputError(f"{name} is no whole tar archive: {error}.", "It was cut off: get it again.") from error
    for base, start, size in sorted(members):
        if (found := _TRAINING.fullmatch(base)) and found["synset"] in synsets:
            yield _trained(found, base, partial(_slice, place, name, start, size))


def _slice(place: Place, name: str, start: int, size: int) -> bytes:
    with place.open(name) as packed:
        packed.seek(start)
        return packed.read(size)


def _validation(synsets: Mapping[str, str], place: Place) -> _Found:
    """Files `ILSVRC2012_val_00000001.JPEG`; the synset is their folder's name, or stands in a table."""
    images = {}
    for name in place.names:
        if found := _VALIDATION.fullmatch(posixpath.basename(name)):
            images[int(found["number"])] = name
    if not images:
        raise InputError("There is no image such as ILSVRC2012_val_00000001.JPEG.", "Give ILSVRC2012_img_val.tar.")
    sorted_out = {number: posixpath.basename(posixpath.dirname(name)) for number, name in images.items()}
    if not all(re.fullmatch(r"n\d{8}", folder) for folder in sorted_out.values()):
        sorted_out = _truth(place)
        if absent := sorted(set(sorted_out) - set(images)):
            raise InputError(
                f"The truth has {len(absent):,} images that there are not: ILSVRC2012_val_{absent[0]:08d}.JPEG, ...",
                "Give the whole archive of images.",
            )
        if unknown := sorted(set(images) - set(sorted_out)):
            raise InputError(
                f"{images[unknown[0]]} and {len(unknown) - 1:,} other images have no truth.", "Give the whole devkit."
            )
    for number, name in sorted(images.items()):
        if (synset := sorted_out[number]) in synsets:
            yield number, f"{number:08d}", synset, posixpath.basename(name), place.member(name)


def _truth(place: Place) -> dict[int, str]:
    """The synset of every validation image: of Kaggle's table, or of the devkit's list and MATLAB file."""
    if table := place.find("LOC_val_solution.csv"):
        answers = {}
        for image, prediction in rows(place, table, ("ImageId", "PredictionString")):
            found = _VALIDATION.fullmatch(f"{image}.JPEG")
            if not found or not prediction:
                raise InputError(f"{table}: no image and synset in {image[:40]!r}.", "Get the table again.")
            answers[int(found["number"])] = prediction.split()[0]
        return answers
    meta = place.need("data/meta.mat")
    known = {int(number): str(synset) for number, synset in structs(place, meta, "synsets", ("ILSVRC2012_ID", "WNID"))}
    listed = place.need(_TRUTH)
    answers = {}
    for line, answer in lines(place, listed):
        if not answer.isdecimal() or int(answer) not in known:
            raise InputError(f"{listed}, line {line}: {answer[:40]!r} is no class of {meta}.", "Get the devkit again.")
        answers[line] = known[int(answer)]
    return answers


_BY_HAND = "ImageNet is given to people who have an account and accept its terms: https://image-net.org/download-images"


def _source(file: str, md5: str, split: str) -> Source:
    """MD5: torchvision."""
    url = f"https://image-net.org/data/ILSVRC/2012/{file}"
    return Source(file=file, url=url, checksum=f"md5:{md5}", splits=(split,), by_hand=_BY_HAND)


def _dataset(name: str, title: str, synsets: Mapping[str, str]) -> Dataset:
    return Dataset(
        name=name,
        title=title,
        page="https://image-net.org/challenges/LSVRC/2012/",
        licence="for research and education without commerce, under ImageNet's terms of access",
        citation="O. Russakovsky et al.: ImageNet Large Scale Visual Recognition Challenge. IJCV 115, 2015; the part: "
        "J. Chang et al.: Deep Adaptive Image Clustering. ICCV 2017",
        criteria=(Criterion("object", len(synsets)),),
        splits={"val": 50 * len(synsets), "train": 1300 * len(synsets)},
        sources=(
            _source("ILSVRC2012_img_val.tar", "29b22e2961454d5413ddabcf34fc5622", "val"),
            _source("ILSVRC2012_devkit_t12.tar.gz", "fa75699e90414af021442c21a62c3abf", "val"),
            _source("ILSVRC2012_img_train.tar", "1d675b47d978889d74fa0da5fadfb00e", "train"),
        ),
        read=partial(_read, synsets),
        note="Folders and archives of synsets are taken as well, and Kaggle's layout (LOC_val_solution.csv).",
    )


DATASET = _dataset("imagenet-10", "ImageNet-10", _TEN)
DOGS = _dataset("imagenet-dogs", "ImageNet-Dogs", _DOGS)
