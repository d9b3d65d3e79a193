"""Reading a run of the original IC|TC repository: what its models answered, scored by no guess of ours.

Formats, as its `step*.py` write them and its published `data/` shows them:

    step2a_result.txt   Image file-cifar10/0_cat.png; Answer: Elephant       (Llama: without `Answer:`)
    step2b_result.txt   Answer 1: dog | Answer10: frog | 1: saxophone | 1. Tree, with optional Reason lines
    step3_result.txt    Image file-cifar10/0_cat.png Answer: cat

A reply may go on over several lines. It gives an answer only where a line of it begins with `Answer:`; a model that
comes to `Answer: frog` in mid-sentence is arguing, not answering, and is off the list. Replies `ERROR_TIMEOUT` and the
like are failures.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ictc.descriptions import read_recorded
from ictc.errors import InputError
from ictc.jsonl import read_text
from ictc.names import NameIndex, relative_to_common_folder
from ictc.types import Assignment, Cluster, Description, Failure, Label, Stage, Taxonomy

_IMAGE = re.compile(r"Image file-(?P<path>.+?\.[A-Za-z][A-Za-z0-9]{1,4})(?:;|\s|$)\s*(?P<reply>.*)")
_ANSWER = re.compile(r"\s*Answer\s*:(?P<answer>.*)", re.IGNORECASE)
_NAME = re.compile(r"\s*(?:Answer\s*(?P<a>\d+)\s*[:.]|(?P<b>\d+)\s*[:.)])(?P<name>.*)", re.IGNORECASE)
_REASON = re.compile(r"\s*Reason\s*(?P<number>\d+)\s*:(?P<reason>.*)", re.IGNORECASE)
_ERRORS = {"ERROR_TIMEOUT": "timeout", "ERROR_FILTER": "content-filter", "ERROR_CONTEXT_LENGTH": "context-length"}
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"


@dataclass(frozen=True, slots=True)
class Original:
    """A run of the original. `assignments` has one entry per image, in the order of the descriptions if there are any.

    `off_list` counts replies that named none of the K; they are unassigned, with the reply as evidence. `replies` are
    the raw step-3 replies. `problems` says of every line that could not be used where it is and why.
    """

    descriptions: Sequence[Description]
    labels: Sequence[Label | Failure]
    taxonomy: Taxonomy
    assignments: Sequence[Assignment | Failure]
    off_list: int
    replies: Mapping[str, str]
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies of one result file by image path as written there, and what could not be used."""

    by_path: Mapping[str, str]
    problems: Sequence[str]


def read_original(folder: Path, descriptions: Path | None = None, criterion: str = "") -> Original:
    """The run in `folder`; step 1 from `descriptions`, or from step1_result.jsonl where the folder has one.

    Images are named relative to the folder they share, as in the descriptions: `0_cat.png`.

    Raises:
        InputError: no folder, step 2b or step 3 missing or unusable, or descriptions of other images.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Give the folder that holds step3_result.txt.")
    step1 = descriptions or _find(folder, "step1_result.jsonl")
    described = read_recorded(step1) if step1 else []
    index = NameIndex(d.image for d in described) if described else None
    label_file = _find(folder, "step2a_result.txt")
    labels, label_problems = _replies_of(label_file, index) if label_file else ({}, [])
    names_file = _required(folder, "step2b_result.txt")
    taxonomy, name_problems = parse_taxonomy(read_text(names_file), criterion)
    if not taxonomy.k:
        raise InputError(f"{names_file} names no cluster.", "Its lines must be like `Answer 1: dog` or `1: dog`.")
    step3_file = _required(folder, "step3_result.txt")
    replies, problems = _replies_of(step3_file, index)
    if described and not {d.image for d in described} & set(replies):
        raise InputError(
            f"{step1} and {step3_file} speak of different images: {described[0].image!r}, {next(iter(replies))!r}.",
            "Give the descriptions of this run: --descriptions FILE",
        )
    images = list(dict.fromkeys([*(d.image for d in described), *labels, *replies]))
    answered = [label_from(image, reply) for image, reply in labels.items()]
    shown = {a.image: a.label for a in answered if isinstance(a, Label)}
    assignments = [assignment_from(i, replies.get(i), taxonomy.names, shown.get(i, "")) for i in images]
    return Original(
        descriptions=described,
        labels=answered,
        taxonomy=_with_labels(taxonomy, shown, assignments),
        assignments=assignments,
        off_list=sum(isinstance(a, Assignment) and a.cluster is None for a in assignments),
        replies=replies,
        problems=[*label_problems, *(f"{names_file.name} {p}" for p in name_problems), *problems],
    )


def parse_replies(text: str) -> Replies:
    """The replies of a step-2a or step-3 file; lines that begin no image go on with the reply before them."""
    parts: dict[str, list[str]] = {}
    problems = []
    current: list[str] | None = None
    first_line: dict[str, int] = {}
    repeats: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        begun = _IMAGE.match(line)
        if begun:
            path, current = begun["path"], [begun["reply"]]
            if path in parts:
                repeats.append((number, path, current))
            else:
                parts[path], first_line[path] = current, number
        elif line.startswith("Image file-"):
            problems.append(f"line {number}: no image name in {line[:80]!r}")
            current = None
        elif current is not None:
            current.append(line)
        elif line.strip():
            problems.append(f"line {number}: belongs to no image: {line[:80]!r}")
    replies = {path: "\n".join(lines).strip() for path, lines in parts.items()}
    for number, path, lines in repeats:
        same = "\n".join(lines).strip() == replies[path]
        what = "the same again" if same else "another reply; the first is kept"
        problems.append(f"line {number}: {path} was on line {first_line[path]} already, {what}")
    return Replies(replies, problems)


def parse_taxonomy(text: str, criterion: str = "") -> tuple[Taxonomy, list[str]]:
    """The K names of a step-2b file in order, reasons as `about`, and what could not be used."""
    names: dict[str, tuple[str, str]] = {}
    reasons: dict[str, str] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        reason, named = _REASON.match(line), _NAME.match(line)
        if reason:
            reasons[reason["number"]] = reason["reason"].strip()
        elif named:
            name = bare(named["name"])
            if not name or name.casefold() in names:
                problems.append(f"line {number}: {'the same name again' if name else 'no name'}: {line.strip()[:80]!r}")
            else:
                names[name.casefold()] = (name, named["a"] or named["b"])
        elif line.strip():
            problems.append(f"line {number}: no name: {line.strip()[:80]!r}")
    clusters = [Cluster(name=name, about=reasons.get(number, "")) for name, number in names.values()]
    return Taxonomy(criterion=criterion, clusters=clusters), problems


def bare(answer: str) -> str:
    """An answer without surrounding blanks and quotes and a final full stop: `'dog'.` -> `dog`."""
    answer = answer.strip().strip(_QUOTES).strip()
    return answer.removesuffix(".").strip().strip(_QUOTES).strip()


def strict_answer(reply: str, names: Sequence[str]) -> str | None:
    """The name that a reply gives by the strict rule (case apart), or None: no guess is made."""
    answers = [m["answer"] for line in reply.splitlines() if (m := _ANSWER.match(line))]
    if not answers:
        return None
    by_fold = {name.casefold(): name for name in names}
    return by_fold.get(bare(answers[0]).casefold())


def assignment_from(image: str, reply: str | None, names: Sequence[str], label: str = "") -> Assignment | Failure:
    """Step 3 for one image; evidence is its label, or the reply where that names no cluster."""
    if reply is None:
        return Failure(image, "assign", "no-answer", "The recorded run has no step-3 line for this image.")
    if reply in _ERRORS:
        return _failure(image, "assign", reply)
    cluster = strict_answer(reply, names)
    return Assignment(image, cluster, by="recorded", evidence=label if cluster is not None else reply)


def label_from(image: str, reply: str) -> Label | Failure:
    """Step 2a for one image: what follows `Answer:`, or where the model left that out, its first line."""
    if reply in _ERRORS:
        return _failure(image, "label", reply)
    lines = reply.splitlines()
    answers = [m["answer"] for line in lines if (m := _ANSWER.match(line))]
    label = bare((answers or lines or [""])[0])
    if not label:
        return Failure(image, "label", "no-answer", "The recorded run has an empty step-2a line for this image.")
    return Label(image, label)


def _failure(image: str, stage: Stage, reply: str) -> Failure:
    code = _ERRORS[reply]
    return Failure(image, stage, code, f"The recorded run says {reply}.", retryable=code == "timeout")


def _find(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _required(folder: Path, name: str) -> Path:
    found = _find(folder, name)
    if found is None:
        raise InputError(
            f"{folder} has no {name} (nor {name}.gz).",
            "Give the folder of one run of the original IC|TC, with step2b_result.txt and step3_result.txt in it.",
        )
    return found


def _replies_of(file: Path, index: NameIndex | None) -> tuple[dict[str, str], list[str]]:
    """Replies by image name: the descriptions' name where one is meant, else relative to the shared folder."""
    parsed = parse_replies(read_text(file))
    if not parsed.by_path:
        raise InputError(
            f"{file} has no line of the form `Image file-FOLDER/1_cat.png Answer: cat`.",
            "Is this a result file of the original IC|TC?",
        )
    short = relative_to_common_folder(parsed.by_path)
    replies: dict[str, str] = {}
    problems = [f"{file.name} {p}" for p in parsed.problems]
    for path, reply in parsed.by_path.items():
        name = (index and index.find(path)) or short[path]
        if name in replies:
            problems.append(f"{file.name}: {path} is the image {name} again; the first reply is kept")
        replies.setdefault(name, reply)
    return replies, problems


def _with_labels(
    taxonomy: Taxonomy, labels: Mapping[str, str], assignments: Sequence[Assignment | Failure]
) -> Taxonomy:
    """Each cluster with the labels of its images and how many images carry them, most frequent first."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in taxonomy.names}
    for a in assignments:
        if isinstance(a, Assignment) and a.cluster is not None and a.image in labels:
            counts[a.cluster][labels[a.image]] += 1
    clusters = [
        Cluster(c.name, c.about, dict(sorted(counts[c.name].items(), key=lambda kv: (-kv[1], kv[0]))))
        for c in taxonomy.clusters
    ]
    return Taxonomy(taxonomy.criterion, clusters)
