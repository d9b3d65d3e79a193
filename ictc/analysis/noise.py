"""The noise study: pictures are made worse, embedded again, and put to the nearest centre of the run's clusters."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from ictc.analysis.changes import CHANGES, COPY, SIDE, Change, changed
from ictc.analysis.noisefigure import noise_png
from ictc.analysis.vectors import supervised
from ictc.backends import Backends
from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.errors import UsageError
from ictc.images.decode import open_rgb
from ictc.images.files import ImageFault
from ictc.interfaces import Tick, Vectors
from ictc.job import Done, means_of
from ictc.lane.place import Placed, Placer
from ictc.means import OFFLINE, Lane, lane_from_json
from ictc.modeloptions import ModelOptions
from ictc.outputs import score_result
from ictc.progress import Watch, unwatched
from ictc.reasoners.spherical import Array, Index, means, nearest, unit
from ictc.scoring.scores import score_assignments
from ictc.spending.meter import Meter
from ictc.store import Store
from ictc.types import Description, Failure, Item

FILE, FIGURE = "noise.json", "noise.png"
_NOT_AGAIN = ("vectors:", "described:")  # there is nobody to ask; each change would be asked about at a cost
_CHUNK = 64  # pictures that are decoded at once


@dataclass(frozen=True)
class Asked:
    """`images`: how many are made worse, drawn with the seed."""

    truth: str | None = None
    images: int = 200
    seed: int = 0


@dataclass(frozen=True)
class _Clean:
    """The run as it is: where its images lie, and which cluster's centre is nearest to those that are looked at."""

    placer: Placer
    embedder: CachedImages
    placed: Placed
    centres: Array
    names: Sequence[str]
    rows: Index
    items: Sequence[Item]
    groups: Index


def study(done: Done, asked: Asked, watch: Watch = unwatched) -> dict[str, Any]:
    """Writes noise.json and noise.png into the run's revision. Vectors are stored by the changed pixels' bytes, so a
    study that was killed, or is asked for again, embeds only what is missing.

    Raises:
        UsageError: the run has no images, or no embedder that could look at changed ones. InputError: the truth.
    """
    with done.folder.locked(), done.folder.open_store() as store:
        truth = _truth(done, asked)
        clean = _clean(done, asked, store, watch)
        conditions = (COPY, *CHANGES)
        with watch("noise", len(clean.items) * len(conditions)) as tick:
            worse = _embedded(clean, conditions, asked.seed, tick)
        rows = [_row(clean, change, worse[change], truth) for change in conditions]
        found = {
            "run": str(done.folder.path),
            "revision": done.revision.id,
            "embedder": (lane_from_json(done.folder.settings(done.revision.id).lane) or Lane()).embedder,
            "images": len(clean.items),
            "of": len(done.result.items),
            "seed": asked.seed,
            **supervised(done),
            "clean": _scores(clean, np.arange(len(clean.items)), clean.groups, truth),
            "changes": rows,
        }
        done.revision.save_file(FILE, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        done.revision.save_file(FIGURE, noise_png(found))
    return {**found, "file": str(done.revision.path / FILE), "figure": str(done.revision.path / FIGURE)}


@dataclass(frozen=True)
class _Truth:
    """The classes of images, and the class that each cluster of the whole run stands for."""

    classes: Mapping[str, str]
    stands_for: Mapping[str, str]


def _truth(done: Done, asked: Asked) -> _Truth:
    if not asked.truth:
        return _Truth({}, {})
    lane = lane_from_json(done.folder.settings(done.revision.id).lane)
    scores, known = score_result(done.result, asked.truth, lane=lane)
    return _Truth(known.classes, {m.cluster: m.class_ for m in scores.matching})


def _clean(done: Done, asked: Asked, store: Store, watch: Watch) -> _Clean:
    result = done.result
    by_name = {item.name: item for item in result.items if item.path and item.sha256}
    texts = {d.image: d for d in result.descriptions}
    assigned = [a for a in result.assignments if a.cluster is not None and a.image in by_name]
    placer, embedder = _placer(done, store)
    if not assigned:
        raise UsageError(
            f"{done.folder.path} has no images to change: only descriptions.", "Cluster images: ictc cluster"
        )
    with watch("embed", len(assigned)) as tick:  # a run of the criterion lane may have no such vectors yet
        found = embedder.embed_images([by_name[a.image] for a in assigned], tick)
    kept = [a for a, vector in zip(assigned, found, strict=True) if not isinstance(vector, Failure)]
    described = [texts.get(a.image) or Description(a.image, "", "", by_name[a.image].sha256) for a in kept]
    names = list(result.clusters)
    groups = np.array([names.index(str(a.cluster)) for a in kept], dtype=np.intp)
    placed = placer.place(described, result.criterion, names)
    rows = unit(placed.rows)
    centres = unit(means(rows, groups, len(names)))
    free = np.arange(len(kept)) if placed.test is None else np.flatnonzero(placed.test)  # of the truth
    drawn = np.random.default_rng(asked.seed).choice(free, min(asked.images, len(free)), replace=False)
    some: Index = np.sort(drawn).astype(np.intp)
    items = [by_name[kept[i].image] for i in some]
    return _Clean(placer, embedder, placed, centres, names, some, items, nearest(rows[some], centres))


def _placer(done: Done, store: Store) -> tuple[Placer, CachedImages]:
    settings = done.folder.settings(done.revision.id)
    if settings.lane:
        placer = Backends(means_of(settings), store, Meter()).placer()
        spec = str(settings.lane["embedder"])
        if not isinstance(placer.embedder, CachedImages) or spec.startswith(_NOT_AGAIN) or placer.texts_only:
            raise UsageError(
                f"{spec} cannot embed changed pictures.", "Cluster with one that can: --embedder offline, clip:FOLDER"
            )
        return placer, placer.embedder
    embedder = open_images(OFFLINE, store, ModelOptions())
    return Placer(embedder, Lane()), embedder


def _embedded(
    clean: _Clean, conditions: Sequence[Change], seed: int, tick: Tick
) -> dict[Change, list[Vectors | Failure]]:
    """The vectors of all pictures under all changes; a picture is decoded once."""
    found: dict[Change, list[Vectors | Failure]] = {change: [] for change in conditions}
    for start in range(0, len(clean.items), _CHUNK):
        part = clean.items[start : start + _CHUNK]
        pictures = [_open(item) for item in part]
        for change in conditions:
            with TemporaryDirectory(prefix="ictc-noise-") as folder:
                written = list(_written(part, pictures, change, seed, Path(folder)))
                made = iter(clean.embedder.embed_images([i for i in written if isinstance(i, Item)]))
                found[change] += [next(made) if isinstance(i, Item) else i for i in written]
            tick(len(part))
    return found


def _open(item: Item) -> Image.Image | Failure:
    assert item.path is not None
    try:
        picture = open_rgb(item.path, hint=(SIDE, SIDE))
    except ImageFault as fault:
        return fault.failure(item.name)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return picture


def _written(
    items: Sequence[Item], pictures: Sequence[Image.Image | Failure], change: Change, seed: int, folder: Path
) -> Iterator[Item | Failure]:
    """Changed pictures as PNG files: nothing is lost, and their bytes say which vectors are theirs."""
    for number, (item, picture) in enumerate(zip(items, pictures, strict=True)):
        if isinstance(picture, Failure):
            yield picture
            continue
        out = io.BytesIO()
        changed(picture, change, seed, item.sha256).save(out, "PNG", compress_level=1)
        file = folder / f"{number}.png"
        file.write_bytes(out.getvalue())
        yield Item(item.name, file, hashlib.sha256(out.getvalue()).hexdigest())


def _row(clean: _Clean, change: Change, vectors: Sequence[Vectors | Failure], truth: _Truth) -> dict[str, Any]:
    """How far assignments and scores are from those of the clean pictures."""
    there = np.array([i for i, v in enumerate(vectors) if not isinstance(v, Failure)], dtype=np.intp)
    row: dict[str, Any] = {"kind": change.kind, "strength": change.strength, "value": change.value, "unit": change.unit}
    row |= {"images": len(there), "failed": len(vectors) - len(there)}
    if not len(there):
        return row
    images = np.stack([v for v in vectors if not isinstance(v, Failure)])
    groups = nearest(unit(clean.placer.more(clean.placed, images)), clean.centres)
    before = clean.groups[there]
    own = clean.placed.images[clean.rows[there]]
    names = [str(i) for i in there]
    same = score_assignments(
        dict(zip(names, map(str, groups.tolist()), strict=True)),
        dict(zip(names, map(str, before.tolist()), strict=True)),
    )
    row |= {
        "cosine": round(float(np.einsum("ij,ij->i", unit(own), unit(images)).mean()), 4),
        "agreement": round(float(np.mean(groups == before)), 4),
        "ari_with_clean": round(same.ari, 4),
    }
    return row | _scores(clean, there, groups, truth)


def _scores(clean: _Clean, there: Index, groups: Index, truth: _Truth) -> dict[str, float]:
    images = [clean.items[i].name for i in there.tolist()]
    predicted = {image: clean.names[g] for image, g in zip(images, groups.tolist(), strict=True)}
    known = {image: truth.classes[image] for image in images if image in truth.classes}
    if not known:
        return {}
    scores = score_assignments(predicted, known)
    right = [truth.stands_for.get(predicted[image]) == class_ for image, class_ in known.items()]
    return {"acc": round(sum(right) / len(right), 4), "ari": round(scores.ari, 4), "nmi": round(scores.nmi, 4)}
