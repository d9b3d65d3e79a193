"""What to say when IMAGES leads to no image: what was looked at, what was there instead, what to type."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ictc.errors import InputError
from ictc.images.naming import path_as_name
from ictc.images.walk import IMAGE_EXTENSIONS, Found
from ictc.types import Failure

IMAGES_CAN_BE = "Give a folder, a pattern in quotes ('photos/**/*.jpg'), an image, or a list of files."


def no_images(folder: Path, found: Found) -> InputError:
    """A folder without a single file that looks like an image."""
    if not found.others:
        return InputError(f"The folder {path_as_name(folder)} is empty.", IMAGES_CAN_BE)
    return InputError(
        f"The folder {path_as_name(folder)} holds no images ({_others(found.others)}).",
        f"Images are told by their extension ({' '.join(sorted(IMAGE_EXTENSIONS))}); to use files that have another, "
        "write their paths into a .txt file and give that.",
    )


def no_match(pattern: Path, found: Found) -> InputError:
    """A pattern that no image fits."""
    instead = f" ({_others(found.others)})" if found.others else ""
    hint = "Patterns tell A from a; ** stands for any number of folders; keep the quotes around a pattern."
    if "/" in found.others:
        hint = f"To look inside the folders: '{path_as_name(pattern)}/**'"
    return InputError(f"No image fits the pattern {path_as_name(pattern)}{instead}.", hint)


def none_listed(path: Path, failures: Sequence[Failure], *, described: bool) -> InputError:
    """A list whose files are all missing; `described` when it holds descriptions recorded earlier."""
    hint = f"Paths in a list are relative to its folder, {path_as_name(path.parent)}."
    if described:
        hint = f"To use the descriptions in it, without images: ictc run recorded:{path_as_name(path)} -c CRITERION"
    return InputError(
        f"None of the {len(failures)} files that {path_as_name(path)} names is there; "
        f"the first is {failures[0].image}.",
        hint,
    )


def descriptions_alone(given: str) -> InputError:
    """`recorded:FILE` where images are needed."""
    return InputError(
        f"{path_as_name(given)} has descriptions and no images, and this command looks at images.",
        f"{IMAGES_CAN_BE} To cluster the descriptions: ictc cluster {path_as_name(given)} --embedder sbert:",
    )


def not_there(given: str, path: Path) -> InputError:
    """A path that does not exist: the first part of it that is wrong, and what may have been meant."""
    while not os.path.lexists(path.parent):
        path = path.parent
    try:
        near = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=3)
    except OSError:
        near = []
    meant = f"Did you mean {' or '.join(path_as_name(path.parent / name) for name in near)}?" if near else IMAGES_CAN_BE
    missing = f"There is no {path_as_name(path.name)} in {path_as_name(path.parent)}."
    return InputError(f"{path_as_name(given)} does not exist. {missing}", meant)


def _others(others: Counter[str]) -> str:
    kinds = (f"{number} {_KINDS.get(ext) or path_as_name(ext)}" for ext, number in others.most_common(6))
    return f"{others.total()} other files: {', '.join(kinds)}" if set(others) != {"/"} else f"{others['/']} folders"


_KINDS = {"": "without extension", "/": "folders"}
