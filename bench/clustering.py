"""A million vectors: `python -m bench clustering`. Mini-batch k-means through ictc and scikit-learn's, side by side.

Each runs in a process of its own on the same 1,000,000 x 512 float32 unit vectors (made up, 50 groups), in turn;
the time is of the clustering alone, the peak of the whole process with the vectors (1.9 GiB). scikit-learn runs as it
comes (all cores) and on one core, which is what ictc pins it to so that results do not depend on the number of cores.
All images' groups are compared: an adjusted Rand index of 1 says that they are the same.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from ictc.interfaces import Vectors

N, WIDTH, K = 1_000_000, 512, 50
MOST_TIMES, MOST_GIB = 1.3, 6.0
ROUNDS = 2
_BLOCK = 10_000
WAYS = {
    "ictc": {},
    "scikit-learn, one core": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    "scikit-learn, all cores": {},
}


def blocks(n: int) -> Iterator[Vectors]:
    """Unit vectors about 50 directions, the same ones every time."""
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((K, WIDTH), dtype=np.float32)
    for start in range(0, n, _BLOCK):
        size = min(_BLOCK, n - start)
        rows = centres[draw.integers(K, size=size)] + draw.standard_normal((size, WIDTH), dtype=np.float32)
        yield rows / np.linalg.norm(rows, axis=1, keepdims=True)


def write(path: Path, n: int) -> None:
    """The vectors as .npy, a block at a time."""
    kept = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, WIDTH))
    for i, rows in enumerate(blocks(n)):
        kept[i * _BLOCK : i * _BLOCK + len(rows)] = rows
    kept.flush()


def child(way: str, path: str, out: str) -> None:
    """Clusters the vectors one way; the groups into `out`, prints seconds, seconds of CPU and peak GiB as JSON."""
    rows: Vectors = np.load(path)
    from sklearn.cluster import MiniBatchKMeans

    from ictc.lane.clusterers import cluster

    began, worked = time.perf_counter(), time.process_time()
    if way == "ictc":
        groups = cluster(rows, "minibatch", K, {}, seed=0).groups
    else:
        groups = MiniBatchKMeans(K, random_state=0).fit_predict(rows)
    seconds, busy = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    np.save(out, groups)
    print(json.dumps({"seconds": seconds, "cpu": busy, "gib": peak}))


def main(_data: Path, n: int = N) -> None:
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    alike: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npy"
        write(path, n)
        first = Path(folder) / "first.npy"
        for _ in range(ROUNDS):
            for way, extra in WAYS.items():
                out = Path(folder) / "groups.npy" if first.exists() else first
                code = f"from bench.clustering import child; child({way!r}, {str(path)!r}, {str(out)!r})"
                done = subprocess.run(
                    [sys.executable, "-c", code], env=os.environ | extra, capture_output=True, text=True, check=True
                )
                found[way].append(json.loads(done.stdout))
                alike[way].append(float(adjusted_rand_score(np.load(first), np.load(out))))
                run = found[way][-1]
                spent = f"{run['seconds']:.1f} s ({run['cpu']:.1f} s of CPU), {run['gib']:.2f} GiB"
                shown = f"{way}: {spent}, load {os.getloadavg()[0]:.1f}"
                print(shown, file=sys.stderr, flush=True)
    best = {way: min(run["seconds"] for run in runs) for way, runs in found.items()}
    print(f"{n:,} x {WIDTH} vectors, {K} groups, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}\n")
    print("| way | seconds (each run) | of CPU | best | peak GiB | ARI with ictc's first |\n|---|---|---|---|---|---|")
    for way, runs in found.items():
        each = ", ".join(f"{run['seconds']:.1f}" for run in runs)
        busy = ", ".join(f"{run['cpu']:.1f}" for run in runs)
        same = ", ".join("1" if ari == 1 else f"{ari:.6f}" for ari in alike[way])
        print(f"| {way} | {each} | {busy} | {best[way]:.1f} | {max(run['gib'] for run in runs):.2f} | {same} |")
    own = min(seconds for way, seconds in best.items() if way != "ictc")
    print(f"\nictc / the faster scikit-learn: {best['ictc'] / own:.2f} (to reach: at most {MOST_TIMES})")
    print(f"ictc's peak: {max(run['gib'] for run in found['ictc']):.2f} GiB (to reach: at most {MOST_GIB})")


if __name__ == "__main__":
    main(Path(), *(int(n) for n in sys.argv[1:]))
