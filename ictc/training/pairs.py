"""Texts of images, to learn from: of their classes by templates, or from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ictc.errors import InputError, UsageError
from ictc.scoring.truth import read_truth
from ictc.training.labelled import Given

LABELS = "labels"
TEMPLATE = "a photo of a {class}"
_CLASS = "{class}"
_EXPECTED = 'A line is like {"image": "1.png", "text": "A car."}; a CSV has such columns. Another: --texts FILE:COLUMN'


def check_templates(templates: Sequence[str]) -> None:
    """Raises UsageError: there is none, or one says nothing of the class."""
    if not templates:
        raise UsageError("There is no template.", f"Give one or more: --template '{TEMPLATE}'")
    for template in templates:
        if _CLASS not in template:
            raise UsageError(f"--template '{template}' has no {_CLASS}.", f"Say where it goes: --template '{TEMPLATE}'")


def filled(templates: Sequence[str], name: str) -> list[str]:
    """The templates with the class `name`, whose underscores are blanks."""
    return [template.replace(_CLASS, name.replace("_", " ")) for template in templates]


def texts_of(source: Given, texts: str, templates: Sequence[str]) -> dict[str, list[str]]:
    """The texts of each image that has any. `texts`: `labels`, or FILE[:COLUMN], a CSV, TSV or JSONL table of image
    names and texts, such as descriptions (`step1_result.jsonl`).

    Raises:
        InputError: the file cannot be used, or names none of the images.
    """
    if not texts.strip():
        raise InputError("--texts is empty.", f"Give a file of image names and texts, or: --texts {LABELS}")
    if texts == LABELS:
        return {name: filled(templates, class_) for name, class_ in (source.classes or {}).items()}
    file, _, column = (texts, "", "") if Path(texts).is_file() else texts.rpartition(":")
    file, column = (file, column) if file and Path(file).is_file() else (texts, "")
    if not Path(file).is_file():
        raise InputError(
            f"--texts {texts}: there is no such file.", f"Give a file of image names and texts, or: --texts {LABELS}"
        )
    try:
        found = read_truth(f"{file}:{column or 'text'}", [i.name for i in source.items]).classes
    except InputError as error:
        raise InputError(error.message, _EXPECTED) from error
    return {name: [text] for name, text in found.items()}


def digest_of(texts: Mapping[str, Sequence[str]], source: Given) -> str:
    """Changes with the texts of the images that are trained on."""
    rows = sorted((i.sha256 or i.name, list(texts.get(i.name, ()))) for i in source.training)
    return hashlib.sha256(repr(rows).encode(errors="surrogatepass")).hexdigest()[:16]
