"""What could be better about a result, as changes that a person may accept: by the oddities of its clusters, or by a
language model that is shown the clusters."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ictc.asking import ask
from ictc.diagnosis import Finding
from ictc.errors import UsageError
from ictc.interfaces import Model
from ictc.outlying import without
from ictc.prompts import Prompts
from ictc.reasoners.llm.asking import must, quoted, repaired
from ictc.replies.answers import Fault, unfit
from ictc.replies.form import an_object, as_data
from ictc.replies.reading import one_line, shown, unprintable, values_in, without_thinking
from ictc.result import Result
from ictc.steering.corrections import Anew, Change, Drop, Merge, Rename, Split, to_row, words_of
from ictc.steering.draft import Draft
from ictc.steering.finding import cluster_named, same
from ictc.text import shortened
from ictc.types import Failure, Request

_LABELS, _SHOWN, _TEXT = 8, 5, 300  # of a cluster: its commonest labels, images that are described, characters of each
_LIKELY = 8  # names that a criterion may list
_MOST = 300  # characters of a criterion


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One change, and why."""

    change: Change
    why: str

    def command(self) -> str:
        """As options to type."""
        return shlex.join(words_of([self.change]))

    def to_json(self) -> dict[str, Any]:
        return {"change": to_row(self.change), "options": words_of([self.change]), "why": self.why}


def by_findings(result: Result, findings: Sequence[Finding], pinned: Sequence[str] = ()) -> list[Suggestion]:
    """What the oddities of the clusters suggest, the gravest first; each cluster is in one suggestion at most."""
    found: list[Suggestion] = []
    used = set(pinned)
    sizes = Counter(a.cluster for a in result.assignments)
    for f in findings:
        if used & set(f.clusters):
            continue
        change: Change | None = None
        if f.kind == "alike":
            larger = max(f.clusters, key=lambda c: sizes[c])
            change = Merge(f.clusters, larger)
        elif f.kind == "empty" and result.k > 1:
            change = Drop(f.clusters[0])
        elif f.kind in ("swallows", "vague") and sizes[f.clusters[0]] > 1:
            change = Split(f.clusters[0])
        if change:
            used |= set(f.clusters)
            found.append(Suggestion(change, f.message))
    parts = sum(isinstance(s.change, Split) for s in found) - sum(isinstance(s.change, Merge | Drop) for s in found)
    if len(found) > 1 and parts:
        why = f"{len(found)} clusters or pairs of them are odd: another number may put it right at once."
        found.append(Suggestion(Anew(k=max(2, result.k + parts)), why))
    if worded := _listing(result, findings):
        found.append(worded)
    return found


def _listing(result: Result, findings: Sequence[Finding]) -> Suggestion | None:
    """A criterion that lists its answers, where most clusters' names answer it and others do not. A cluster that holds
    much is an answer: left out, most images would have none."""
    odd = {c for f in findings if f.kind == "vague" for c in f.clusters}
    clear = [name for name in result.clusters if name not in odd and "," not in name]
    if not odd or not 2 <= len(clear) <= _LIKELY or ":" in result.criterion:
        return None
    listed = f"{', '.join(clear[:-1])} or {clear[-1]}"
    many = "1 cluster is" if len(odd) == 1 else f"{len(odd)} clusters are"
    why = f"{many} vague: a criterion that lists its answers leaves less in doubt."
    return Suggestion(Anew(f"{result.criterion}: {listed}", len(clear)), why)


def question(result: Result, findings: Sequence[Finding], prompts: Prompts, language: str = "") -> Request:
    """What a model is asked: the clusters with their labels, and what some of their images show."""
    texts = {d.image: d.text for d in result.descriptions}
    labels = {x.image: x.label for x in result.labels}
    names = set(without(result.taxonomy).names)
    rows = []
    for name, images in result.clusters.items():
        if name not in names:
            continue
        told = Counter(labels[i] for i in images if i in labels)
        described = [i for i in images if i in texts]
        some = described[:: max(1, len(described) // _SHOWN)][:_SHOWN]
        show = list(dict.fromkeys(shortened(texts[i], _TEXT) for i in some if i in texts))
        rows.append(
            {"name": name, "images": len(images), "labels": [x for x, _ in told.most_common(_LABELS)], "show": show}
        )
    data = {"clusters": rows, "oddities": [f.message for f in findings]}
    prompt = prompts.open("suggest", criterion=result.criterion, language=language, k=len(rows))
    return Request("merge", user=prompt.user(data=as_data(data)), system=prompt.system, schema=_SCHEMA, max_tokens=2048)


def by_model(
    result: Result, findings: Sequence[Finding], model: Model, prompts: Prompts, language: str = ""
) -> list[Suggestion] | Fault:
    """What the model suggests, as far as it can be done; the fault of its answer where that is twice unusable.

    Raises:
        ModelGone: it answers nothing more.
    """
    request = question(result, findings, prompts, language)
    fault = Fault("")
    for _ in range(2):
        reply = must(next(iter(ask(model, [request]))))
        if isinstance(reply, Failure):
            return Fault(f"{reply.message} ({reply.code})")
        read = _read(reply.text, result)
        if not isinstance(read, Fault):
            return read
        fault = Fault(f"{read.message} It answered: {shown(reply.text)}")
        request = repaired(request, quoted(reply), read, prompts.open("repair"))
    return fault


_TEXTS = {"type": "array", "items": {"type": "string"}}
_TEXT_ = {"type": "string"}
_SCHEMA = an_object(
    {
        "merges": {
            "type": "array",
            "items": an_object({"clusters": _TEXTS, "name": _TEXT_, "reason": _TEXT_}),
        },
        "splits": {
            "type": "array",
            "items": an_object({"cluster": _TEXT_, "names": _TEXTS, "reason": _TEXT_}),
        },
        "renames": {
            "type": "array",
            "items": an_object({"cluster": _TEXT_, "name": _TEXT_, "reason": _TEXT_}),
        },
        "criterion": an_object({"text": _TEXT_, "reason": _TEXT_}),
        "k": an_object({"number": {"type": "integer"}, "reason": _TEXT_}),
    }
)


def _read(text: str, result: Result) -> list[Suggestion] | Fault:
    """The suggestions that can be done; a cluster that is not there, or a name that is none, makes one fall away."""
    objects = [v for v in values_in(without_thinking(text)) if isinstance(v, dict)]
    if len(objects) != 1 or not set(objects[0]) & {"merges", "splits", "renames", "criterion", "k"}:
        return Fault("There is no JSON object with merges, splits, renames, criterion and k.")
    said = objects[0]
    draft = Draft(result.taxonomy, {a.image: a for a in result.assignments})
    found: list[Suggestion] = []
    for kind in ("merges", "splits", "renames"):
        rows = (
            [row for row in said.get(kind) or () if isinstance(row, dict)] if isinstance(said.get(kind), list) else []
        )
        found += [Suggestion(change, _reason(row)) for row in rows if (change := _change(kind, row, draft))]
    worded, number = said.get("criterion"), said.get("k")
    k = number.get("number") if isinstance(number, dict) else None
    wanted = k if isinstance(k, int) and not isinstance(k, bool) and 1 < k < len(result.assignments) else None
    if isinstance(worded, dict) and isinstance(worded.get("text"), str):
        criterion = one_line(worded["text"])
        if criterion and criterion != result.criterion and len(criterion) <= _MOST and not unprintable(criterion):
            found.append(Suggestion(Anew(criterion, wanted or result.k), _reason(worded)))
            wanted = None
    if wanted and wanted != result.k and isinstance(number, dict):
        found.append(Suggestion(Anew(k=wanted), _reason(number)))
    return found


def _change(kind: str, row: Mapping[str, Any], draft: Draft) -> Change | None:
    try:
        if kind == "merges":
            clusters = _texts(row.get("clusters"))
            parts = tuple(dict.fromkeys(cluster_named(c, draft.names) for c in clusters))
            name = _name(row.get("name"), [n for n in draft.names if n not in parts])
            return Merge(parts, name) if len(parts) > 1 else None
        cluster = cluster_named(_text(row.get("cluster")), draft.names)
        others = [n for n in draft.names if n != cluster]
        if kind == "renames":
            name = _name(row.get("name"), others)
            return Rename(cluster, name) if name != cluster else None
        names = tuple(dict.fromkeys(_name(n, others) for n in _texts(row.get("names"))))
        return Split(cluster, len(names), names) if 1 < len(names) <= len(draft.members(cluster)) else None
    except UsageError:
        return None


def _name(value: Any, taken: Sequence[str]) -> str:
    name = one_line(_text(value))
    if unfit(name) or same(name) in {same(n) for n in taken}:
        raise UsageError(name)
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError("no text")
    return value


def _texts(value: Any) -> list[str]:
    return [_text(v) for v in value] if isinstance(value, list) else []


def _reason(row: Mapping[str, Any]) -> str:
    reason = row.get("reason")
    return shown(reason) if isinstance(reason, str) else ""
