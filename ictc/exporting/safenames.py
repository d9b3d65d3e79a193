r"""Names that every file system takes as they are: Windows' (NTFS, FAT), macOS' and Linux's rules together.

No separator, no control or invisible character, none of `<>:"|?*`; no dot or space at an end; no device name (CON, NUL,
COM1, ... with any extension); no leading dash, dot or double underscore; at most LONGEST bytes; NFC. Two names in one
folder differ also where case, Unicode normal form and compatibility forms are not told apart. Sources: Microsoft,
"Naming Files, Paths, and Namespaces"; Apple, "HFS Plus Volume Format" (TN1150).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

LONGEST = 120
"""Bytes. 255 is the common limit, 143 that of encrypted home folders, and Windows counts whole paths up to 260."""

_EXTENSION = 16
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


class Namer:
    """Gives names for one folder, no two alike. The same names asked for in the same order get the same answers."""

    def __init__(self, reserved: Iterable[str] = (), *, by_stem: bool = False) -> None:
        """With `by_stem`, names differ also where extensions do not count."""
        self._by_stem = by_stem
        self._taken = {self._key(name) for name in reserved}
        self._next: dict[str, int] = {}

    def folder(self, name: str) -> str:
        """A name for a folder that is called `name` by people."""
        return self._free(safe(name), "")

    def file(self, name: str) -> str:
        """A name for a file called `name`; the extension stays."""
        stem, dot, extension = name.rpartition(".")
        if not stem or len(extension.encode("utf-8", "replace")) > _EXTENSION or safe(extension) != extension:
            return self._free(safe(name), "")
        return self._free(safe(stem, keep=len(extension.encode()) + 1), dot + extension)

    def _free(self, stem: str, extension: str) -> str:
        if self._by_stem and not extension and "." in stem:  # who drops extensions takes what follows for one
            stem, dot, rest = stem.rpartition(".")
            extension = dot + rest
        name, start = stem + extension, self._key(stem + extension)
        number = self._next.get(start, 2)
        while self._key(name) in self._taken:
            name, number = f"{stem} ({number}){extension}", number + 1
        self._next[start] = number
        self._taken.add(self._key(name))
        return name

    def _key(self, name: str) -> str:
        stem = name.rpartition(".")[0] or name
        return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", stem if self._by_stem else name).casefold())


def safe(name: str, keep: int = 0) -> str:
    """`name` as every file system takes it, `keep` bytes shorter for an extension; a digest is for the rest."""
    text = "".join("_" if unicodedata.category(c) in _HIDDEN else c for c in unicodedata.normalize("NFC", name))
    text = _tidy(_FORBIDDEN.sub("_", text))
    if len(text.encode()) > LONGEST - keep:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        text = _tidy(_cut(text, LONGEST - keep - len(digest) - 2)) + f"~{digest}"
    return text


def _tidy(text: str) -> str:
    text = text.strip().rstrip(". \u3000")
    if text.startswith((".", "-", "~")):
        text = "_" + text.lstrip(".")
    text = re.sub(r"^__+", "_", text)
    return f"_{text}" if not text or _DEVICES.fullmatch(text) else text


def _cut(text: str, most: int) -> str:
    """At most so many bytes of it, no letter without its accents."""
    cut = text.encode()[:most].decode("utf-8", "ignore")
    if len(cut) < len(text) and (unicodedata.combining(text[len(cut)]) or text[len(cut)] == "\u200d"):
        while cut and unicodedata.combining(cut[-1]):
            cut = cut[:-1]
        cut = cut[:-1]
    return cut
