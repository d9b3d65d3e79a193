"""Text that others wrote, made safe to show in a terminal."""

from __future__ import annotations

import shlex
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    """`text` with all that a terminal would act on (controls, bidi overrides, lone surrogates) as \\x.. escapes."""
    if text.isprintable():  # the same characters, told hundreds of times as fast
        return text
    return "".join(
        c if c == "\u200d" or unicodedata.category(c) not in _HIDDEN else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def shortened(text: str, width: int) -> str:
    """At most `width` characters, an ellipsis where something was cut."""
    return text if len(text) <= width else text[: width - 1] + "…"


def quoted(text: str) -> str:
    """A name as `ictc refine` reads it: in double quotes where it holds `=`, `+` or quotes, or blanks at an end."""
    if not text or text != text.strip() or set(text) & set('=+"'):
        return '"' + text.replace('"', '""') + '"'
    return text


def command_line(*words: str) -> str:
    """An `ictc` command to type, quoted as a shell wants it."""
    return shlex.join(["ictc", *words])
