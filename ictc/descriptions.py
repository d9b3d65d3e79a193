"""Descriptions recorded earlier: JSONL of ours (`image`, `text`) or the original IC|TC's (`image_file`, `text`)."""

from __future__ import annotations

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
    rows = [(line, row, _description(row, f"{path}, line {line}")) for line, row in numbered_jsonl(path)]
    if not rows:
        raise InputError(f"{path} holds no descriptions.", _EXPECTED)
    names = relative_to_common_folder(d.image for _, row, d in rows if "image" not in row)
    found: dict[str, tuple[int, Description]] = {}
    for line, row, description in rows:
        if "image" not in row:
            description = replace(description, image=names[description.image])
        first_line, first = found.setdefault(description.image, (line, description))
        if first.text != description.text:
            raise InputError(
                f"{path}: lines {first_line} and {line} describe {description.image!r} differently.",
                "Keep one of the two lines.",
            )
    return [d for _, d in found.values()]


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
        model=model if isinstance(model, str) else "recorded",
        sha256=sha256 if isinstance(sha256, str) else "",
    )
