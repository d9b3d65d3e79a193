"""Accuracy per call: what each way to cluster recorded descriptions gets right, and what it asks and costs.

`python -m bench accuracy`, with the shared data's folder in ICTC_DATA or `--data`, or with a set of one's own:
`--captions FILE --recorded DIR --criterion C -k K --truth SPEC`. Every ictc row is one `ictc run` in a new folder;
recorded models answer through an OpenAI-compatible endpoint (`bench.replay`), which counts the requests it gets in all
steps. Tokens are what that endpoint says: a quarter of the characters in, words out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, get_args

from bench.end_to_end import measured
from bench.end_to_end import tasks as picture_tasks
from bench.replay import Task, models, read, respond, run, strict
from bench.replay import tasks as described_tasks
from bench.text_accuracy import k_means
from bench.topics import INSTALL, Way, bertopic, flattened
from ictc.descriptions import read_recorded
from ictc.embed.cached import CachedEmbedder
from ictc.models.minilm import MiniLM
from ictc.originals import Original
from ictc.outputs import reopen
from ictc.scoring.scores import score_assignments
from ictc.scoring.truth import read_truth
from ictc.spending.meter import dollars
from ictc.store import Store
from ictc.types import Assignment
from tests.servers.scripted import ScriptedServer

PRICE = "2.5,10"  # dollars for a million tokens in and out, of every model, so that rows can be compared
BUDGETS = ("0%", "1%", "2%", "5%", "10%", "100%")
OTHERS = ("5%",)  # of the models beside the first, and of the first without answers on images not asked about
_HEAD = ("method", "ACC [95 %]", "ARI", "NMI", "ECE", "none", "calls", "of 2n+1", "tokens in / out", "price", "s")
_BLIND = "labels placed by the asked alone"
_AUDIT = ("estimated disagreement [95 %]", "true")


@dataclass(frozen=True)
class Row:
    """One line. `done`: scores as JSON and what else `ictc run --json` says; `truly`: the share of images that the
    recorded model names otherwise, or not at all."""

    method: str
    done: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    calls: int = 0
    truly: float | None = None

    def line(self, n: int) -> str:
        d = self.done
        if not d:
            return f"| {self.method} |" + " |" * (len(_HEAD) + len(_AUDIT) - 1)
        spent, asked = d.get("spent", {}), d.get("cascade", {})
        tokens = f"{spent['input_tokens']:,} / {spent['output_tokens']:,}" if self.calls else ""
        audited = asked.get("disagreement") is not None
        cells = [
            f"{self.method}",
            f"{d['acc']:.4f} [{d['acc_low']:.3f}, {d['acc_high']:.3f}]",
            f"{d['ari']:.4f}",
            f"{d['nmi']:.4f}",
            "" if d["ece"] is None else f"{d['ece']:.3f}" + _of(d["without_confidence"], d["n"]),
            f"{d['unassigned'] + d['failed']:,}",
            f"{self.calls:,}",
            f"{self.calls / (2 * n + 1):.2%}",
            tokens,
            dollars(spent["cost"] if self.calls else 0.0),
            f"{self.seconds:.0f}",
            f"{asked['disagreement']:.1%} [{asked['low']:.1%}, {asked['high']:.1%}]" if audited else "",
            "" if self.truly is None else f"{self.truly:.1%}",
        ]
        return "| " + " | ".join(cells) + " |"


def main(data: Path) -> None:
    """Print one table per set of descriptions, and one for images without any."""
    for task in described_tasks(data):
        table(task)
    print("\n### Images without descriptions, offline\n")
    print("| images | K | ACC [95 %] | ARI | NMI | ECE | s |\n|---|---|---|---|---|---|---|")
    for line in pictures(data):
        print(line, flush=True)


def table(task: Task) -> None:
    """Print the table of one set."""
    n = len(read_recorded(task.captions))
    print(f"\n### {task.name}: {n:,} descriptions, “{task.criterion}”, K {task.k}\n")
    print(f"Price of every model: ${PRICE.replace(',', ' and $')} for a million tokens in and out.\n")
    print("| " + " | ".join((*_HEAD, *_AUDIT)) + " |\n" + "|---" * len(_HEAD + _AUDIT) + "|")
    for row in chain(instead(task), with_models(task)):
        print(row.line(n), flush=True)


def instead(task: Task) -> Iterator[Row]:
    """What one has without ictc, on its embeddings; their time is part of every row's."""
    descriptions = read_recorded(task.captions)
    embedder = CachedEmbedder(MiniLM(), Store(None))
    start = time.perf_counter()
    rows = embedder.embed_texts([d.text for d in descriptions])
    embedding = time.perf_counter() - start
    methods: dict[str, Callable[[], dict[str, str | None]]] = {}
    try:
        flat = flattened(rows)
    except ImportError:
        yield Row(f"BERTopic ({INSTALL})")
    else:
        methods = {f"BERTopic, {w}": partial(bertopic, descriptions, rows, flat, task.k, w) for w in get_args(Way)}
    flattening = time.perf_counter() - start - embedding
    methods["k-means"] = lambda: k_means(descriptions, task.k, embedder)
    for method, clusters in methods.items():
        start = time.perf_counter()
        answers = clusters()
        seconds = embedding + time.perf_counter() - start + flattening * method.startswith("BERTopic")
        scores = score_assignments(answers, read_truth(task.truth, list(answers)).classes)
        found = f"{method} ({scores.k} topics)" if scores.k != task.k else method
        yield Row(found, scores.to_json(), seconds)


def with_models(task: Task) -> Iterator[Row]:
    """ictc alone, then each recorded model: the first at every budget, the others at one, and in full."""
    yield through(task, None, "ictc offline")
    for number, folder in enumerate(models(task.recorded)):
        original = read(folder, task.captions)
        for budget in OTHERS if number else BUDGETS:
            yield through(task, original, f"{folder.name}, cascade {budget}", budget)
        for budget in () if number else OTHERS:
            yield through(task, original, f"{folder.name}, cascade {budget}, {_BLIND}", budget, knowing_all=False)
        full = strict(original, task.truth)
        yield through(task, original, f"{folder.name} in full (its files, strictly: {full:.4f})")


def through(task: Task, original: Original | None, method: str, budget: str = "", knowing_all: bool = True) -> Row:
    """The whole command line in a new folder, with a recorded model behind the endpoint or without."""
    serving = nullcontext() if original is None else ScriptedServer(respond(original, knowing_all), keep=False)
    with serving as server, tempfile.TemporaryDirectory(prefix="ictc-bench-") as scratch:
        model = ("--reasoner", f"openai:replay@{server.url}", "--price", f"replay={PRICE}") if server else ()
        options = ("--cascade", "--budget", budget) if budget else ()
        start = time.perf_counter()
        done = run(task, Path(scratch) / "run", *model, *options)
        seconds = time.perf_counter() - start
        calls = server.count if server else 0
        truly = disagreement(Path(scratch) / "run", original) if original and calls else None
    return Row(method, done, seconds, calls, truly)


def disagreement(folder: Path, original: Original) -> float:
    """The share of images whose cluster is not the recorded model's, or for which that named none."""
    ours = {image: (cluster or "").casefold() for image, cluster in reopen(folder).result.predicted().items()}
    theirs = [a for a in original.assignments if isinstance(a, Assignment)]
    return sum(a.cluster is None or ours.get(a.image) != a.cluster.casefold() for a in theirs) / len(theirs)


def pictures(data: Path) -> Iterator[str]:
    """A line for each set of images."""
    with tempfile.TemporaryDirectory(prefix="ictc-bench-") as scratch:
        for number, task in enumerate(picture_tasks(data, Path(scratch))):
            if task.images.startswith("recorded:"):
                continue
            d, _, wall, _ = measured(task, Path(scratch) / str(number))
            acc = f"{d['acc']:.4f} [{d['acc_low']:.3f}, {d['acc_high']:.3f}]"
            scores = f"{acc} | {d['ari']:.4f} | {d['nmi']:.4f} | {d['ece']:.3f}"
            yield f"| {task.name}, “{task.criterion}” | {task.k} | {scores} | {wall:.0f} |"


def _of(missing: int, n: int) -> str:
    return f" of {n - missing:,}" if missing else ""
