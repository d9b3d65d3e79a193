"""Corrections as people type them: `a=b`, `a+b=c`, `image=cluster`.

A part that holds `=` or `+` stands in double quotes, a double quote within it is written twice (as in CSV):
`'"a=b"=c'` renames `a=b`. Blanks around parts do not count.
"""

from __future__ import annotations

from collections.abc import Callable

from ictc.errors import UsageError
from ictc.steering.corrections import Add, Correction, Drop, Merge, Move, Pin, Rename, Split, Unpin

Sides = list[list[str]]

EXAMPLES = {
    "rename": "a=b",
    "merge": "a+b=c (or a+b)",
    "split": "a, a=3, or a=b+c",
    "drop": "a",
    "add": "name (or name=what belongs there)",
    "pin": "a",
    "unpin": "a",
    "move": "image.png=a (or x.png+y.png=a)",
}

QUOTED = {"rename": '"a=b"=c', "merge": '"a=b"+c', "move": 'image.png="a=b"'}
"""How a name that holds `=` is typed; of the others `"a=b"`."""


def parse(do: str, text: str) -> Correction:
    """One correction from what follows its option.

    Raises:
        UsageError: it is not of the form that `EXAMPLES` shows.
    """
    try:
        made = _READ[do](_sides(text))
    except (ValueError, IndexError):
        made = None
    if made is None:
        named = QUOTED.get(do, '"a=b"')
        raise UsageError(
            f"--{do} '{text}' is not understood.",
            f"Type --{do} {EXAMPLES[do]}. A name that holds = or + stands in double quotes: --{do} '{named}'",
        )
    return made


def _rename(sides: Sides) -> Correction | None:
    [[cluster], [name]] = sides
    return Rename(cluster, name)


def _merge(sides: Sides) -> Correction | None:
    clusters, *named = sides
    if len(clusters) < 2 or len(named) > 1:
        return None
    if not named:
        return Merge(tuple(clusters))
    [name] = named[0]
    return Merge(tuple(clusters), name)


def _split(sides: Sides) -> Correction | None:
    [cluster], *parts = sides
    if not parts:
        return Split(cluster)
    [names] = parts
    if len(names) > 1:
        return Split(cluster, len(names), tuple(names))
    into = int(names[0])
    return Split(cluster, into) if into > 1 else None


def _add(sides: Sides) -> Correction | None:
    [name], *about = sides
    return Add(name, about[0][0]) if len(about) == 1 and len(about[0]) == 1 else None if about else Add(name)


def _move(sides: Sides) -> Correction | None:
    images, [cluster] = sides
    return Move(tuple(images), cluster)


def _one(kind: Callable[[str], Correction]) -> Callable[[Sides], Correction | None]:
    def read(sides: Sides) -> Correction | None:
        [[cluster]] = sides
        return kind(cluster)

    return read


_READ: dict[str, Callable[[Sides], Correction | None]] = {
    "rename": _rename,
    "merge": _merge,
    "split": _split,
    "drop": _one(Drop),
    "add": _add,
    "pin": _one(Pin),
    "unpin": _one(Unpin),
    "move": _move,
}


def _sides(text: str) -> Sides:
    """What stands between `=` signs, each parted at `+`. Raises ValueError: an open quote, an empty part."""
    sides: Sides = [[""]]
    closed = False  # after a quoted part, which takes no more text
    at = 0
    while at < len(text):
        c = text[at]
        if c == '"' and not sides[-1][-1].strip():
            part, at = _quoted(text, at + 1)
            sides[-1][-1], closed = part, True
            continue
        if c in "=+":
            if not closed:
                sides[-1][-1] = sides[-1][-1].strip()
            closed = False
            if c == "=":
                sides.append([""])
            else:
                sides[-1].append("")
        elif closed and not c.isspace():
            raise ValueError(text)
        elif not closed:
            sides[-1][-1] += c
        at += 1
    if not closed:
        sides[-1][-1] = sides[-1][-1].strip()
    if not all(part for side in sides for part in side):
        raise ValueError(text)
    return sides


def _quoted(text: str, start: int) -> tuple[str, int]:
    """The text within quotes that begins at `start`, and the place behind them."""
    part, at = "", start
    while True:
        end = text.index('"', at)
        part += text[at:end]
        if text[end + 1 : end + 2] != '"':
            return part, end + 1
        part, at = part + '"', end + 2
