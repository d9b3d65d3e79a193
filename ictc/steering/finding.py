"""Clusters and images by what a person types: as it is, else by case; a typo is told with the nearest names."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from ictc.errors import UsageError
from ictc.replies.answers import unfit
from ictc.replies.reading import bare, one_line
from ictc.result import UNASSIGNED
from ictc.text import shortened

_NEAR = 3
_LOOKED_AT = 20_000  # image names among which a typo's nearest are searched: a second
_PATTERN = set("*?[")


def same(name: str) -> str:
    """What names are compared by: case, quotes and a final full stop apart."""
    return bare(unicodedata.normalize("NFC", one_line(name))).casefold()


def cluster_named(text: str, names: Sequence[str]) -> str:
    """The cluster that is meant.

    Raises:
        UsageError: there is none, or several differ by case alone.
    """
    if text in names:
        return text
    alike = [n for n in names if same(n) == same(text)]
    if len(alike) == 1:
        return alike[0]
    near = alike or nearest(text, names)
    meant = f"Did you mean {' or '.join(f'“{n}”' for n in near)}? " if near else ""
    listed = ", ".join(shortened(n, 40) for n in names[:12])
    raise UsageError(f"There is no cluster “{text}”.", f"{meant}There are: {listed}{', ...' if names[12:] else ''}.")


def new_name(text: str, taken: Iterable[str], instead: Callable[[str], str]) -> str:
    """A name for a cluster, as it will stand. `instead`: what to do where there is a cluster of that name.

    Raises:
        UsageError: it is none, or it is taken.
    """
    name = unicodedata.normalize("NFC", one_line(text))
    if wrong := unfit(name):
        raise UsageError(f"“{shortened(name, 60)}” is no name for a cluster. {wrong}", "Give another one.")
    if same(name) in ("", UNASSIGNED):
        raise UsageError(f"“{name}” cannot be a cluster's name.", "Give another one.")
    if known := [n for n in taken if same(n) == same(name)]:
        raise UsageError(f"There is a cluster “{known[0]}” already.", instead(known[0]))
    return name


def images_named(text: str, images: Sequence[str]) -> list[str]:
    """The image called so, else the one whose path ends so, else all that a pattern (`cats/*`) fits.

    Raises:
        UsageError: none, or several paths end so.
    """
    known = set(images)
    if text in known:
        return [text]
    ends = [i for i in images if i.endswith(f"/{text}")]
    if len(ends) == 1:
        return ends
    if ends:
        raise UsageError(f"Several images are called “{text}”.", f"Say which: {', '.join(ends[:5])}")
    if _PATTERN & set(text) and (fitting := [i for i in images if fnmatchcase(i, text)]):
        return fitting
    near = nearest(text, images[:_LOOKED_AT])
    meant = f"Did you mean {' or '.join(near)}?" if near else f"Images are called like {', '.join(images[:2])}."
    raise UsageError(f"There is no image “{text}”.", meant)


def nearest(text: str, names: Sequence[str]) -> list[str]:
    """The names most like a typo, the nearest first."""
    folded = {n.casefold(): n for n in reversed(names)}
    return [folded[n] for n in get_close_matches(text.casefold(), list(folded), _NEAR, 0.5)]
