"""The recorded answers of GPT-4, served through an OpenAI-compatible endpoint to the whole command line.

`python -m bench replay`, with the shared data's folder in ICTC_DATA or `--data`. What is recorded by image is looked up
by its description; images of equal descriptions must have equal answers, which is checked and counted. Which label
belongs to which name was never recorded: the server says where most images of the label went. `strict` is the score
that the recorded files themselves have when an answer that is none of the K names counts as wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.originals import Original, read_original
from ictc.scoring.scores import score_assignments
from ictc.scoring.truth import read_truth
from ictc.types import Assignment, Label
from tests.servers.scripted import ScriptedServer


@dataclass(frozen=True)
class Task:
    captions: str
    recorded: str
    criterion: str
    k: int


TASKS = (
    Task("cifar10_llava", "cifar10/gpt4", "object", 10),
    Task("ppmi7_instrument_llava", "ppmi7_instrument/gpt4", "musical instrument", 7),
)


def main(data: Path) -> None:
    """Print one row per recorded run."""
    print("| recorded run | images | ACC | strict | ARI | NMI | unassigned | requests | again | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for task in TASKS:
        captions = data / "captions" / f"{task.captions}.jsonl.gz"
        original = read_original(data / "recorded" / task.recorded, captions)
        with ScriptedServer(respond(original), keep=False) as server, tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            model = ("--reasoner", f"openai:replay@{server.url}")
            done = run(task, captions, Path(folder) / "run", *model)
            seconds, requests = time.perf_counter() - start, server.count
            again = run(task, captions, Path(folder) / "run", *model)
            assert again["of"] == done["of"], "the same command gave another result"
            repeated = server.count - requests
        print(
            f"| {task.recorded} | {done['images']} | {done['acc']:.4f} | {strict(original):.4f} | "
            f"{done['ari']:.4f} | {done['nmi']:.4f} | {done['unassigned']} | {requests} | {repeated} | "
            f"{seconds:.0f} |",
            flush=True,
        )


def run(task: Task, captions: Path, folder: Path, *more: str) -> Any:
    """What `ictc run --json` prints, with `more` options."""
    command = [sys.executable, "-m", "ictc", "run", f"recorded:{captions}", "-c", task.criterion, "-k", str(task.k)]
    options = ["--truth", "filename", "--no-report", "--json", "-o", str(folder), *more]
    return json.loads(subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout)


def respond(original: Original) -> Callable[[Mapping[str, Any]], str]:
    """The recorded answer to a chat completion, by the question's schema and the description in it."""
    text = {d.image: d.text for d in original.descriptions}
    labels = {x.image: x.label for x in original.labels if isinstance(x, Label)}
    said: dict[str, str] = {}
    labelled: dict[str, str] = {}
    for image, reply in original.replies.items():
        if said.setdefault(text[image], reply) != reply:
            raise ValueError(f"Two images with one description have different answers: {image}")
    for image, label in labels.items():
        labelled.setdefault(text[image], label)
    places: dict[str, Counter[str]] = {}
    for a in original.assignments:
        if isinstance(a, Assignment) and a.cluster is not None and a.image in labels:
            places.setdefault(labels[a.image].casefold(), Counter())[a.cluster] += 1

    def answer(body: Mapping[str, Any]) -> str:
        properties = body["response_format"]["json_schema"]["schema"]["properties"]
        question = body["messages"][-1]["content"]
        data = json.JSONDecoder().raw_decode(question)[0]
        if "categories" in properties:
            return "\n".join(f"Answer {i}: {name}" for i, name in enumerate(original.taxonomy.names, 1))
        if "answers" in properties:
            return json.dumps({"answers": [placed(row) for row in data["labels"]]})
        description = data["description"]
        return said[description] if "category" in properties else f"Answer: {labelled[description]}"

    def placed(row: Mapping[str, Any]) -> dict[str, Any]:
        votes = places.get(str(row["label"]).casefold(), Counter())
        return {"id": row["id"], "category": max(votes, key=lambda x: votes[x]) if votes else "none"}

    return answer


def strict(original: Original) -> float:
    """The accuracy of the recorded files themselves."""
    answers = {a.image: a.cluster for a in original.assignments if isinstance(a, Assignment)}
    return score_assignments(answers, read_truth("filename", list(answers)).classes).acc
