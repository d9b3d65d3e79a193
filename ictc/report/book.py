"""Collects the revisions of a run, oldest first, into the values and the data of one page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ictc.differing import Difference, difference
from ictc.interfaces import Vectors
from ictc.report.build import PICTURES, Draw, build_report
from ictc.report.changes import change_lines
from ictc.report.data import BLOCK, Images, as_shown, columns, descriptions, reasons
from ictc.report.map import layout
from ictc.report.model import Page, Provenance, Report, Thumbnail
from ictc.report.pieces import Pieces
from ictc.report.update_view import UpdateView
from ictc.result import Result

_TILES, _FEWEST = 2400, 60
"""Pictures shown in the clusters of all revisions together, and in those of one at least."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the page has of one revision: its part of the page, what the script must know, and names of pieces."""

    report: Report
    told: Mapping[str, Any]
    pieces: Sequence[str]


def tiles(revisions: int, most: int = PICTURES) -> int:
    """About how many pictures each revision shows, at most `most`: fewer where there are twice as many revisions."""
    return max(_FEWEST, min(most, _TILES >> max(0, revisions - 1).bit_length()))


class Book:
    """`images` are those of all revisions; `most`: about how many are shown in the clusters of one. `known`: chapters
    of an earlier book of the same images. What is kept of a revision does not grow with its descriptions."""

    def __init__(
        self, images: Images, pieces: Pieces, most: int = PICTURES, known: Mapping[str, Chapter] | None = None
    ) -> None:
        self.images = images
        self.most = most
        self.chapters: dict[str, Chapter] = {}
        self._known = known or {}
        self._pieces = pieces
        self._names = ""
        self._latest: dict[str, tuple[int, Callable[[], Result]]] = {}
        self._texts: dict[str, Sequence[str]] = {}

    def list_images(self, pictured: str, keys: str = "") -> None:
        """All images; see `Images.listed`."""
        self._names = self._pieces.put("images", self.images.listed(pictured, keys))

    def again(self, key: str, described: str, result: Callable[[], Result]) -> bool:
        """Whether the next revision is the chapter of that key, which is taken then. `described` as in `add`."""
        if chapter := self._known.get(key):
            self._pieces.keep(chapter.pieces)
            self._texts[described] = chapter.told["texts"]
            self._latest[chapter.report.criterion] = len(self.chapters), result
            self.chapters[key] = chapter
        return chapter is not None

    def add(
        self,
        result: Result,
        provenance: Provenance,
        *,
        scores: Mapping[str, Any] | None = None,
        truth: Mapping[str, str] | None = None,
        vectors: Vectors | None = None,
        thumbnails: Mapping[str, bytes] | None = None,
        warnings: Sequence[str] = (),
        corrected: Collection[str] = (),
        update: UpdateView | None = None,
        described: str = "",
        draw: Draw = layout,
        key: str = "",
    ) -> None:
        """The next revision; see `build_report`. `corrected`: the images that a person moved; `described`: the same for
        revisions with the same descriptions, which are kept once; `key`: for a later book to take the chapter again."""
        at = len(self.chapters)
        since, changed = self._changed(at, result)
        report = build_report(
            result,
            provenance,
            scores=scores,
            truth=truth,
            vectors=vectors,
            thumbnails=thumbnails,
            warnings=warnings,
            changes=change_lines(changed, self._reports[since].provenance.revision) if changed else (),
            update=update,
            numbers=self.images.numbers,
            most=self.most,
            draw=draw,
        )
        numbers = {s.cluster.name: s.number for s in report.sections}
        moved = [self.images.numbers[m.image] for m in changed.images] if changed else []
        put = self._pieces.put
        own = put("columns", columns(result, self.images, numbers, truth or {}, corrected, moved))
        texts = self._texts.get(described) if described else None
        if texts is None:
            texts = [put("texts", block) for block in descriptions(result, self.images)]
        self._texts[described] = texts
        why = [put("reasons", block) for block in reasons(result, self.images)]
        matching = scores["matching"] if scores else ()
        matched = {m["class"]: numbers[m["cluster"]] for m in matching if m["cluster"] in numbers}
        told = _told(report, matched, columns=own, texts=texts, reasons=why, since=since if changed else None)
        self.chapters[key or str(at)] = Chapter(report, told, [own, *texts, *why])

    def page(
        self,
        current: int,
        key: str = "",
        data: Mapping[str, str] | None = None,
        thumbnails: Mapping[int, Thumbnail] | None = None,
        folder: str = "",
        pictures: str = "",
        pieces: str = "",
    ) -> Page:
        """The page, which opens with the revision at `current`. `pictures` and `pieces` are in its folder, if any."""
        reports = self._reports
        inline = {number for report in reports for number in report.thumbnails} | set(thumbnails or {})
        told = {
            "images": self._names,
            "block": BLOCK,
            "current": current,
            "folder": f"{folder}/{pieces}/" if folder else "",
            "pictures": f"{folder}/{pictures}/" if folder else "",
            "inline": sorted(inline),
            "revisions": [chapter.told for chapter in self.chapters.values()],
        }
        return Page(reports, current, told, data or {}, thumbnails or {}, folder, key)

    @property
    def _reports(self) -> Sequence[Report]:
        return [chapter.report for chapter in self.chapters.values()]

    def _changed(self, at: int, result: Result) -> tuple[int, Difference | None]:
        """Since the last revision of the same criterion."""
        before = self._latest.get(result.criterion)
        slim = replace(result, descriptions=(), labels=(), metadata={})
        self._latest[result.criterion] = at, lambda: slim
        return (before[0], difference(before[1](), result)) if before else (at, None)


def _told(report: Report, matched: Mapping[str, int], **more: Any) -> dict[str, Any]:
    """What the script must know of a revision; names as the columns have them."""
    return {
        "id": as_shown(report.provenance.revision),
        "criterion": as_shown(report.criterion),
        "clusters": [{"number": s.number, "name": as_shown(s.cluster.name), "size": s.size} for s in report.sections],
        "unassigned": report.counts["unassigned"],
        "failed": report.counts["failed"],
        "matched": {as_shown(name): number for name, number in matched.items()},
        **more,
    }
