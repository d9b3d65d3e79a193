"""Single files packed with gzip."""

from __future__ import annotations

import gzip
import io
import zlib

from ictc.errors import InputError


def unpacked(name: str, data: bytes, most: int) -> bytes:
    """`data` without its gzip, where it has one; never more than `most` bytes are made."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{name} is no whole gzip file: {error}.", "It was cut off or changed: get the file again."
        ) from error
    if len(plain) > most:
        raise InputError(f"{name} unpacks to more than {most:,} bytes.", "It is not what it is called: get it again.")
    return plain
