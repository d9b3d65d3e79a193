"""A model that answers by rules written in Python: what its tests want to hear, and what they fear."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ictc.types import Failure, Reply, Request

Said = str | Reply | Failure


class Talking:
    """Implements `Model`: `rule` says what each request is answered. Answers come in twos, the later one first.

    `asked` keeps every request. `most_held` is how many requests were taken before their answer was given.
    """

    def __init__(self, rule: Callable[[Request], Said], fingerprint: str = "talking/1") -> None:
        self.fingerprint = fingerprint
        self.asked: list[Request] = []
        self.most_held = 0
        self._rule = rule

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        held: list[tuple[int, Request]] = []
        for numbered in enumerate(requests):
            held.append(numbered)
            self.most_held = max(self.most_held, len(held))
            if len(held) == 2:
                yield from self._answers(held)
        yield from self._answers(held)

    def _answers(self, held: list[tuple[int, Request]]) -> Iterator[tuple[int, Reply | Failure]]:
        while held:
            number, request = held.pop()
            self.asked.append(request)
            said = self._rule(request)
            yield number, Reply(said) if isinstance(said, str) else said


def data_of(request: Request) -> Any:
    """The JSON that a request's user message holds, also where it is quoted in a repair."""
    return json.JSONDecoder().raw_decode(request.user, min(i for i in map(request.user.find, "{[") if i >= 0))[0]


def about(request: Request, tell: Callable[[str], str]) -> str:
    """A well-formed answer to a label or assign request, single or packed: `tell` of each description."""
    key, data = {"label": "label", "assign": "category"}[request.stage], data_of(request)
    if isinstance(data, dict):
        return json.dumps({key: tell(data["description"])})
    return json.dumps({"answers": [{"id": row["id"], key: tell(row["description"])} for row in data]})


def sensible(tell: Callable[[str], str]) -> Callable[[Request], Said]:
    """A rule for all three steps: `tell` is the kind that a description is of. Names are the commonest labels."""

    def rule(request: Request) -> Said:
        if request.stage != "merge":
            return about(request, tell)
        assert request.schema is not None
        properties, rows = request.schema["properties"], data_of(request)["labels"]
        if "answers" in properties:
            names = properties["answers"]["items"]["properties"]["category"]["enum"]
            answers = [{"id": r["id"], "category": max(names, key=lambda n: _alike(n, r["label"]))} for r in rows]
            return json.dumps({"answers": answers})
        wanted = properties["categories"].get("minItems", min(len(rows), properties["categories"]["maxItems"]))
        fixed = _given(request.system)
        names = [*fixed, *(str(r["label"]) for r in rows if str(r["label"]) not in fixed)][:wanted]
        names += [f"kind {i}" for i in range(len(names), wanted)]
        groups: list[list[int]] = [[] for _ in names]
        for r in rows:
            groups[max(range(len(names)), key=lambda i: _alike(names[i], r["label"]))].append(r["id"])
        return json.dumps(
            {
                "reason": "there are so many",
                "categories": [
                    {"name": n, "about": f"all of {n}", "labels": ids} for n, ids in zip(names, groups, strict=True)
                ],
            }
        )

    return rule


def _given(system: str) -> list[str]:
    """Names that a merge is told to keep."""
    _, told, after = system.partition("spelt exactly so: ")
    return [row["name"] for row in json.JSONDecoder().raw_decode(after)[0]] if told else []


def _alike(a: str, b: str) -> int:
    return len(set(a.casefold().split()) & set(b.casefold().split()))
