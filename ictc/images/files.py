"""Opening a file that may be anything at all: a pipe, a device, a broken link, something without permission."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from ictc.types import Failure

MAX_FILE_BYTES = 2 << 30
"""No photograph is larger; a larger file is refused before it is read."""

CURABLE = frozenset(["missing-file", "unreadable", "missing-extra"])
"""Faults that the person can mend without touching the image; the next run tries such an image again."""

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_NEVER_WAIT = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class ImageFault(Exception):
    """Why one file gives no image.

    `code`: missing-file, unreadable, not-a-file, zero-bytes, not-an-image, truncated (cut off or damaged), too-large,
    unsupported (a rare variety of a known format), missing-extra. `message` never holds the path: the caller has it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def failure(self, name: str) -> Failure:
        """This fault as the value that stands in the place of the image called `name`."""
        return Failure(name, "image", self.code, self.message, retryable=self.code in CURABLE)


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; whatever else it is, an `ImageFault` at once (a pipe never blocks)."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ImageFault("not-a-file", "A folder, pipe, socket or device, not a file.")
        handle = os.open(path, _NEVER_WAIT)
    except (OSError, ValueError) as error:
        raise _unopened(path, error) from error
    stream = os.fdopen(handle, "rb")
    info = os.fstat(handle)  # asked again of what was really opened: the path may have been swapped in between
    if not stat.S_ISREG(info.st_mode):
        stream.close()
        raise ImageFault("not-a-file", "A pipe, socket or device, not a file.")
    if info.st_size > MAX_FILE_BYTES:
        stream.close()
        raise ImageFault("too-large", f"The file has {info.st_size:,} bytes; the most read is {MAX_FILE_BYTES:,}.")
    return stream


def _unopened(path: Path, error: OSError | ValueError) -> ImageFault:
    if isinstance(error, ValueError):  # a NUL or a lone surrogate in the name
        return ImageFault("missing-file", "No file can have this name.")
    if error.errno not in _ABSENT:
        return ImageFault("unreadable", f"The file cannot be opened: {os.strerror(error.errno or errno.EIO)}.")
    try:
        broken = path.is_symlink()
    except OSError:
        broken = False
    return ImageFault("missing-file", "A link to a file that does not exist." if broken else "The file does not exist.")
