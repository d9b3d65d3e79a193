"""What describing a sample is worth beside describing everything: `python -m bench sampling`.

CIFAR-10's 1,000 images with their recorded captions as the describer, and the fruits described offline; K given, the
offline reasoner. **All** is the ACC on all images, and of describing everything. The other columns are means over ten
seeds: all images once, then random four fifths of them, so that the cover differs too, with another audit each.
**True** is the share of the images whose cluster is another than when everything is described, clusters matched one to
one; **held** is how often the audit's 95 % interval holds it; **share** is that of the sample's ACC in the whole's.

The vectors `as captions` are a stand-in for an encoder that tells objects apart as well as the captions do (a CLIP of
some size): sentence embeddings of the captions, given as `vectors:FILE`. No weights of such an encoder come with ictc.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from ictc import job
from ictc.descriptions import read_recorded
from ictc.embed.cached import CachedEmbedder
from ictc.embed.files import write_vectors
from ictc.images.sources import read_source
from ictc.means import Means, Sampling
from ictc.models.minilm import MiniLM
from ictc.names import NameIndex
from ictc.outputs import score_result
from ictc.result import Result
from ictc.sampling.account import Account
from ictc.store import Store

SEEDS = 10
SIZES = ("5%", "10%", "20%", "auto")


@dataclass(frozen=True)
class Task:
    name: str
    images: Path
    criterion: str
    k: int
    truth: str
    describer: str = "offline"


@dataclass(frozen=True)
class Row:
    acc: float
    whole: float
    true: float
    account: Account

    @property
    def held(self) -> bool:
        a = self.account
        return a.low is not None and a.high is not None and a.low <= self.true <= a.high


def main(data: Path) -> None:
    """Prints a row per set, vectors and size."""
    captions = data / "captions" / "cifar10_llava.jsonl.gz"
    fruits = data / "images" / "fruits"
    tasks = (
        Task("CIFAR-10, 1,000", data / "images" / "cifar10_1k", "object", 10, "filename", f"recorded:{captions}"),
        Task("fruits, type", fruits, "type of fruit", 3, f"{fruits / 'labels.csv'}:type"),
    )
    print("| images | vectors | sample | all | described | ACC | everything | share | estimated | true | held |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="ictc-bench-") as folder:
        for task in tasks:
            embedders = {"offline": "offline"}
            if task.describer != "offline":
                embedders["as captions"] = _as_captions(task.images, captions, Path(folder) / "vectors.npy")
            for name, spec in embedders.items():
                _measure(task, name, spec, Path(folder))


def _measure(task: Task, name: str, spec: str, folder: Path) -> None:
    store = folder / f"{task.images.name}.sqlite"
    rows: dict[str, list[Row]] = {size: [] for size in SIZES}
    for seed in range(SEEDS):
        some = _some(task.images, seed)
        whole, _ = _run(task, some, None, folder, store)
        for size in SIZES:
            found, account = _run(task, some, Sampling(size, spec, seed), folder, store)
            assert account is not None
            true = other(whole.predicted(), found.predicted())
            rows[size].append(Row(_acc(found, task), _acc(whole, task), true, account))
    for size, of in rows.items():
        _print(task, name, size, of)


def _print(task: Task, name: str, size: str, rows: Sequence[Row]) -> None:
    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    acc, whole = mean([r.acc for r in rows]), mean([r.whole for r in rows])
    low, high = (mean([getattr(r.account, side) or 0 for r in rows]) for side in ("low", "high"))
    estimate = mean([r.account.disagreement or 0 for r in rows])
    described = mean([r.account.described for r in rows])
    cells = (
        task.name, name, size, f"{rows[0].acc:.3f} of {rows[0].whole:.3f}",
        f"{described:.0f}", f"{acc:.3f}", f"{whole:.3f}", f"{acc / whole:.2f}",
        f"{estimate:.3f} [{low:.2f}, {high:.2f}]", f"{mean([r.true for r in rows]):.3f}",
        f"{sum(r.held for r in rows)} of {len(rows)}",
    )  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)


def _run(
    task: Task, images: Sequence[Path], sample: Sampling | None, folder: Path, store: Path
) -> tuple[Result, Account | None]:
    """A run in a new folder, whose store has what those before it computed."""
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    if store.exists():
        shutil.copy(store, run / "store.sqlite")
    done = job.run(job.Asked(images, task.criterion, task.k, Means(task.describer, sample=sample)), run)
    shutil.copy(run / "store.sqlite", store)
    return done.result.without_folder(), done.sample


def _some(folder: Path, seed: int) -> list[Path]:
    """A random four fifths of the images, in their order; of the first seed all."""
    paths = [i.path for i in read_source(str(folder)).items if i.path]
    if not seed:
        return paths
    kept = set(random.Random(seed).sample(paths, len(paths) * 4 // 5))
    return [p for p in paths if p in kept]


def _acc(result: Result, task: Task) -> float:
    return score_result(result, task.truth)[0].acc


def other(whole: Mapping[str, str | None], sampled: Mapping[str, str | None]) -> float:
    """The share of the images that are in another cluster, clusters matched one to one."""
    rows, columns = (list(dict.fromkeys(side.values())) for side in (whole, sampled))
    table = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for image, cluster in sampled.items():
        if image in whole:
            table[rows.index(whole[image]), columns.index(cluster)] += 1
    a, b = linear_sum_assignment(-table)
    return 1 - float(table[a, b].sum()) / max(1, int(table.sum()))


def _as_captions(images: Path, captions: Path, file: Path) -> str:
    items = read_source(str(images)).items
    texts = {d.image: d.text for d in read_recorded(captions)}
    index = NameIndex(texts)
    found = [texts[index.find(i.name) or ""] for i in items]
    write_vectors(file, [i.name for i in items], [i.sha256 for i in items], _embedded(found))
    return f"vectors:{file}"


def _embedded(texts: Sequence[str]) -> np.ndarray:
    return CachedEmbedder(MiniLM(), Store(None)).embed_texts(texts)
