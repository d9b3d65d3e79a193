"""Descriptions recorded earlier: JSONL of ours (`image`, `text`) or the original IC|TC's (`image_file`, `text`)."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ictc.errors import InputError
from ictc.jsonl import numbered_jsonl
from ictc.names import relative_to_common_folder
from ictc.types import Description, Item

_EXPECTED = 'Each line must be like {"image": "1.png", "text": "A red car."} (or "image_file" instead of "image").'


def read_recorded(path: Path) -> list[Description]:
    """The descriptions of a file, plain or gzip, in order; an image described twice alike comes once.

    `image` is the name as it stands; `image_file` (a path on somebody's machine) loses the folder that all share.

    Raises:
        InputError: unreadable, empty, a line that is no description, or two different texts for one image.
    """
    read: list[Description] = []
    lines, foreign = array("q"), bytearray()  # beside each: its line, and whether its name is somebody's path
    for line, row in numbered_jsonl(path):
        read.append(_description(row, f"{path}, line {line}"))
        lines.append(line)
        foreign.append("image" not in row)
    if not read:
        raise InputError(f"{path} holds no descriptions.", _EXPECTED)
    names = relative_to_common_folder(d.image for d, theirs in zip(read, foreign, strict=True) if theirs)
    found: dict[str, int] = {}
    for i, description in enumerate(read):
        if foreign[i]:
            description = read[i] = replace(description, image=names[description.image])
        first = found.setdefault(description.image, i)
        if read[first].text != description.text:
            raise InputError(
                f"{path}: lines {lines[first]} and {lines[i]} describe {description.image!r} differently.",
                "Keep one of the two lines.",
            )
    return [read[i] for i in found.values()]


def recorded_items(path: Path) -> list[Item]:
    """The items of a run on descriptions alone: names without image files."""
    return [Item(name=d.image, sha256=d.sha256) for d in read_recorded(path)]


def _description(row: Mapping[str, Any], where: str) -> Description:
    image = row.get("image", row.get("image_file"))
    text = row.get("text")
    if not isinstance(image, str) or not image or not isinstance(text, str):
        has = ", ".join(repr(key) for key in list(row)[:8]) or "nothing"
        raise InputError(f"{where}: an image name and a text are needed, here are {has}.", _EXPECTED)
    model = row.get("model") or row.get("model_id")
    sha256 = row.get("sha256")
    return Description(
        image=image,
        text=text,
        model=sys.intern(model) if isinstance(model, str) else "recorded",
        sha256=sha256 if isinstance(sha256, str) else "",
    )
