"""Whole pages from results alone, as a run makes them from its revisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ictc.report import Book, Images, Page, Provenance, Within, render_page, tiles
from ictc.report.thumbnails import read
from ictc.result import Result


def whole_page(
    results: Sequence[Result],
    more: Sequence[Mapping[str, Any]] = (),
    thumbnails: Mapping[str, bytes] | None = None,
    current: int = 0,
) -> Page:
    """One file with all of `results`; `more`: what else `Book.add` takes for each of them."""
    images = Images()
    for result in results:
        images.add(result.items, result.failures)
    known = {i: t for i, item in enumerate(images.items) if (t := read((thumbnails or {}).get(item.name)))}
    pieces = Within()
    book = Book(images, pieces, tiles(len(results)))
    book.list_images("".join("0" if i not in known else "1" for i in range(len(images))))
    for at, result in enumerate(results):
        given = {"provenance": Provenance(revision=f"{at + 1:03d}"), **(more[at] if more else {})}
        book.add(result, thumbnails=thumbnails, **given)
    return book.page(current, "key", pieces.data, known)


def whole_html(*args: Any, **more: Any) -> str:
    return render_page(whole_page(*args, **more))
