"""The recorded answers of GPT-4, served through an OpenAI-compatible endpoint to the whole command line.

`python -m bench replay`, with the shared data's folder in ICTC_DATA or `--data`. What is recorded by image is looked up
by its description; images of equal descriptions must have equal answers, which is checked and counted. Which label
belongs to which name was never recorded: the server says where most images of the label went, of all images or of
those alone whose labels it was asked for. `strict` is the score that the recorded files themselves have when an answer
that is none of the K names counts as wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ictc.originals import Original, read_original
from ictc.scoring.scores import score_assignments
from ictc.scoring.truth import read_truth
from ictc.types import Assignment, Label
from tests.servers.scripted import ScriptedServer


@dataclass(frozen=True)
class Task:
    """A set of descriptions, and the folder of its recorded run or of several; None where nothing is recorded."""

    name: str
    captions: Path
    recorded: Path | None
    criterion: str
    k: int
    truth: str = "filename"


def tasks(data: Path) -> list[Task]:
    """The sets of the shared data."""
    captions, recorded = data / "captions", data / "recorded"
    return [
        Task("cifar10_llava", captions / "cifar10_llava.jsonl.gz", recorded / "cifar10", "object", 10),
        Task("ppmi7_instrument_llava", captions / "ppmi7_instrument_llava.jsonl.gz", recorded / "ppmi7_instrument",
             "musical instrument", 7),
    ]  # fmt: skip


def models(recorded: Path | None) -> list[Path]:
    """The folders of the recorded runs, GPT-4's first."""
    if recorded is None:
        return []
    if any((recorded / name).is_file() for name in ("step3_result.txt", "step3_result.txt.gz")):
        return [recorded]
    return sorted((f for f in recorded.iterdir() if f.is_dir()), key=lambda f: (f.name != "gpt4", f.name))


def main(data: Path) -> None:
    """Print one row per recorded run."""
    print("| recorded run | images | ACC | strict | ARI | NMI | unassigned | requests | again | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for task in tasks(data):
        recorded = models(task.recorded)[0]
        original = read(recorded, task.captions)
        with ScriptedServer(respond(original), keep=False) as server, tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            model = ("--reasoner", f"openai:replay@{server.url}")
            done = run(task, Path(folder) / "run", *model)
            seconds, requests = time.perf_counter() - start, server.count
            again = run(task, Path(folder) / "run", *model)
            assert again["of"] == done["of"], "the same command gave another result"
            repeated = server.count - requests
        print(
            f"| {task.name}, {recorded.name} | {done['images']} | {done['acc']:.4f} | {strict(original):.4f} | "
            f"{done['ari']:.4f} | {done['nmi']:.4f} | {done['unassigned']} | {requests} | {repeated} | "
            f"{seconds:.0f} |",
            flush=True,
        )


def read(folder: Path, captions: Path) -> Original:
    """The recorded run of these descriptions, without images that it has beside them."""
    whole = read_original(folder, captions)
    there = {d.image for d in whole.descriptions}
    return replace(
        whole,
        labels=[x for x in whole.labels if x.image in there],
        assignments=[a for a in whole.assignments if a.image in there],
        replies={image: reply for image, reply in whole.replies.items() if image in there},
    )


def run(task: Task, folder: Path, *more: str) -> Any:
    """What `ictc run --json` prints, with `more` options."""
    command = [sys.executable, "-m", "ictc", "run", f"recorded:{task.captions}", "-c", task.criterion]
    options = ["-k", str(task.k), "--truth", task.truth, "--no-report", "--json", "-o", str(folder), *more]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{task.name}: ictc run exited with {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def respond(original: Original, knowing_all: bool = True) -> Callable[[Mapping[str, Any]], str]:
    """The recorded answer to a chat completion, by the question's schema and the description in it.

    `knowing_all`: where a label belongs is where most of all images with it went. Else only the images count whose
    labels were asked for, which is what a model that is asked about a few could go by.
    """
    text = {d.image: d.text for d in original.descriptions}
    labels = {x.image: x.label for x in original.labels if isinstance(x, Label)}
    said: dict[str, str] = {}
    labelled: dict[str, str] = {}
    for image, reply in original.replies.items():
        if said.setdefault(text[image], reply) != reply:
            raise ValueError(f"Two images with one description have different answers: {image}")
    for image, label in labels.items():
        labelled.setdefault(text[image], label)
    answered = [a for a in original.assignments if isinstance(a, Assignment) and a.image in labels]
    placed = [(a.image, a.cluster) for a in answered if a.cluster is not None]
    asked: set[str] = set()

    def homes() -> dict[str, Counter[str]]:
        """How many images of a label went where."""
        found: dict[str, Counter[str]] = {}
        for image, name in placed:
            if knowing_all or text[image] in asked:
                found.setdefault(labels[image].casefold(), Counter())[name] += 1
        return found

    def answer(body: Mapping[str, Any]) -> str:
        properties = body["response_format"]["json_schema"]["schema"]["properties"]
        question = body["messages"][-1]["content"]
        data = json.JSONDecoder().raw_decode(question)[0]
        if "categories" in properties:
            return "\n".join(f"Answer {i}: {name}" for i, name in enumerate(original.taxonomy.names, 1))
        if "answers" in properties:
            known = homes()
            return json.dumps({"answers": [_home(row, known) for row in data["labels"]]})
        description = data["description"]
        if "category" in properties:
            return said[description]
        asked.add(description)
        return f"Answer: {labelled[description]}"

    return answer


def _home(row: Mapping[str, Any], known: Mapping[str, Counter[str]]) -> dict[str, Any]:
    votes = known.get(str(row["label"]).casefold(), Counter())
    return {"id": row["id"], "category": max(votes, key=lambda x: votes[x]) if votes else "none"}


def strict(original: Original, truth: str = "filename") -> float:
    """The accuracy of the recorded files themselves."""
    answers = {a.image: a.cluster for a in original.assignments if isinstance(a, Assignment)}
    return score_assignments(answers, read_truth(truth, list(answers)).classes).acc
