"""Classes that a person gives for images of a data set (`--labels CRITERION=FILE`): what a set's archive does not say.

No publisher states a format of such files, so what they commonly are is read, told by the extension:

    .csv .tsv .jsonl    a column of images (`file_name`, `image`, ...) and one called as the criterion is, or `label`
    .json               {"001_applauding.jpg": "restaurant"}
    .txt                001_applauding.jpg restaurant
                        Image file-x/001_applauding.jpg; Answer: restaurant         (as IC|TC writes its results)

Images may be left out (they have no class then), but none may be named that the data set does not have: a file of
another set would else pass for one with few labels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ictc.datasets.recipe import Options
from ictc.errors import InputError
from ictc.images.listfiles import read_list
from ictc.images.naming import path_as_name
from ictc.jsonl import read_text
from ictc.names import NameIndex

_LINE = re.compile(
    r"(?:Image file-)?(?P<image>.+?\.(?:jpe?g|png))\s*(?:[;,:\t]|\s)\s*(?:Answer\s*:\s*)?(?P<label>\S.*)", re.IGNORECASE
)


def given_labels(options: Options, criterion: str, names: Mapping[str, int]) -> dict[int, str]:
    """The classes that are given for the criterion, by the numbers that `names` has for the images' names (several
    names may mean one image; folders and extensions do not matter). None given: nothing.

    Raises:
        InputError: the file cannot be read, names an image that there is not, or gives one image two classes.
    """
    file = options.labels.get(criterion)
    if file is None:
        return {}
    index = NameIndex(names)
    labels: dict[int, str] = {}
    unknown = []
    for image, label in _pairs(file, criterion):
        name = index.find(image)
        if name is None:
            unknown.append(image)
        elif label and labels.setdefault(names[name], label) != label:
            raise InputError(
                f"{path_as_name(file)} gives {image} two classes: {labels[names[name]]!r} and {label!r}.",
                "Remove one of them.",
            )
    if unknown:
        shown = ", ".join(map(repr, unknown[:3])) + (", ..." if len(unknown) > 3 else "")
        raise InputError(
            f"{path_as_name(file)} names {len(unknown):,} images that the data set does not have: {shown}",
            f"Images are called like {next(iter(names), '(none)')!r}.",
        )
    if not labels:
        raise InputError(f"{path_as_name(file)} gives no image a class.", f"Name images and their {criterion}.")
    return labels


def _pairs(file: Path, criterion: str) -> Iterator[tuple[str, str]]:
    kind = file.suffix.lower()
    if kind == ".json":
        yield from _object(file)
    elif kind == ".txt":
        for number, line in enumerate(read_text(file).splitlines(), 1):
            if line.strip():
                found = _LINE.fullmatch(line.strip())
                if not found:
                    raise InputError(
                        f"{path_as_name(file)}, line {number}: no image and class in {line.strip()[:80]!r}.",
                        "Write lines such as: 001_applauding.jpg restaurant",
                    )
                yield found["image"], found["label"].strip()
    else:
        for row in read_list(file):
            columns = {name.strip().lower(): value for name, value in row.values.items()}
            known = [columns[name] for name in (criterion, "label", "class") if name in columns]
            if not known:
                raise InputError(
                    f"{path_as_name(file)} has no column '{criterion}', 'label' or 'class'; it has: "
                    f"{', '.join(row.values) or 'no other than that of the images'}.",
                    f"Call the column with the classes '{criterion}'.",
                )
            yield row.file, known[0].strip()


def _object(file: Path) -> Iterator[tuple[str, str]]:
    try:
        found = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path_as_name(file)} is no JSON: {error}.", 'Write {"image.jpg": "class", ...}') from error
    if not isinstance(found, dict) or not all(isinstance(label, str) for label in found.values()):
        raise InputError(
            f"{path_as_name(file)} is no JSON object of images and their classes.", 'Write {"image.jpg": "class", ...}'
        )
    for image, label in found.items():
        yield image, label.strip()
