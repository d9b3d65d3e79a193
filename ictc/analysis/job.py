"""What `ictc analyze` does: everything that is told of a finished run's clusters, into analysis.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ictc.analysis.apart import FAR, across, near, outliers
from ictc.analysis.copies import BITS, CLOSE, alike, equal_files, looks
from ictc.analysis.onmap import on_map
from ictc.analysis.vectors import clustered, own, supervised
from ictc.analysis.words import describing, phrases_in, words_in
from ictc.interfaces import Vectors
from ictc.job import Done
from ictc.lane.checking import check_seed
from ictc.lane.describer import WORDLESS
from ictc.laneruns import scored_on
from ictc.means import OFFLINE, Lane, lane_from_json
from ictc.outputs import score_result
from ictc.progress import Watch, unwatched
from ictc.reasoners.spherical import Index, unit
from ictc.report.map import sample
from ictc.result import Result
from ictc.scoring.metrics import silhouettes

FILE = "analysis.json"
PAIRS = 50
"""Pairs of neighbours, and groups and pairs of copies, that are kept."""


@dataclass(frozen=True)
class Asked:
    """`near`: the cosine from which images are near-duplicates. `limit`: images that are compared with each other, and
    `drawn`: on a t-SNE map, at most; of more, so many are drawn. `on_map`: k-means on that map as well."""

    truth: str | None = None
    near: float = 0.98
    limit: int = 20_000
    on_map: bool = False
    drawn: int = 3000
    seed: int = 0


def analyze(done: Done, asked: Asked, watch: Watch = unwatched) -> dict[str, Any]:
    """Look at a run's clusters and write analysis.json into its revision. Embeds nothing.

    Raises:
        UsageError: the run has no vectors. InputError: the truth.
    """
    check_seed(asked.seed)
    result = done.result
    with done.folder.locked():
        rows = unit(clustered(done))
        images = [a.image for a in result.assignments]
        names = list(result.clusters)
        groups = np.array([-1 if a.cluster is None else names.index(a.cluster) for a in result.assignments], np.intp)
        facts: dict[str, Any] = {"run": str(done.folder.path), "revision": done.revision.id}
        facts |= {"criterion": result.criterion, "images": len(images), "k": result.k, **supervised(done)}
        truth: Mapping[str, str] = {}
        lane = lane_from_json(done.folder.settings(done.revision.id).lane)
        if asked.truth:
            scores, known = score_result(result, asked.truth, lane=lane)
            truth = known.classes
            facts |= {key: round(getattr(scores, key), 4) for key in ("acc", "ari", "nmi")}
        facts |= _clusters(done, images, rows, groups, names, truth, lane)
        some = sample(len(rows), asked.limit)
        kept = [images[i] for i in some]
        facts["compared"] = len(some)
        facts["neighbours"] = [
            {"image": kept[i], "cluster": _name(groups[some[i]], names), "other": kept[j],
             "other_cluster": _name(groups[some[j]], names), "cosine": value}
            for i, j, value in across(rows[some], groups[some], PAIRS)
        ]  # fmt: skip
        facts["copies"] = _copies(done, images, rows, some, asked.near, watch)
        if asked.on_map:
            drawn = sample(len(rows), asked.drawn)
            clusters = {image: name for image, name in result.predicted().items() if name is not None}
            on = [images[i] for i in drawn]
            facts["tsne_kmeans"] = on_map(
                on, rows[drawn], clusters, len(set(groups[groups >= 0])), asked.seed, scored_on(lane, truth)
            )
        done.revision.save_file(FILE, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return {**facts, "file": str(done.revision.path / FILE)}


def _clusters(
    done: Done,
    images: Sequence[str],
    rows: Vectors,
    groups: Index,
    names: Sequence[str],
    truth: Mapping[str, str],
    lane: Lane | None,
) -> dict[str, Any]:
    """Per cluster: silhouette, words, outliers, and the commonest class; and the silhouette of all."""
    result = done.result
    assigned = {image: name for image, name in result.predicted().items() if name is not None}
    each = silhouettes(assigned, scored_on(lane, dict(zip(images, rows, strict=True)))) or {}
    words = describing(_words(done), result.clusters)
    far = outliers(rows, groups, len(names))
    told = []
    for name, odd in zip(names, far, strict=True):
        members = result.clusters[name]
        classes = Counter(truth[image] for image in members if image in truth)
        told.append(
            {
                "name": name,
                "images": len(members),
                "silhouette": _mean([each[image] for image in members if image in each]),
                "words": [asdict(word) for word in words[name]],
                "outliers": [{"image": images[i], "cosine": value} for i, value in odd],
                **({"classes": dict(classes.most_common(5))} if truth else {}),
            }
        )
    return {"silhouette": _mean(list(each.values())), "outlier_z": FAR, "clusters": told}


def _words(done: Done) -> dict[str, set[str]]:
    """What is said of each image: words of its description, and its label as a whole."""
    result: Result = done.result
    settings = done.folder.settings(done.revision.id)
    listed = settings.lane is not None and settings.describer == OFFLINE
    read = phrases_in if listed else words_in
    found = {d.image: read(d.text) if d.text != WORDLESS else set() for d in result.descriptions}
    for label in [] if listed else result.labels:
        found[label.image] = {*found.get(label.image, ()), label.label.lower()}
    return found


def _copies(
    done: Done, images: Sequence[str], rows: Vectors, some: Index, least: float, watch: Watch
) -> dict[str, Any]:
    """Equal files; and images that are near by their own vectors or by their look."""
    by_name = {item.name: item for item in done.result.items}
    items = [by_name[images[i]] for i in some]
    vectors, what = own(done, rows)
    vectors = unit(vectors[some])
    equal = equal_files(done.result.items)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    pictured = any(item.path for item in items)
    identity = [item.sha256 if pictured and item.sha256 else item.name for item in items]
    for i, j, value in near(vectors, least, identity):
        found[i, j] = {"cosine": value}
    hashes: dict[str, str] = {}
    if pictured:
        with done.folder.open_store() as store, watch("look", len({i.sha256 for i in items})) as tick:
            hashes = looks(items, store, tick)
        for i, j, bits in alike(items, hashes):
            found.setdefault((i, j), {"cosine": round(float(vectors[i] @ vectors[j]), 4)})["bits"] = bits
    cluster = done.result.predicted()
    pairs = sorted(found.items(), key=lambda pair: (-pair[1]["cosine"], pair[0]))
    return {
        "vectors": what,
        "cosine_from": least,
        "bits_up_to": CLOSE,
        "of_bits": BITS,
        "without_look": sum(not hashes.get(item.sha256) for item in items),
        "equal_groups": len(equal),
        "equal_images": sum(map(len, equal)),
        "near_pairs": len(pairs),
        "equal": [{"images": same, "clusters": sorted({str(cluster.get(i)) for i in same})} for same in equal[:PAIRS]],
        "near": [
            {"image": items[i].name, "cluster": cluster[items[i].name], "other": items[j].name,
             "other_cluster": cluster[items[j].name], **said}
            for (i, j), said in pairs[:PAIRS]
        ],
    }  # fmt: skip


def _name(group: int, names: Sequence[str]) -> str | None:
    return names[group] if group >= 0 else None


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None
