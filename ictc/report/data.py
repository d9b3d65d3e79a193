"""What the page's script works on: every image of every revision, as columns and texts in compact JSON.

Images are numbered once for all revisions. What is short and always needed is a column over all of them (base64 of
little-endian integers, or one text with a line each); what is long (descriptions, reasons) lies in blocks of `BLOCK`
images that are read when they are looked at.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ictc.result import Result
from ictc.text import printable
from ictc.types import Failure, Item

BLOCK = 1000
TEXT = 4000
"""Characters of a description or a reason that the page holds; the whole is in the result files."""

ABSENT, FAILED, UNASSIGNED = -1, -2, 0
"""In the column of clusters, beside the numbers of the sections."""

_NONE = -1
_LIST = 500


class Images:
    """All images of a run by name, numbered in the order of their first revision; of each, its last file."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.items: list[Item] = []

    def __len__(self) -> int:
        return len(self.items)

    def add(self, items: Iterable[Item], failures: Iterable[Failure] = ()) -> None:
        for item in (*items, *(Item(f.image) for f in failures)):
            number = self.numbers.setdefault(item.name, len(self.items))
            if number == len(self.items):
                self.items.append(item)
            elif item.path:
                self.items[number] = item

    def listed(self, pictured: str, keys: str = "") -> dict[str, Any]:
        """Names and paths. `pictured`: a letter an image, 0 without picture, 2 for one of few pixels, else 1; `keys`:
        the names of the thumbnails' files, all of one length."""
        root = _root(self.items)
        other = {i: printable(str(x.path)) for i, x in enumerate(self.items) if x.path and str(x.path) != root + x.name}
        names = "\n".join(printable(x.name) for x in self.items)
        return {
            "names": names,
            "root": printable(root),
            "paths": other,
            "pictured": pictured,
            "keys": keys,
            "files": "".join("1" if x.path else "0" for x in self.items),
        }


def _root(items: Sequence[Item]) -> str:
    """What stands before the name in the path of the first image that has one, "" where the name is not its end."""
    first = next((x for x in items if x.path), None)
    return "" if first is None else str(first.path)[: -len(first.name)] if str(first.path).endswith(first.name) else ""


def columns(
    result: Result,
    images: Images,
    numbers: Mapping[str, int],
    truth: Mapping[str, str],
    corrected: Collection[str] = (),
    moved: Sequence[int] = (),
) -> dict[str, Any]:
    """The columns of a revision. `numbers`: the section of each cluster; `corrected`: images a person has moved;
    `moved`: the numbers of those that an earlier revision has elsewhere."""
    n, at = len(images), images.numbers
    cluster, confidence = np.full(n, ABSENT, "<i2"), np.full(n, _NONE, "<i2")
    by, label, labelled_by, classes = (_Words(n) for _ in range(4))
    for failure in result.failures:
        cluster[at[failure.image]] = FAILED
    for a in result.assignments:
        i = at[a.image]
        cluster[i] = UNASSIGNED if a.cluster is None else numbers[a.cluster]
        if a.confidence is not None:
            confidence[i] = round(a.confidence * 10_000)
        by.set(i, a.by)
    for x in result.labels:
        label.set(at[x.image], x.label)
        labelled_by.set(at[x.image], x.by)
    for image, true_class in truth.items():
        if image in at:
            classes.set(at[image], true_class)
    told = [[at[f.image], f.stage, f.code, as_shown(f.message)] for f in result.failures]
    return {
        "cluster": _ints(cluster),
        "confidence": _ints(confidence),
        "by": by.value(),
        "label": label.value(),
        "labelledBy": labelled_by.value(),
        "truth": classes.value(),
        "failures": told,
        "corrected": sorted(at[image] for image in corrected if image in at),
        "moved": sorted(moved),
    }


def descriptions(result: Result, images: Images) -> list[str]:
    """Descriptions in blocks, a line an image; no block where there are none."""
    return _blocks(len(images), ((images.numbers[d.image], d.text) for d in result.descriptions))


def reasons(result: Result, images: Images) -> list[str]:
    """Reasons in blocks; one that only says the label again is left out."""
    labels = {x.image: x.label for x in result.labels}
    said = ((images.numbers[a.image], a.evidence) for a in result.assignments if a.evidence != labels.get(a.image))
    return _blocks(len(images), said)


def _blocks(n: int, texts: Iterable[tuple[int, str]]) -> list[str]:
    lines: dict[int, str] = {i: as_shown(text, TEXT) for i, text in texts if text}
    starts = range(0, n, BLOCK) if lines else ()
    return ["\n".join(lines.get(i, "") for i in range(start, min(n, start + BLOCK))) for start in starts]


class _Words:
    """A column of texts of which many are the same: a number an image, and the distinct texts."""

    def __init__(self, n: int) -> None:
        self._rows = np.full(n, _NONE, "<i4")
        self._known: dict[str, int] = {}

    def set(self, i: int, text: str) -> None:
        if text:
            self._rows[i] = self._known.setdefault(text, len(self._known))

    def value(self) -> dict[str, str]:
        lines = "\n".join(map(as_shown, self._known))
        return {"rows": _ints(self._rows), "words": lines} if self._known else {}


def _ints(values: np.ndarray[Any, Any]) -> str:
    return b64encode(values.tobytes()).decode()


def as_shown(text: str, most: int = _LIST) -> str:
    """As it may be shown: nothing hidden in it, and its lines parted by a carriage return, for it is a line itself."""
    text = text if len(text) <= most else text[:most] + "…"
    return text if text.isprintable() else "\r".join(printable(line) for line in text.replace("\t", " ").splitlines())


def path_key(sha256: str) -> Path:
    """Where the thumbnail of an image with this content lies in its folder."""
    return Path(sha256[:2], f"{sha256[2:18]}.jpg")
