"""Accuracy of the offline reasoner on recorded descriptions, beside k-means on their embeddings and GPT-4's own run.

`python -m bench text_accuracy`, with the shared data's folder in ICTC_DATA or `--data`. No model calls; K is given.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ictc.descriptions import read_recorded
from ictc.embed.cached import CachedEmbedder
from ictc.interfaces import Embedder
from ictc.models.minilm import MiniLM
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.scoring.scores import Scores, score_assignments
from ictc.scoring.truth import read_truth
from ictc.store import Store
from ictc.types import Assignment, Description, Label


@dataclass(frozen=True)
class Task:
    """One set of descriptions; `truth` False where its file names hold no class for this criterion."""

    captions: str
    criterion: str
    k: int
    recorded: str = ""
    truth: bool = True


TASKS = (
    Task("cifar10_llava", "object", 10, "cifar10/gpt4"),
    Task("ppmi7_instrument_llava", "musical instrument", 7, "ppmi7_instrument/gpt4"),
    Task("ppmi7_instrument_llava", "what instrument is being played", 7, "ppmi7_instrument/gpt4"),
    Task("stanford40_location_llava", "location", 11, truth=False),
)


def main(data: Path) -> None:
    """Print one row per set and method, then the names."""
    print("| descriptions | criterion | K | method | ACC | ARI | NMI | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    names: list[str] = []
    for task in TASKS:
        descriptions = read_recorded(data / "captions" / f"{task.captions}.jsonl.gz")
        embedder = CachedEmbedder(MiniLM(), Store(None))
        ours, found, seconds = offline(descriptions, task, embedder)
        names.append(f"{task.captions}, {task.criterion}: {', '.join(found)}")
        rows = [("offline", ours, f"{seconds:.0f}"), ("k-means", k_means(descriptions, task.k, embedder), "")]
        if task.recorded:
            rows.append(("GPT-4, recorded", recorded(data / "recorded" / task.recorded), ""))
        for method, answers, cpu in rows:
            print(f"| {task.captions} | {task.criterion} | {task.k} | {method} | {_scores(answers, task)} | {cpu} |")
    print("\n" + "\n".join(names))


def offline(
    descriptions: Sequence[Description], task: Task, embedder: Embedder
) -> tuple[dict[str, str | None], list[str], float]:
    """(cluster per image, names, CPU seconds of all threads, model loading included)."""
    start = time.process_time()
    reasoner = EmbeddingReasoner(embedder)
    labels = [x for x in reasoner.label(descriptions, task.criterion) if isinstance(x, Label)]
    taxonomy = reasoner.merge(descriptions, labels, task.criterion, task.k)
    done = reasoner.assign(descriptions, taxonomy, task.criterion)
    seconds = time.process_time() - start
    return {a.image: a.cluster for a in done if isinstance(a, Assignment)}, taxonomy.names, seconds


def k_means(descriptions: Sequence[Description], k: int, embedder: Embedder) -> dict[str, str | None]:
    """The baseline: k-means on the description embeddings, best of ten starts."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    rows = embedder.embed_texts([d.text for d in descriptions])
    with threadpool_limits(1):
        groups = KMeans(k, n_init=10, random_state=0).fit_predict(rows)
    return {d.image: str(g) for d, g in zip(descriptions, groups, strict=True)}


def recorded(folder: Path) -> dict[str, str | None]:
    """A recorded run's answers, read strictly: an answer that is not one of the K names is none."""
    listed = (folder / "step2b_result.txt").read_text(encoding="utf-8")
    names = {m.casefold().strip() for m in re.findall(r"^(?:Answer )?\d+: *(.+)$", listed, re.MULTILINE)}
    answers: dict[str, str | None] = {}
    with gzip.open(folder / "step3_result.txt.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            image, _, answer = line.partition(" Answer:")
            said = answer.strip().strip("\"'").removesuffix(".").casefold()
            answers[image.removeprefix("Image file-").rpartition("/")[2].rstrip(";")] = said if said in names else None
    return answers


def _scores(answers: dict[str, str | None], task: Task) -> str:
    if not task.truth:
        return " |  | "
    scores: Scores = score_assignments(answers, read_truth("filename", list(answers)).classes)
    return f"{scores.acc:.4f} | {scores.ari:.4f} | {scores.nmi:.4f}"
