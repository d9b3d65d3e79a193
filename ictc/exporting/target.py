"""Where an export may go: a new or empty folder of its own, or one that it began; a new file. Never through a link."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ictc.errors import UsageError
from ictc.exporting.journal import FOLDER, exists
from ictc.images.naming import can_be_named, path_as_name


def checked(target: Path, *, folder: bool) -> Path:
    """The target as an absolute path.

    Raises:
        UsageError: it cannot be a path, goes through a symbolic link, or is a file where a folder is needed.
    """
    if not can_be_named(str(target)) or not target.name.strip("."):
        raise UsageError(f"No new {'folder' if folder else 'file'} can be called {str(target)!r}.", "Give -o TARGET.")
    path = Path(os.path.normpath(target.expanduser().absolute()))
    for part in (*reversed(path.parents), path):
        if part.is_symlink():
            raise UsageError(
                f"{path_as_name(part)} is a symbolic link; nothing is written through links.",
                f"If you mean that place, name it: -o {path_as_name(path.resolve())}",
            )
        if os.path.lexists(part) and not part.is_dir() and (folder or part != path):
            raise UsageError(f"{path_as_name(part)} is not a folder.", "Give another target with -o.")
    if not folder and path.is_dir():
        raise UsageError(f"{path_as_name(path)} is a folder.", "Name a file with -o.")
    return path


def check_free(target: Path) -> None:
    """Raises UsageError: the folder holds something that is not of an export."""
    if exists(target / FOLDER) or not target.exists():
        return
    if (target / FOLDER).is_symlink():
        raise UsageError(f"{target / FOLDER} is a symbolic link; nothing is written through links.", "Remove it.")
    others = sorted(entry.name for entry in target.iterdir() if entry.name != FOLDER)
    if others:
        raise UsageError(
            f"{path_as_name(target)} is not empty: it has {path_as_name(others[0])}.",
            "Give a new or empty folder with -o; an export goes nowhere else.",
        )


def check_apart(target: Path, run: Path, images: Iterable[Path], *, moved: bool) -> None:
    """The next run on the folder of images must not find them twice, nor lose them in a run folder.

    Raises:
        UsageError: the target lies in the run, or in a folder of `images` and they are not moved but doubled.
    """
    above = {target, *target.parents}
    if run.resolve() in above:
        raise UsageError(
            f"{path_as_name(target)} lies in the run folder, where no images are looked for.",
            "Give a folder beside it with -o.",
        )
    inside = sorted(above & {folder.resolve() for folder in images})
    if inside and not moved:
        raise UsageError(
            f"{path_as_name(target)} lies in {path_as_name(inside[0])}, which holds the images: the next run would "
            "find each of them twice.",
            "Give a folder elsewhere with -o; or move them there: --how move",
        )
