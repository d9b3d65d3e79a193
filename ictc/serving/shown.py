"""The report's page as it is served, its pieces, and pictures by their number: nothing else of the disk is given out.

The page is the run's report.html with a policy and a script of its own. Only ictc's own scripts are let run, by their
hashes, whatever is in the file; pieces are read as data and written anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ictc.errors import InputError
from ictc.images.files import ImageFault
from ictc.images.thumbnails import thumbnail_jpeg
from ictc.pages import FOLDER, PAGE, Known, renew_page, shown_revisions
from ictc.progress import Watch, unwatched
from ictc.report.page import as_json, policy_digest, script_digest
from ictc.runfolder import RunFolder
from ictc.serving.security import POLICY
from ictc.serving.state import current, stamp
from ictc.types import Item

LARGE = 1600
"""Pixels of the longer side of a picture in the larger view."""

_HEAD = 4096
_META = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n?')
_PIECE = re.compile(r"data/([a-z]+-[0-9a-f]{16})\.js")
_PICTURE = re.compile(r"pictures-[0-9]{2,4}/[0-9a-f]{2}/[0-9a-f]{16}\.jpg")
_CALL = re.compile(r'ictcData\("([a-z0-9-]+)",(.*)\)\s*', re.DOTALL)
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Shown:
    """The page as of `stamp`. `items`: by the numbers that the page has for images."""

    stamp: str
    revision: str
    items: Sequence[Item] = ()

    def name_of(self, number: int) -> str:
        """Raises InputError: the page has no such image."""
        if not 0 <= number < len(self.items):
            raise InputError(f"There is no image {number} on the page.", "Reload the page.")
        return self.items[number].name


def make_page(folder: RunFolder, watch: Watch, known: Known) -> Shown:
    """Brings report.html up to date; `known`: what was made for it before. Raises RunBusy, RunError."""
    made_of = stamp(folder)
    revision = folder.revision(current(folder))
    renew_page(folder, revision, watch, anew=not _has_this_script(folder.path / PAGE), known=known)
    return Shown(made_of, revision.id, known.images(shown_revisions(folder, revision)).items)


def ready(folder: RunFolder, now: Shown, known: Known) -> None:
    """Makes again what the page that is shown has, for the next one to take. Raises RunBusy, RunError."""
    renew_page(folder, folder.revision(now.revision), unwatched, anew=True, known=known)


def _has_this_script(file: Path) -> bool:
    """Whether the page there is has the script of this ictc, the only one that is let run."""
    try:
        with file.open("rb") as stream:
            return script_digest().encode() in stream.read(_HEAD)
    except OSError:
        return True


def page(folder: Path, known: Shown, key: str) -> tuple[str, str] | None:
    """The page and its policy; None where there is none yet."""
    try:
        text = (folder / PAGE).read_text("utf-8")
    except OSError:
        return None
    head, end, rest = text.partition("</head>")
    style = head.partition("<style>")[2].rpartition("</style>")[0]
    more = (
        f'<meta name="ictc-key" content="{key}">\n<meta name="ictc-stamp" content="{known.stamp}">\n'
        '<link rel="icon" href="data:,">\n<link rel="stylesheet" href="/static/serve.css">\n'
    )
    body, close, tail = rest.rpartition("</body>")
    script = '<script src="/static/serve.js"></script>\n'
    policy = (
        f"{POLICY}; connect-src 'self'; img-src 'self' data:; style-src 'self' '{policy_digest(style)}'; "
        f"script-src 'self' '{script_digest()}'"
    )
    return _META.sub("", head) + more + end + body + script + close + tail, policy


def piece(folder: Path, path: str) -> str | None:
    """A script of data beside the page, as ictc writes it; None where there is none such."""
    fits = _PIECE.fullmatch(path)
    data = _read(folder, path) if fits else None
    call = _CALL.fullmatch(data.decode("utf-8", "replace")) if data else None
    if not fits or not call or call[1] != fits[1]:
        return None
    try:
        return f'ictcData("{fits[1]}",{as_json(json.loads(call[2]))})\n'
    except (ValueError, RecursionError):
        return None


def small_picture(folder: Path, path: str) -> bytes | None:
    """A thumbnail beside the page."""
    data = _read(folder, path) if _PICTURE.fullmatch(path) else None
    return data if data and data.startswith(_JPEG) else None


def large_picture(known: Shown, number: int) -> bytes | None:
    """An image of the run, decoded and encoded anew: without metadata, and never a file as it is."""
    item = known.items[number] if 0 <= number < len(known.items) else None
    try:
        return thumbnail_jpeg(item.path, LARGE) if item and item.path else None
    except ImageFault:
        return None


def _read(folder: Path, path: str) -> bytes | None:
    """A file of the page's folder; never one that a link leads to."""
    root = (folder / FOLDER).absolute()
    file = root / path
    if any(part.is_symlink() for part in (root, *file.parents[: len(Path(path).parts) - 1])):
        return None
    try:
        with open(os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as stream:
            return stream.read()
    except OSError:
        return None
