"""What `ictc map` does: revisions of one run, or several runs, as maps side by side in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.errors import UsageError
from ictc.files import write_atomic
from ictc.interfaces import Vectors
from ictc.job import Done
from ictc.lane.checking import check_seed
from ictc.lane.reasoner import MARK, SUPERVISED
from ictc.laneruns import scored_on
from ictc.maps.figure import FORMATS, Panel, draw
from ictc.maps.methods import check_method, positions
from ictc.maps.panel import panel_of
from ictc.means import lane_from_json
from ictc.outputs import reopen, result_vectors, score_result
from ictc.progress import Watch, unwatched
from ictc.report.map import MAX_POINTS, sample
from ictc.result import UNASSIGNED
from ictc.scoring.metrics import silhouette
from ictc.text import printable, shortened

_ACROSS = 3  # maps in a row
_CALLED = {"tsne": "t-SNE", "opentsne": "t-SNE (openTSNE)", "umap": "UMAP", "pca": "PCA"}
_MOST = 12
_LONGEST = 60


@dataclass(frozen=True)
class Asked:
    """`limit`: images on a map at most; more are sampled."""

    method: str = "tsne"
    seed: int = 0
    truth: str | None = None
    limit: int = MAX_POINTS


@dataclass(frozen=True)
class _Seen:
    """A revision to be drawn: its vectors, its clusters and classes by image, and what is known of it."""

    done: Done
    vectors: Vectors
    clusters: Mapping[str, str | None]
    classes: Mapping[str, str | None]
    facts: dict[str, Any]


def draw_maps(
    runs: Sequence[Path], revisions: Sequence[str], asked: Asked, out: Path | None, watch: Watch = unwatched
) -> dict[str, Any]:
    """Draw the maps into `out` (or into the run), and say what is on them.

    Raises:
        UsageError: too many maps, revisions of several runs, a method or a form that is none, nothing to draw.
        MissingExtra: the method's package is not installed. InputError: the truth. RunError: no such run or revision.
    """
    check_method(asked.method)
    check_seed(asked.seed)
    form = _form(out)
    wanted = _wanted(runs, revisions)
    seen = [_seen(reopen(run, revision), asked) for run, revision in wanted]
    with watch("map", sum(one.facts["shown"] for one in seen)) as tick:
        pairs = []
        for one in seen:
            pairs.append(_panels(one, seen[0], asked))
            tick(one.facts["shown"])
    own = seen[0].done.revision.path if len(seen) == 1 else seen[0].done.folder.path
    file = out or own / f"map_{asked.method}.{form}"
    picture = draw(_arranged(pairs), form)
    with seen[0].done.folder.locked():
        write_atomic(file, picture)
    return {
        "file": str(file),
        "method": asked.method,
        "seed": asked.seed,
        "maps": [one.facts for one in seen],
    }


def _form(out: Path | None) -> str:
    form = "png" if out is None else out.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise UsageError(f"--out {out}: maps are written as PNG or SVG.", "For example: --out map.svg")
    if out is not None and not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: there is no such folder.", f"Make it: mkdir -p {out.parent}")
    return form


def _wanted(runs: Sequence[Path], revisions: Sequence[str]) -> list[tuple[Path, str]]:
    if len(runs) > 1 and revisions:
        raise UsageError("--revision says nothing where there are several runs.", "Give one RUN, or no --revision.")
    wanted = [(run, revision) for run in runs for revision in (revisions or [""])]
    if len(wanted) > _MOST:
        raise UsageError(f"{len(wanted)} maps are too many for one picture.", f"Give at most {_MOST}.")
    return wanted


def _seen(done: Done, asked: Asked) -> _Seen:
    result = done.result
    vectors = result_vectors(done)
    if vectors is None or len(vectors) != len(result.assignments):
        raise UsageError(
            f"{done.folder.path} has no vectors to draw: it was imported, or nothing was described.",
            "Cluster the images themselves: ictc cluster IMAGES",
        )
    lane = lane_from_json(done.folder.settings(done.revision.id).lane)
    facts: dict[str, Any] = {"run": str(done.folder.path), "revision": done.revision.id, "criterion": result.criterion}
    facts |= {"strategy": lane.strategy, "clusterer": lane.clusterer} if lane else {}
    facts |= {"images": len(vectors), "shown": min(len(vectors), asked.limit), "k": result.k}
    facts |= {"supervised": SUPERVISED} if lane and lane.supervised else {}
    classes: Mapping[str, str | None] = {}
    if asked.truth:
        scores, known = score_result(result, asked.truth, vectors, lane=lane)
        facts |= {key: round(getattr(scores, key), 4) for key in ("acc", "ari", "nmi")}
        classes = known.classes
    clusters = result.predicted()
    assigned = {image: name for image, name in clusters.items() if name is not None}
    by_image = {a.image: v for a, v in zip(result.assignments, vectors, strict=True)}
    apart = silhouette(assigned, scored_on(lane, by_image))
    facts["silhouette"] = None if apart is None else round(apart, 4)
    return _Seen(done, vectors, clusters, classes, facts)


def _panels(one: _Seen, first: _Seen, asked: Asked) -> list[Panel]:
    """The map by cluster, and where there is a truth by class. Colours are those of the truth, else of the first map's
    clusters."""
    rows = sample(len(one.vectors), asked.limit)
    xy = positions(one.vectors[rows], asked.method, asked.seed)
    shown = [one.done.result.assignments[i].image for i in rows]
    reference = first.classes or first.clusters

    def panel(title: str, groups: Mapping[str, str | None], others: str = UNASSIGNED) -> Panel:
        return panel_of(title, xy, shown, groups, reference, len(one.vectors), others)

    panels = [panel(_title(one.facts, asked), one.clusters)]
    if asked.truth:
        panels.append(
            panel(
                f"the truth on the same map: {shortened(printable(Path(asked.truth).name), _LONGEST)}",
                one.classes,
                "without a class",
            )
        )
    return panels


def _title(facts: Mapping[str, Any], asked: Asked) -> str:
    made = f"{facts['strategy']}, {facts['clusterer']}" if "strategy" in facts else f"by {facts['criterion']}"
    run = Path(str(facts["run"])).name
    sampled = f", {facts['shown']:,} of {facts['images']:,} images" if facts["shown"] < facts["images"] else ""
    known = {key: facts.get(key) for key in ("silhouette", "acc", "ari", "nmi")}
    told = "  ".join(f"{key if len(key) > 3 else key.upper()} {v:.2f}" for key, v in known.items() if v is not None)
    only = f" {MARK}" if facts.get("supervised") else ""
    name = shortened(printable(f"{run} {facts['revision']}: {made}"), _LONGEST)
    return f"{name}, K {facts['k']}; {_CALLED[asked.method]}{sampled}\n{told}{only}"


def _arranged(pairs: Sequence[Sequence[Panel]]) -> list[list[Panel | None]]:
    """One map with its truth beside it; several in rows, the truth of each below it."""
    if len(pairs) == 1:
        return [list(pairs[0])]
    rows: list[list[Panel | None]] = []
    across = 2 if len(pairs) == 4 else min(_ACROSS, len(pairs))
    for start in range(0, len(pairs), across):
        part = pairs[start : start + across]
        rows += [[*level, *[None] * (across - len(part))] for level in zip(*part, strict=True)]
    return rows
