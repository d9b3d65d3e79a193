"""What vectors of images are worth for clustering, from formulas to networks: `python -m bench features`; then what
trained ones are worth (`bench.tuning`, `bench.selfsupervised`), each on images that it was not trained on.

Each embedder of images alone that needs no download, and `offline`; k-means with five seeds, K given, in the view as
published (`plain`) and in z-scores (`standardised`). ARI first: chance is 0 there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from bench import selfsupervised, tuning
from ictc.embedders.opening import open_images
from ictc.features.classical import FEATURES
from ictc.images.sources import read_source
from ictc.lane.evening import view_of
from ictc.modeloptions import ModelOptions
from ictc.scoring.scores import score_assignments
from ictc.scoring.truth import read_truth
from ictc.store import Store

SEEDS = 5
EMBEDDERS = (*(f"classical:{name}" for name in FEATURES), "lite0", "offline")
SPACES = ("plain", "standardised")
SETS = (("fruits", "variety"), ("cifar10_1k", ""), ("mnist_500", ""))


def main(data: Path) -> None:
    """Prints a row per set and embedder, and the tables of the trained ones."""
    _untrained(data)
    for more in (tuning, selfsupervised):
        print()
        more.main(data)


def _untrained(data: Path) -> None:
    heads = [f"{measure}, {space}" for space in SPACES for measure in ("ARI", "NMI", "ACC")]
    print(f"| data | vectors | {' | '.join(heads)} |\n|---|---|{'---|' * len(heads)}")
    store = Store(None)
    for name, column in SETS:
        path = data / "images" / name
        items = read_source(str(path)).items
        known = read_truth(f"{path / 'labels.csv'}:{column}" if column else "filename", [i.name for i in items]).classes
        for spec in EMBEDDERS:
            found = open_images(spec, store, ModelOptions()).embed_images(items)
            rows = np.stack([v for v in found if isinstance(v, np.ndarray)])
            assert len(rows) == len(items)
            told: list[str] = []
            for space in SPACES:
                seen, scores = view_of(rows, space).of(rows), []
                for seed in range(SEEDS):
                    with threadpool_limits(1):
                        groups = KMeans(len(set(known.values())), n_init=10, random_state=seed).fit_predict(seen)
                    clusters = {item.name: str(group) for item, group in zip(items, groups, strict=True)}
                    one = score_assignments(clusters, known)
                    scores.append((one.ari, one.nmi, one.acc))
                means, deviations = np.mean(scores, axis=0), np.std(scores, axis=0)
                told += [f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(means, deviations, strict=True)]
            print(f"| {name} | `{spec}` | {' | '.join(told)} |", flush=True)
