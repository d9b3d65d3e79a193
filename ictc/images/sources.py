"""What IMAGES stands for: a folder, a pattern, a list, an imagefolder, or single files, turned into hashed items.

`recorded:FILE` is not known here: it needs no images, and the pipeline hands it to the describer of that name.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ictc.errors import InputError
from ictc.images.files import ImageFault, open_regular
from ictc.images.listed import URL, URL_HINT, Listed
from ictc.images.listfiles import LIST_EXTENSIONS, NOT_READ_HERE, NoFileColumn, Row, read_list
from ictc.images.naming import can_be_named, natural_key, path_as_name, relative_names
from ictc.images.nothing import IMAGES_CAN_BE, descriptions_alone, no_images, no_match, none_listed, not_there
from ictc.images.walk import Found, expand, walk
from ictc.types import Failure, Item

Kind = Literal["folder", "imagefolder", "glob", "file", "list", "paths", "recorded"]


@dataclass(frozen=True, slots=True)
class Source:
    """The images of a run, in a fixed order. What could not be read is in `failures` and not in `items`.

    `metadata` holds, by item name, the other columns of a list or of metadata.csv/.jsonl. `root` is the folder that
    names are relative to. `skipped` counts the files passed over because of their extension, by extension.
    """

    items: list[Item]
    failures: list[Failure]
    metadata: Mapping[str, Mapping[str, str]]
    root: Path | None
    kind: Kind
    skipped: Mapping[str, int] = field(default_factory=dict)


def read_source(images: str | Path | Sequence[str | Path]) -> Source:
    """Find and hash the images. A file that cannot be read is a `Failure`; the others go on.

    Raises:
        InputError: nothing is there, or no image is in it; the hint says what to give instead.
    """
    if not isinstance(images, str | Path):
        return _from_paths([str(path) for path in images])
    given = str(images)
    if not given or not can_be_named(given):
        raise InputError("IMAGES is empty." if not given else "No file can be named as IMAGES is.", IMAGES_CAN_BE)
    if URL.match(given):
        raise InputError(f"{path_as_name(given)} is a URL.", URL_HINT)
    path = _absolute(given)
    if path.is_dir():
        return _from_folder(path)
    if os.path.lexists(path):
        return _from_file(path)
    if given.startswith("recorded:"):
        raise descriptions_alone(given)
    if glob.has_magic(given):
        return _from_glob(path)
    raise not_there(given, path)


def _absolute(given: str) -> Path:
    path = Path(given).expanduser() if given.startswith("~/") else Path(given)
    return Path(os.path.normpath(path.absolute()))


def _from_folder(root: Path) -> Source:
    found = walk(root)
    listed = Listed([(table, row) for table in _metadata_tables(found) for row in _metadata(table)])
    if not found.files and not found.faults and not listed:
        raise no_images(root, found)
    files = sorted({*found.files, *listed.rows}, key=natural_key)
    return _source(root, "imagefolder" if listed else "folder", files, found, listed)


def _metadata_tables(found: Found) -> list[Path]:
    for folder, number in Counter(table.parent for table in found.tables).items():
        if number > 1:
            raise InputError(
                f"{path_as_name(folder)} holds both metadata.csv and metadata.jsonl.", "Rename or remove one of them."
            )
    return sorted(found.tables, key=natural_key)


def _metadata(table: Path) -> list[Row]:
    try:
        return read_list(table)
    except NoFileColumn:  # of that name by chance
        return []


def _from_glob(pattern: Path) -> Source:
    root, found = expand(pattern)
    if not found.files:
        raise no_match(pattern, found)
    return _source(root, "glob", sorted(found.files, key=natural_key), found)


def _from_file(path: Path) -> Source:
    extension = path.suffix.lower()
    if extension in NOT_READ_HERE:
        raise InputError(f"{path_as_name(path)} is neither an image nor a list.", NOT_READ_HERE[extension])
    if extension in LIST_EXTENSIONS:
        return _from_list(path)
    return _source(path.parent, "file", [path])


def _from_list(path: Path) -> Source:
    listed = Listed([(path, row) for row in read_list(path)])
    if not listed:
        raise InputError(f"The list {path_as_name(path)} is empty.", "Write one path a line into it.")
    source = _source(path.parent, "list", list(listed.rows), listed=listed)
    if not source.items and {failure.code for failure in source.failures} <= {"missing-file", "url"}:
        raise none_listed(path, source.failures, described=any("text" in row for row in listed.rows.values()))
    return source


def _from_paths(paths: Sequence[str]) -> Source:
    together, files = Found(), list[Path]()
    for path in map(_absolute, paths):
        found = walk(path) if path.is_dir() else Found(files=[path])
        files += sorted(found.files, key=natural_key)
        together.faults += found.faults
        together.others += found.others
    if not files and not together.faults:
        raise no_images(_absolute(paths[0]), together) if paths else InputError("There are no images.", IMAGES_CAN_BE)
    files = list(dict.fromkeys(files))
    root = Path(os.path.commonpath([path.parent for path in files] or [_absolute(paths[0])]))
    source = _source(root, "paths", files, together)
    if not source.items and {failure.code for failure in source.failures} == {"missing-file"}:
        raise not_there(paths[0], _absolute(paths[0]))
    return source


def _source(
    root: Path, kind: Kind, files: Sequence[Path], found: Found | None = None, listed: Listed | None = None
) -> Source:
    """Hash `files` (absolute, no two the same) in parallel and put the parts together, in their order."""
    found, listed = found or Found(), listed or Listed([])
    faults = sorted(found.faults, key=lambda fault: natural_key(fault[0]))
    names = relative_names(root, [*files, *(path for path, _ in faults)])
    with ThreadPoolExecutor() as pool:
        read = list(pool.map(_read, names, files))
    items = [one for one in read if isinstance(one, Item)]
    return Source(
        items=items,
        failures=[one for one in read if isinstance(one, Failure)]
        + [fault.failure(name) for name, (_, fault) in zip(names[len(files) :], faults, strict=True)]
        + [fault.failure(name) for name, fault in listed.faults.items()],
        metadata={item.name: row for item in items if item.path and (row := listed.rows.get(item.path))},
        root=root,
        kind=kind,
        skipped=dict(sorted(found.others.items())),
    )


def _read(name: str, path: Path) -> Item | Failure:
    try:
        with open_regular(path) as stream:
            return Item(name=name, path=path, sha256=hashlib.file_digest(stream, "sha256").hexdigest())
    except ImageFault as fault:
        return fault.failure(name)
    except OSError as error:
        return ImageFault("unreadable", f"The file cannot be read: {error.strerror}.").failure(name)
