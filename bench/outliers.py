"""How well images unlike all others are found: foreign ones are put among those of a collection.

`python -m bench outliers`, with the shared data's folder in ICTC_DATA or `--data`. Foreign captions are 60 of four
kinds (bench/foreign.py), or of another recorded collection; foreign images are of another set. Precision counts against
the measure what the collection itself holds of the strange (French fries among CIFAR-10's captions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.foreign import FOREIGN
from ictc.descriptions import read_recorded
from ictc.embed.cached import CachedEmbedder
from ictc.images.sources import read_source
from ictc.interfaces import Embedder, Vectors
from ictc.models.efficientnet import EfficientNetLite0
from ictc.models.minilm import MiniLM
from ictc.reasoners.novelty import FAR, deviations, unlike
from ictc.reasoners.spherical import k_means, likeness, plus_plus
from ictc.store import Store
from ictc.types import Description
from step1.offline import OfflineDescriber
from step1.seeing import Eyes

CAPTIONS = {"CIFAR-10": ("cifar10_llava", 10), "PPMI-7": ("ppmi7_instrument_llava", 7), "Stanford-40": (
    "stanford40_location_llava", 11)}  # fmt: skip
IMAGES = {"CIFAR-10 images": ("cifar10_1k", 10), "fruits": ("fruits", 3), "digits": ("mnist_500", 10)}
FEW, SHARE = 15, 0.02

Found = NDArray[np.bool_]
Case = tuple[str, Vectors, int, int]
"""Name, unit rows of which the last so many are foreign, how many, and K."""


def ours(rows: Vectors, k: int) -> Found:
    found = np.zeros(len(rows), dtype=bool)
    found[unlike(rows, np.ones(len(rows), dtype=np.intp))] = True
    return found


def local_density(rows: Vectors, k: int) -> Found:
    """LOF (Breunig et al. 2000) as scikit-learn has it."""
    from sklearn.neighbors import LocalOutlierFactor

    found: Found = LocalOutlierFactor(n_neighbors=20, metric="cosine").fit_predict(rows) < 0
    return found


def far_from_centre(rows: Vectors, k: int) -> Found:
    """The distance to the own cluster's centre, judged like ours."""
    seeds = rows[plus_plus(rows, k, np.random.default_rng(0))].astype(np.float64)
    groups, centres = k_means(rows, seeds, 30)
    return deviations(1 - likeness(rows, centres)[np.arange(len(rows)), groups].astype(np.float64)) > FAR


METHODS: dict[str, Callable[[Vectors, int], Found]] = {
    "nearest others": ours, "LOF": local_density, "own centre": far_from_centre,
}  # fmt: skip


def main(data: Path) -> None:
    """Print one row per collection and kind of foreign ones: share found, and precision / recall."""
    print(f"| among | foreign | {' | '.join(METHODS)} |\n|---|---|{'---|' * len(METHODS)}")
    for name, rows, foreign, k in (*_captions(data / "captions"), *_images(data / "images")):
        cells = []
        for method in METHODS.values():
            found = method(rows, k)
            hits = int(found[len(rows) - foreign :].sum()) if foreign else 0
            told = f": {hits / max(1, found.sum()):.2f} / {hits / foreign:.2f}" if foreign else ""
            cells.append(f"{found.mean():.2%}{told}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _captions(folder: Path) -> Iterator[Case]:
    embedder: Embedder = CachedEmbedder(MiniLM(), Store(None))
    texts = {n: list(dict.fromkeys(d.text for d in read_recorded(folder / f"{f}.jsonl.gz")))
             for n, (f, _) in CAPTIONS.items()}  # fmt: skip
    rows = {name: embedder.embed_texts(found) for name, found in texts.items()}
    generic = embedder.embed_texts(FOREIGN)
    for name, (_, k) in CAPTIONS.items():
        own = rows[name]
        yield f"{name}, {len(own):,} captions | none", own, 0, k
        some = _drawn(generic, min(len(generic), round(SHARE * len(own))))
        yield f"{name} | {len(some)} of the 60", np.vstack([own, some]), len(some), k
        for other in CAPTIONS:
            if other != name:
                yield f"{name} | {FEW} of {other}", np.vstack([own, _drawn(rows[other], FEW)]), FEW, k


def _drawn(rows: Vectors, n: int) -> Vectors:
    drawn: Vectors = rows[np.random.default_rng(0).permutation(len(rows))[:n]]
    return drawn


def _images(folder: Path) -> Iterator[Case]:
    store = Store(None)
    describer = OfflineDescriber(Eyes(store, EfficientNetLite0()), CachedEmbedder(MiniLM(), store))
    sets = {name: read_source(str(folder / f)).items for name, (f, _) in IMAGES.items()}
    seen: dict[str, Sequence[Description]] = {}
    for name, items in sets.items():
        named = [replace(i, name=f"{name}/{i.name}") for i in items]
        seen[name] = [d for d in describer.describe(named, "object") if isinstance(d, Description)]
    for name, (_, k) in IMAGES.items():
        yield f"{name}, {len(seen[name]):,} | none", _look(describer, seen[name]), 0, k
        for other in IMAGES:
            if other != name:
                order = np.random.default_rng(0).permutation(len(seen[other]))[:FEW]
                mixed = [*seen[name], *(seen[other][i] for i in order)]
                yield f"{name} | {FEW} of {other}", _look(describer, mixed), FEW, k


def _look(describer: OfflineDescriber, descriptions: Sequence[Description]) -> Vectors:
    found = describer.appearance(descriptions, "object")
    assert found is not None
    return found
