"""What an image is called in result files: printable on every screen, unique in a run, telling which file is meant."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

_DIGITS = re.compile(rb"(\d+)")
_JOINERS = "\u200c\u200d"  # invisible, but part of writing Persian, Hindi and many emoji


def path_as_name(path: str | Path) -> str:
    r"""A path as it may be shown and stored: no control characters, no text direction marks, valid UTF-8.

    What cannot be shown is written as an escape, and a backslash as two, so that no two paths give the same name:
    a newline is `\n`, the byte 0xFF that is no UTF-8 is `\xff`, the character U+202E is `\u202e`.
    """
    decoded = os.fsencode(path).decode("utf-8", "surrogateescape").replace(os.sep, "/")
    return "".join(char if _is_plain(char) else _escape(char) for char in decoded)


def can_be_named(text: str) -> bool:
    """Whether a file could have this path at all: no NUL, no half of a surrogate pair."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _is_plain(char: str) -> bool:
    return (char.isprintable() and char != "\\") or char in _JOINERS


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if 0x80 <= code <= 0xFF:
        return f"\\u{code:04x}"
    return char.encode("unicode_escape").decode("ascii")


def natural_key(path: Path) -> tuple[list[list[bytes | int]], bytes]:
    """Sorts `2.jpg` before `10.jpg`, folder by folder; depends on the bytes of the path alone, not on the locale."""
    raw = os.fsencode(path)
    # splitting by digits alternates text and number, so that like always meets like
    parts = [
        [int(piece) if i % 2 else piece for i, piece in enumerate(_DIGITS.split(part))] for part in raw.split(b"/")
    ]
    return parts, raw


def relative_names(root: Path, paths: Sequence[Path]) -> list[str]:
    """The name of each absolute path: relative to `root` where it lies below, else its shortest unique ending.

    The names of different paths differ, and do not depend on the order of the paths.
    """
    names = {path: path.relative_to(root) for path in paths if path.is_relative_to(root)}
    taken = set(names.values())
    outside = sorted({path for path in paths if path not in names})
    depth = 1
    while outside:
        endings = {path: Path(*path.parts[-depth:]) for path in outside}
        uses = Counter(endings.values())
        settled = {p: e for p, e in endings.items() if (uses[e] == 1 and e not in taken) or e == p}
        names |= settled
        taken |= set(settled.values())
        outside = [path for path in outside if path not in settled]
        depth += 1
    return [path_as_name(names[path]) for path in paths]
