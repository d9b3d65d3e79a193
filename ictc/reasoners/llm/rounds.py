"""Labels for a request: counted, measured, and, where they are too many for one, grouped in rounds until they fit.

A round cuts the labels into parts that fit, has the model group each part, and goes on with the groups. Every label is
shown to the model with its number of images; none is left out for being rare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ictc.asking import ask
from ictc.interfaces import Model
from ictc.prompts import Prompts
from ictc.reasoners.llm.asking import must, quoted, repaired
from ictc.replies.answers import Fault, Named, names_in, unfit
from ictc.replies.form import an_object, as_data
from ictc.text import shortened
from ictc.types import Failure, Label, Reply, Request

CHARS_PER_TOKEN = 4
_SHOWN = 120  # characters of a label
_GROUPS = 30  # at least so many groups may a part have, or three times K
_IDS: dict[str, object] = {"type": "array", "items": {"type": "integer"}}


@dataclass(frozen=True, slots=True)
class Entry:
    """A label, or a group of labels under one name: `members` are the places of its labels in the list of all."""

    text: str
    images: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """All labels as entries, the most frequent first, and per place what its spellings are (`Dog`, `dog`) and how
    many images carry each."""

    entries: list[Entry]
    spellings: list[Counter[str]]


def count(labels: Sequence[Label]) -> Counted:
    """Labels that differ only in case are one, in their commonest spelling."""
    folded: dict[str, Counter[str]] = {}
    for label in labels:
        folded.setdefault(label.label.strip().casefold(), Counter())[label.label] += 1
    spellings = sorted(folded.values(), key=lambda s: (-s.total(), min(s)))
    entries = [Entry(min(s, key=lambda x: (-s[x], x)).strip(), s.total(), (i,)) for i, s in enumerate(spellings)]
    return Counted(entries, spellings)


def rows(entries: Sequence[Entry]) -> list[dict[str, object]]:
    """Entries as they stand in a request, with ids from 1."""
    return [{"id": i, "label": shortened(e.text, _SHOWN), "images": e.images} for i, e in enumerate(entries, 1)]


def tokens(value: object) -> int:
    """About how many tokens a value takes as JSON: its bytes in UTF-8 over four."""
    return len(as_data(value).encode()) // CHARS_PER_TOKEN


def fitting(entries: Sequence[Entry], budget: int) -> int:
    """How many of the first entries fit into so many tokens."""
    used = 0
    for i, row in enumerate(rows(entries)):
        used += tokens(row)
        if used > budget:
            return i
    return len(entries)


def condense(
    model: Model, prompts: Prompts, counted: Counted, criterion: str, language: str, k: int | None, budget: int
) -> tuple[list[Entry], list[Entry]] | Failure:
    """(entries that fit into `budget` tokens, labels that the model put into no group); `context-overflow` as it is.

    Raises:
        ModelGone: the model answers nothing more.
    """
    entries, loose = list(counted.entries), list[Entry]()
    while fitting(entries, budget) < len(entries):
        grouped = _round(model, prompts, entries, criterion, language, max(_GROUPS, 3 * (k or 20)), budget)
        if isinstance(grouped, Failure):
            return grouped
        entries, left = grouped
        loose += left
    if k is not None and len(entries) < min(k, len(counted.entries)):  # grouped too much: the commonest labels instead
        fit = fitting(counted.entries, budget)
        return counted.entries[:fit], counted.entries[fit:]
    return entries, loose


def _round(
    model: Model, prompts: Prompts, entries: Sequence[Entry], criterion: str, language: str, most: int, budget: int
) -> tuple[list[Entry], list[Entry]] | Failure:
    parts = -(-tokens(rows(entries)) // budget) + 1
    chunks = [entries[i::parts] for i in range(parts)]  # each with its share of frequent and of rare labels
    prompt = {
        limit: prompts.open("merge/round", criterion=criterion, language=language, most=limit)
        for limit in {_most(most, chunk) for chunk in chunks}
    }
    repair = prompts.open("repair")

    def request(chunk: Sequence[Entry]) -> Request:
        limit = _most(most, chunk)
        row = an_object({"name": {"type": "string"}, "labels": _IDS})
        return Request(
            "merge",
            user=prompt[limit].user(data=as_data({"labels": rows(chunk)})),
            system=prompt[limit].system,
            schema=an_object({"categories": {"type": "array", "items": row, "maxItems": limit}}),
            max_tokens=min(budget, 1024 + 20 * limit + 4 * len(chunk)),
        )

    read = [_read(must(reply)) for reply in ask(model, (request(chunk) for chunk in chunks))]
    again = [i for i, (_, fault) in enumerate(read) if isinstance(fault, Fault)]
    second = (
        repaired(request(chunks[i]), quoted(reply), fault, repair)
        for i in again
        for reply, fault in [read[i]]
        if isinstance(reply, Reply) and isinstance(fault, Fault)
    )
    for i, reply in zip(again, ask(model, second), strict=True):
        read[i] = _read(must(reply))
    overflow = next((r for r, _ in read if isinstance(r, Failure) and r.code == "context-overflow"), None)
    if overflow is not None:
        return overflow
    groups: dict[str, Entry] = {}
    loose: list[Entry] = []
    for chunk, (_, named) in zip(chunks, read, strict=True):
        made, left = _grouped(chunk, named if isinstance(named, list) else [], _most(most, chunk))
        loose += left
        for entry in made:
            known = groups.setdefault(entry.text.casefold(), entry)
            if known is not entry:
                together = replace(known, images=known.images + entry.images, members=known.members + entry.members)
                groups[entry.text.casefold()] = together
    return sorted(groups.values(), key=lambda e: (-e.images, e.text)), loose


def _most(most: int, chunk: Sequence[Entry]) -> int:
    """A part gives at most half as many groups as it has labels, so that rounds come to an end."""
    return max(1, min(most, len(chunk) // 2))


def _read(reply: Reply | Failure) -> tuple[Reply | Failure, list[Named] | Fault | None]:
    return (reply, None) if isinstance(reply, Failure) else (reply, names_in(reply.text))


def _grouped(chunk: Sequence[Entry], named: Sequence[Named], most: int) -> tuple[list[Entry], list[Entry]]:
    """(groups, entries in none). Where the model gave no group at all, the commonest labels stand for themselves."""
    left = dict(enumerate(chunk, 1))
    made = []
    for group in named[:most]:
        inside = [left.pop(i) for i in group.ids if i in left]
        if inside and not unfit(group.name):
            members = tuple(m for e in inside for m in e.members)
            made.append(Entry(group.name, sum(e.images for e in inside), members))
        else:
            left.update({i: e for i, e in enumerate(chunk, 1) if e in inside})
    if not made:
        return list(chunk[:most]), list(chunk[most:])
    return made, list(left.values())
