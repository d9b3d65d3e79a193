"""Reading JSONL, plain or gzip, with errors that name the file and the line."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import jsonlines

from ictc.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, plain or gzip (told by its first bytes, not its name), without a byte order mark.

    Raises:
        InputError: the file is missing, unreadable, damaged, or not UTF-8.
    """
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as e:
        raise unreadable(path, e) from e


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file, in order; blank lines are skipped. See `numbered_jsonl` for the errors."""
    return (row for _, row in numbered_jsonl(path))


def numbered_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number from 1, object) for every line of a JSONL file, plain or gzip, reading as it goes.

    Raises:
        InputError: the file is missing, damaged or not UTF-8, or a line is not a JSON object (the line is named).
    """
    try:
        with _open_text(path) as file:
            lines = _Counted(file)
            reader = jsonlines.Reader(lines, loads=json.loads)
            for row in reader.iter(type=dict, skip_empty=True):
                yield lines.number, row
    except jsonlines.InvalidLineError as e:
        raise InputError(
            f"{path}, line {e.lineno}: not a JSON object: {_short(e.line)}",
            'Each line must be one object, such as {"image": "1.png", "text": "A red car."}.',
        ) from e
    except (OSError, zlib.error, UnicodeDecodeError) as e:
        raise unreadable(path, e) from e


def unreadable(path: Path, error: Exception) -> InputError:
    """The `InputError` for a file that cannot be read at all."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"There is no file {path}.", "Check the path; it is taken from the current folder.")
    if isinstance(error, IsADirectoryError):
        return InputError(f"{path} is a folder, not a file.", "Give the path of the file inside it.")
    if isinstance(error, UnicodeDecodeError):
        return InputError(f"{path} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8 and try again.")
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return InputError(f"{path} is a damaged gzip file: {error}", "Fetch or compress it again.")
    return InputError(f"{path} cannot be read: {error}", "Check that the file exists and may be read.")


def _open_text(path: Path) -> TextIO:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig")


class _Counted:
    """Hands lines on and remembers how many, which jsonlines tells only with errors.

    jsonlines takes an EOFError for the end of the lines; from gzip it means that the file is cut off.
    """

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        try:
            for line in self._lines:
                self.number += 1
                yield line
        except EOFError as e:
            raise gzip.BadGzipFile(str(e)) from e


def _short(line: object) -> str:
    text = repr(line)
    return text if len(text) <= 80 else text[:77] + "..."
