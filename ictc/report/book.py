"""Collects the revisions of a run, oldest first, into the values and the data of one page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ictc.differing import Difference, difference
from ictc.interfaces import Vectors
from ictc.report.build import PICTURES, Draw, build_report
from ictc.report.changes import change_lines
from ictc.report.data import BLOCK, Images, as_shown, columns, descriptions, reasons
from ictc.report.map import layout
from ictc.report.model import Page, Provenance, Report, Thumbnail
from ictc.report.pieces import Pieces
from ictc.result import Result

_TILES, _FEWEST = 1800, 60
"""Pictures shown in the clusters of all revisions together, and in those of one at least."""


class Book:
    """`images` are those of all revisions. What is kept of a revision does not grow with its descriptions."""

    def __init__(self, images: Images, pieces: Pieces, revisions: int = 1, most: int = PICTURES) -> None:
        self.images = images
        self.most = max(_FEWEST, min(most, _TILES // max(1, revisions)))
        self._pieces = pieces
        self._reports: list[Report] = []
        self._told: list[dict[str, Any]] = []
        self._latest: dict[str, tuple[int, Result]] = {}
        self._texts: dict[str, str] = {}

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
        described: str = "",
        draw: Draw = layout,
    ) -> None:
        """The next revision; see `build_report`. `corrected`: the images that a person moved; `described`: the same for
        revisions with the same descriptions, which are kept once."""
        at = len(self._reports)
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
            numbers=self.images.numbers,
            most=self.most,
            draw=draw,
        )
        numbers = {s.cluster.name: s.number for s in report.sections}
        moved = [self.images.numbers[m.image] for m in changed.images] if changed else []
        put = self._pieces.put
        put(columns(f"columns-{at}", result, self.images, numbers, truth or {}, corrected, moved))
        known = self._texts.get(described) if described else None
        texts = known or f"texts-{at}"
        if known is None and not put(descriptions(texts, result, self.images)):
            texts = ""
        self._texts[described] = texts
        why = f"reasons-{at}" if put(reasons(f"reasons-{at}", result, self.images)) else ""
        matching = scores["matching"] if scores else ()
        matched = {m["class"]: numbers[m["cluster"]] for m in matching if m["cluster"] in numbers}
        self._reports.append(report)
        self._told.append(_told(report, matched, texts=texts, reasons=why, since=since if changed else None))

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
        inline = {number for report in self._reports for number in report.thumbnails} | set(thumbnails or {})
        told = {
            "images": len(self.images),
            "block": BLOCK,
            "current": current,
            "folder": f"{folder}/{pieces}/" if folder else "",
            "pictures": f"{folder}/{pictures}/" if folder else "",
            "inline": sorted(inline),
            "revisions": self._told,
        }
        return Page(self._reports, current, told, data or {}, thumbnails or {}, folder, key)

    def _changed(self, at: int, result: Result) -> tuple[int, Difference | None]:
        """Since the last revision of the same criterion."""
        before = self._latest.get(result.criterion)
        self._latest[result.criterion] = at, replace(result, descriptions=(), labels=(), metadata={})
        return (before[0], difference(before[1], result)) if before else (at, None)


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
