"""A backend that breaks its contract does not pass the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ictc import contracts
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.types import Description, Failure, Item, Reply, Request


def readable(item: Item) -> bool:
    return item.path is not None and item.path.read_bytes().startswith(b"\x89PNG")


class Describes:
    fingerprint = "toy"
    wrong = ""

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        tick(len(items) if self.wrong != "tick" else 0)
        if self.wrong == "fingerprint":
            self.fingerprint = "other"
        told = [self._one(i, n) for n, i in enumerate(items)]
        return told[::-1] if self.wrong == "order" else told

    def _one(self, item: Item, n: int) -> Description | Failure:
        if not readable(item) and self.wrong != "never fails":
            return Failure(item.name, "image", "unreadable", "cannot be read")
        text = f"{item.name if self.wrong == 'name' else item.sha256[:4]} {n if self.wrong == 'place' else ''}"
        return Description(item.name, text, "toy", "" if self.wrong == "sha256" else item.sha256)


class Answers:
    fingerprint = "toy"
    wrong = ""

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for n, request in enumerate(list(requests)[:9999] if self.wrong == "list" else requests):
            number = n + 1 if self.wrong == "number" else n
            if request.image is not None and not (readable(request.image) or self.wrong == "never fails"):
                yield number, Failure("", "describe", "unreadable", "cannot be read")
                continue
            words = [str(len(request.user) + ord(request.user[:1] or "x")), "so"] * request.max_tokens
            said = " ".join(words[: request.max_tokens * (2 if self.wrong == "long" else 1)])
            said = {"deaf": "ok", "half": f"\ud800 {said}"[: len(said)]}.get(self.wrong, said)
            yield number, Reply(said, output_tokens=0)
        if self.wrong == "fingerprint":
            self.fingerprint = "other"


class Embeds:
    fingerprint = "toy"
    wrong = ""

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        tick(len(items) if self.wrong != "tick" else 1)
        return [self._one(i, n) for n, i in enumerate(items)]

    def _one(self, item: Item, n: int) -> Vectors | Failure:
        if not readable(item) and self.wrong != "never fails":
            return Failure(item.name, "image", "unreadable", "cannot be read")
        row = np.array([int(item.sha256[:4] or "0", 16), n if self.wrong == "place" else 1, 3])
        row = row / np.linalg.norm(row)
        return row.astype(np.float64 if self.wrong == "double" else np.float32)

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        tick(len(texts))
        rows = np.array([[len(t), ord(t[:1] or "x"), 1] for t in texts], np.float32).reshape(-1, 3)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return (
            rows if self.wrong == "empty text" else rows * np.array([[bool(t.strip())] for t in texts]).reshape(-1, 1)
        )


KINDS: list[tuple[type[Any], Any, list[str]]] = [
    (Describes, contracts.DESCRIBER, ["tick", "fingerprint", "order", "never fails", "name", "place", "sha256"]),
    (Answers, contracts.MODEL, ["list", "number", "never fails", "long", "deaf", "half", "fingerprint"]),
    (Embeds, contracts.EMBEDDER, ["tick", "never fails", "place", "double", "empty text"]),
]


def broken(kind: type[Any], checks: Sequence[Callable[..., None]], wrong: str, folder: Path) -> list[str]:
    def make() -> Any:
        made = kind()
        made.wrong = wrong
        return made

    rules = []
    for check in checks:
        try:
            check(make, folder)
        except AssertionError as rule:
            rules.append(str(rule))
    return rules


@pytest.mark.parametrize(("kind", "checks"), [k[:2] for k in KINDS])
def test_who_keeps_the_contract_passes(kind: type[Any], checks: Any, tmp_path: Path) -> None:
    assert broken(kind, checks, "", tmp_path) == []


@pytest.mark.parametrize(("kind", "checks", "wrong"), [(k, c, w) for k, c, ws in KINDS for w in ws])
def test_who_breaks_it_is_told_which_rule(kind: type[Any], checks: Any, wrong: str, tmp_path: Path) -> None:
    rules = broken(kind, checks, wrong, tmp_path)
    assert rules and all(len(rule) > 20 for rule in rules)
