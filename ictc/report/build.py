"""From a result to what the page shows: counting, choosing the pictures, laying out the map. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.report.map import layout, sample
from ictc.report.map_view import map_view
from ictc.report.model import Heading, ImageMap, Picture, Provenance, Report, Section
from ictc.report.score_view import score_view
from ictc.report.thumbnails import read
from ictc.report.update_view import UpdateView
from ictc.result import Result
from ictc.types import Assignment, Cluster, Label

PICTURES, PICTURES_EACH = 600, 48
"""Pictures on the page and in one section, at most; with some 10 kB each the page stays under 10 MB."""

CARDS, CARDS_EACH = 240, 15
"""The same for descriptions shown as cards, when there are no pictures."""

DOUBTFUL = 8
LABELS = 24
FAILURES = 200
TEXT = 1200
"""Characters of a description that are shown; the whole is in step1_result.jsonl."""

_PREVIEW = 3
_DIVIDED = 12


Draw = Callable[[Vectors], NDArray[np.float64] | None]
"""Positions [n, 2] on a map for vectors [n, d]: `map.layout`, or what remembers its answers."""


def shown_images(result: Result, most: int = PICTURES) -> list[str]:
    """The images that the page shows as pictures, about `most`: make thumbnails (256 px is enough) of these."""
    return [a.image for ranked in _members(result).values() for a in _chosen(ranked, *_quota(result, True, most))]


def mapped(result: Result) -> NDArray[np.intp]:
    """The rows of `result.assignments` whose vectors the map is made of."""
    return sample(len(result.assignments))


def build_report(
    result: Result,
    provenance: Provenance,
    *,
    scores: Mapping[str, Any] | None = None,
    truth: Mapping[str, str] | None = None,
    vectors: Vectors | None = None,
    thumbnails: Mapping[str, bytes] | None = None,
    warnings: Sequence[str] = (),
    changes: Sequence[str] = (),
    update: UpdateView | None = None,
    numbers: Mapping[str, int] | None = None,
    most: int = PICTURES,
    draw: Draw = layout,
) -> Report:
    """Everything that the page shows of one revision.

    Args:
        result: the run.
        provenance: how it was made.
        scores: `Scores.to_json()`.
        truth: the true class per image, shown beside each image.
        vectors: for the map, [n, d] of the assignments in the rows `mapped(result)`.
        thumbnails: JPEG bytes per image name; those of `shown_images(result)` suffice. None or empty: cards of text.
        warnings: what the reader should know before believing the clusters.
        changes: how it differs from an earlier revision.
        update: what the update found that made it.
        numbers: of the images, where the page has several revisions; else they are counted here.
        most: about how many images are shown in the clusters.
        draw: how the map is laid out.
    """
    members = _members(result)
    matched = {m["class"]: m["cluster"] for m in scores["matching"]} if scores else {}
    numbers = numbers or {a.image: i for i, a in enumerate(result.assignments)}
    pictures = _Pictures(result, truth or {}, matched, thumbnails or {}, numbers)
    quota = _quota(result, bool(thumbnails), most)
    total = len(result.assignments)
    labels = result.labels_of
    told = [replace(c, labels=labels[c.name]) for c in result.taxonomy.clusters]
    by_size = sorted(told, key=lambda c: -len(members[c.name]))
    sections = [
        _section(number, cluster, members[cluster.name], total, quota, pictures)
        for number, cluster in enumerate(by_size, 1)
    ]
    unassigned = _section(0, Cluster("Unassigned"), members[None], total, quota, pictures) if members[None] else None
    if groups := result.groups:
        sections = _under_headings(sections, groups)
        if unassigned and "" not in groups:
            unassigned = replace(unassigned, opens=Heading("", 0, unassigned.size, unassigned.share))
    return Report(
        criterion=result.criterion,
        sections=sections,
        unassigned=unassigned,
        choice=result.taxonomy.choice,
        counts=result.counts,
        confidence=_mean(result.assignments),
        failures=result.failures[:FAILURES],
        more_failures=max(0, len(result.failures) - FAILURES),
        failure_codes=[(s, c, n) for (s, c), n in Counter((f.stage, f.code) for f in result.failures).most_common()],
        scores=score_view(scores) if scores else None,
        map=_map(result, vectors, numbers, draw) if vectors is not None else None,
        warnings=list(warnings),
        provenance=provenance,
        changes=list(changes),
        update=update,
    )


class _Pictures:
    """Makes the picture of an assignment from what is known of its image."""

    def __init__(
        self,
        result: Result,
        truth: Mapping[str, str],
        matched: Mapping[str, str],
        thumbnails: Mapping[str, bytes],
        numbers: Mapping[str, int],
    ) -> None:
        self.numbers = numbers
        self.texts = {d.image: d.text for d in result.descriptions}
        self.labels = {x.image: x for x in result.labels}
        self.truth = truth
        self.matched = matched
        self.thumbnails = thumbnails

    def of(self, a: Assignment) -> Picture:
        text, truth = self.texts.get(a.image, ""), self.truth.get(a.image, "")
        label = self.labels.get(a.image, Label(a.image, ""))
        return Picture(
            image=a.image,
            number=self.numbers[a.image],
            text=text if len(text) <= TEXT else text[:TEXT] + "…",
            label=label.label,
            labelled_by=label.by,
            confidence=a.confidence,
            evidence=a.evidence,
            by=a.by,
            truth=truth,
            wrong=bool(truth and self.matched and (a.cluster is None or self.matched.get(truth) != a.cluster)),
            thumbnail=read(self.thumbnails.get(a.image)),
        )


def _members(result: Result) -> dict[str | None, list[Assignment]]:
    """Assignments per cluster name, most confident first, ties in input order; None holds the unassigned."""
    members: dict[str | None, list[Assignment]] = {name: [] for name in result.names}
    members[None] = []
    for a in sorted(result.assignments, key=_doubt):
        members[a.cluster].append(a)
    return members


def _doubt(a: Assignment) -> tuple[float, bool]:
    """The most confident first; what a model itself named has no confidence, and stands before all that has."""
    return (
        -1.0 if a.confidence is None and a.cluster is not None else -(a.confidence or 0.0),
        a.confidence is not None,
    )


def _quota(result: Result, pictured: bool, most: int) -> tuple[int, int]:
    """(most confident, least confident) images to show in each section."""
    filled = max(1, len({a.cluster for a in result.assignments}))
    total, cap = (most, PICTURES_EACH) if pictured else (min(most, CARDS), CARDS_EACH)
    each = min(cap, max(1, total // filled))
    doubtful = min(DOUBTFUL, each // 4)
    return each - doubtful, doubtful


def _split(ranked: Sequence[Assignment], likely: int, doubtful: int) -> tuple[list[Assignment], list[Assignment]]:
    """The first `likely` and the last `doubtful`; small sections, and those of one confidence only, have no last."""
    divided = len(ranked) >= _DIVIDED and len({a.confidence for a in ranked}) > 1
    last = min(doubtful, len(ranked) // 4) if divided else 0
    first = min(likely + doubtful - last, len(ranked) - last)
    return list(ranked[:first]), list(ranked[len(ranked) - last :])


def _chosen(ranked: Sequence[Assignment], likely: int, doubtful: int) -> list[Assignment]:
    first, last = _split(ranked, likely, doubtful)
    return first + last


def _section(
    number: int,
    cluster: Cluster,
    ranked: Sequence[Assignment],
    total: int,
    quota: tuple[int, int],
    pictures: _Pictures,
) -> Section:
    first, last = _split(ranked, *quota)
    likely = [pictures.of(a) for a in first]
    labels = sorted(cluster.labels.items(), key=lambda x: (-x[1], x[0]))
    return Section(
        number=number,
        cluster=cluster,
        size=len(ranked),
        share=len(ranked) / max(1, total),
        likely=likely,
        doubtful=[pictures.of(a) for a in reversed(last)],
        hidden=len(ranked) - len(first) - len(last),
        confidence=_mean(ranked),
        labels=labels[:LABELS],
        more_labels=max(0, len(labels) - LABELS),
        preview=[p.number for p in likely if p.thumbnail][:_PREVIEW],
    )


def _under_headings(sections: Sequence[Section], groups: Mapping[str, Sequence[str]]) -> list[Section]:
    """The sections in the order of `groups`, the first of each with its heading."""
    by_name = {s.cluster.name: s for s in sections}
    ordered: list[Section] = []
    for name, clusters in groups.items():
        inside = [by_name[c] for c in clusters]
        heading = Heading(name, len(inside), sum(s.size for s in inside), sum(s.share for s in inside))
        ordered += [replace(inside[0], opens=heading), *inside[1:]]
    return ordered


def _mean(assignments: Sequence[Assignment]) -> float | None:
    """Mean confidence of the assigned images that have one."""
    known = [a.confidence for a in assignments if a.cluster is not None and a.confidence is not None]
    return fmean(known) if known else None


def _map(result: Result, vectors: Vectors, numbers: Mapping[str, int], draw: Draw) -> ImageMap | None:
    shown = [result.assignments[i] for i in mapped(result)]
    if len(shown) != len(vectors) or (xy := draw(vectors)) is None:
        return None
    return map_view(xy, shown, list(result.clusters), len(result.assignments), [numbers[a.image] for a in shown])
