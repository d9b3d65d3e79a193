"""What the measured vectors are worth beside the words: `python -m bench image_accuracy`.

The image rows of `end_to_end`, in this process, three ways: with the descriptions alone, with the measured vectors
joined in (what a run does), and plain k-means on the measured vectors alone, which gives no names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.end_to_end import Task, tasks
from ictc.embed.cached import CachedEmbedder
from ictc.images.sources import read_source
from ictc.interfaces import Evidence
from ictc.models.minilm import MiniLM
from ictc.pipeline import split
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.registry import DescriberContext, describer
from ictc.scoring.scores import Scores, score_assignments
from ictc.scoring.truth import read_truth
from ictc.store import Store
from ictc.types import Description


def named(
    described: Sequence[Description], task: Task, store: Store, evidence: Evidence | None, truth: Mapping[str, str]
) -> tuple[Scores, list[str]]:
    """Scores and names of steps 2a, 2b and 3."""
    reasoner = EmbeddingReasoner(CachedEmbedder(MiniLM(), store), evidence)
    labels, _ = split(reasoner.label(described, task.criterion))
    taxonomy = reasoner.merge(described, labels, task.criterion, task.k)
    assigned, _ = split(reasoner.assign(described, taxonomy, task.criterion))
    return score_assignments({a.image: a.cluster for a in assigned}, truth), taxonomy.names


def unnamed(
    described: Sequence[Description], task: Task, evidence: Evidence, truth: Mapping[str, str]
) -> Scores | None:
    """k-means on the evidence alone."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    vectors = evidence.evidence(described, task.criterion)
    if vectors is None:
        return None
    with threadpool_limits(1):
        groups = KMeans(task.k, n_init=10, random_state=0).fit_predict(vectors)
    return score_assignments({d.image: str(g) for d, g in zip(described, groups, strict=True)}, truth)


def main(data: Path) -> None:
    """Prints the table."""
    print("| data | K | way | ACC | ARI | NMI | names |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="ictc-bench-") as folder, Store(Path(folder) / "store.sqlite") as store:
        for task in (t for t in tasks(data, Path(folder)) if not t.images.startswith("recorded:")):
            chosen = describer("offline", DescriberContext(store, CachedEmbedder(MiniLM(), store)))
            assert isinstance(chosen, Evidence)
            items = read_source(task.images).items
            truth = read_truth(task.truth, [i.name for i in items]).classes
            described, _ = split(chosen.describe(items, task.criterion))
            for way, evidence in (("words", None), ("words and vectors", chosen)):
                scores, names = named(described, task, store, evidence, truth)
                _print(task, way, scores, ", ".join(names))
            alone = unnamed(described, task, chosen, truth)
            if alone is not None:
                _print(task, "vectors", alone, "")


def _print(task: Task, way: str, s: Scores, names: str) -> None:
    print(f"| {task.name} | {task.k} | {way} | {s.acc:.4f} | {s.ari:.4f} | {s.nmi:.4f} | {names} |", flush=True)
