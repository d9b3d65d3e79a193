"""What is in the result files of the original IC|TC repository, read by no guess of ours.

Formats, as its `step*.py` write them and its published `data/` shows them:

    step2a_result.txt   Image file-cifar10/0_cat.png; Answer: Elephant       (Llama: without `Answer:`)
    step2b_result.txt   Answer 1: dog | Answer10 : frog | 1: saxophone | 1. Tree, with optional Reason lines
    step3_result.txt    Image file-cifar10/0_cat.png Answer: cat

A reply may go on over several lines. Those of models that were asked over a web interface have them as `\\n` in one
line, and a bare backslash for a quote: `Answer: \\airplane\\`. A reply gives an answer only where a line of it begins
with `Answer:`; a model that comes to `Answer: frog` in mid-sentence is arguing, not answering, and is off the list.
Replies `ERROR_TIMEOUT` and the like are failures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ictc.images.walk import IMAGE_EXTENSIONS
from ictc.types import Assignment, Cluster, Failure, Label, Stage, Taxonomy

_BEGIN = r"\s*Image[ -]file ?- ?(?P<path>(?:(?!Answer\s*:).)+?"
_REST = r")(?:;|\s|$)\s*(?P<reply>.*)"
_KNOWN = "|".join(sorted(re.escape(e) for e in IMAGE_EXTENSIONS))
_IMAGES = (  # `1_dr.who waves.jpg`: what looks like an extension is one only where no known one follows
    re.compile(rf"{_BEGIN}(?:{_KNOWN}){_REST}", re.IGNORECASE),
    re.compile(rf"{_BEGIN}\.[A-Za-z][A-Za-z0-9]{{1,4}}{_REST}", re.IGNORECASE),
)
_FLAT = re.compile(r"(Answer\s*:\s*\\[^\\]+\\(?!n))|\\n")
"""A line break written as a backslash and an n; `Answer: \\nail\\` has none, it is a quoted word."""
_MARKS = r"[\s*#>_-]*"
_ANSWER = re.compile(rf"{_MARKS}Answer\s*\d*[\s*]*:(?P<answer>.*)", re.IGNORECASE)
_NAME = re.compile(
    rf"{_MARKS}(?:Answer\s*(?P<a>\d+)[\s*]*[:.]|(?P<b>\d+)[\s*]*[:.)])(?P<name>.*)",
    re.IGNORECASE,
)
_REASON = re.compile(rf"{_MARKS}Reason\s*(?P<number>\d+)[\s*]*:(?P<reason>.*)", re.IGNORECASE)
_ERRORS = {"ERROR_TIMEOUT": "timeout", "ERROR_FILTER": "content-filter", "ERROR_CONTEXT_LENGTH": "context-length"}
_QUOTES = "\"'`*\\\u201c\u201d\u2018\u2019"


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies of one result file by image path as written there, and what could not be used."""

    by_path: Mapping[str, str]
    problems: Sequence[str]


def parse_replies(text: str) -> Replies:
    """The replies of a step-2a or step-3 file; lines that begin no image go on with the reply before them."""
    parts: dict[str, list[str]] = {}
    problems = []
    current: list[str] | None = None
    first_line: dict[str, int] = {}
    repeats: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        begun = _begins(line)
        if begun:
            path, current = begun["path"], [begun["reply"]]
            if path in parts:
                repeats.append((number, path, current))
            else:
                parts[path], first_line[path] = current, number
        elif line.lstrip().startswith("Image file-"):
            problems.append(f"line {number}: no image name in {line[:80]!r}")
            current = None
        elif current is not None:
            current.append(line)
        elif line.strip():
            problems.append(f"line {number}: belongs to no image: {line[:80]!r}")
    replies = {path: _unfolded(lines) for path, lines in parts.items()}
    for number, path, lines in repeats:
        same = _unfolded(lines) == replies[path]
        what = "the same again" if same else "another reply; the first is kept"
        problems.append(f"line {number}: {path} was on line {first_line[path]} already, {what}")
    return Replies(replies, problems)


def image_path(line: str) -> str | None:
    """The image that a line of a step-2a or step-3 file begins, as written there."""
    begun = _begins(line)
    return begun["path"] if begun else None


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
    """Step 2a for one image: what follows `Answer:`, or where the model left that out its first line, or the one after
    `Sure! Here's my answer:`."""
    if reply in _ERRORS:
        return _failure(image, "label", reply)
    lines = [line for line in reply.splitlines() if line.strip()]
    answers = [m["answer"] for line in lines if (m := _ANSWER.match(line))]
    said = lines[1:] if len(lines) > 1 and lines[0].rstrip().endswith(":") else lines
    label = bare((answers or said or [""])[0])
    if not label:
        return Failure(image, "label", "no-answer", "The recorded run has an empty step-2a line for this image.")
    return Label(image, label)


def _failure(image: str, stage: Stage, reply: str) -> Failure:
    code = _ERRORS[reply]
    return Failure(image, stage, code, f"The recorded run says {reply}.", retryable=code == "timeout")


def _begins(line: str) -> re.Match[str] | None:
    return next((m for pattern in _IMAGES if (m := pattern.match(line))), None)


def _unfolded(lines: Sequence[str]) -> str:
    return _FLAT.sub(lambda m: m[1] or "\n", "\n".join(lines)).strip()
