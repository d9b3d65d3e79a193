"""Published figures, read from bench/published.toml; each with the place where it stands."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from ictc.benchmarks.presets import LANES, Preset, carried, find
from ictc.errors import InputError, UsageError
from ictc.jsonl import read_text

FILE = "published.toml"
MEASURES = ("acc", "ari", "nmi")
_REDONE = ("IC|TC", "fused embeddings", "k-means")
"""What the three lanes do."""
Scoring = Literal["", "random", "nearest", "strict"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a published table. Measures are shares of 1; `n` None: not stated. `scoring`: what became of answers
    that are none of the K names. `cite`, `url` and `table` say where it stands; without `url`, nowhere in public.
    `spec`: the feature of the lab that does the very same. `source_note`: holds for all figures of the place.
    """

    set: str
    criterion: str
    lane: str
    k: int
    method: str
    model: str
    cite: str
    n: int | None = None
    describer: str = ""
    acc: float | None = None
    ari: float | None = None
    nmi: float | None = None
    scoring: Scoring = ""
    table: str = ""
    url: str = ""
    note: str = ""
    source_note: str = ""
    spec: str = ""

    @property
    def is_other(self) -> bool:
        """Whether it is of a method that no lane is, shown for comparison."""
        return self.method.partition(",")[0] not in _REDONE

    def to_json(self) -> dict[str, Any]:
        """A JSON object; what is not known is left out."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}


def figures_of(preset: Preset) -> list[Figure]:
    """Those of one benchmark, its own lane's first, then those that a lane does again, the best first."""
    own = [f for f in published() if (f.set, f.criterion) == (preset.name, preset.criterion)]
    return sorted(own, key=lambda f: (f.lane != preset.lane, f.lane, f.is_other, -(f.acc or f.ari or 0.0)))


@cache
def published() -> tuple[Figure, ...]:
    """All of them, in the order of the file."""
    return read_published(carried() / FILE)


def read_published(path: Path) -> tuple[Figure, ...]:
    """The figures of a file.

    Raises:
        InputError: it is no TOML, or an entry is not as the head of bench/published.toml says; the message says which.
    """
    try:
        table = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as e:
        raise InputError(f"{path}: this is no TOML: {e}.", "Mend it.") from e
    sources = table.get("sources", {})
    rows = table.get("figure", [])
    found = tuple(_figure(row, sources, f"{path}, figure {number}") for number, row in enumerate(rows, start=1))
    seen: dict[tuple[Any, ...], int] = {}
    for number, one in enumerate(found, start=1):
        identity = (one.set, one.criterion, one.lane, one.method, one.model, one.cite)
        if seen.setdefault(identity, number) != number:
            raise InputError(f"{path}: figures {seen[identity]} and {number} are of the same.", "Remove one.")
    return found


_KINDS: Mapping[str, type] = {
    **dict.fromkeys(
        ("set", "criterion", "lane", "method", "model", "describer", "scoring", "table", "note", "spec"), str
    ),
    **dict.fromkeys(("k", "n"), int),
    **dict.fromkeys(MEASURES, float),
}
_NEEDED = tuple(f.name for f in fields(Figure))[:6]


def _figure(row: Mapping[str, Any], sources: Mapping[str, Any], where: str) -> Figure:
    def fault(what: str) -> InputError:
        return InputError(f"{where}: {what}.", f"The head of {FILE} says what an entry has.")

    own = dict(row)
    source = sources.get(own.pop("source", ""))
    if not isinstance(source, dict) or not source.get("cite") or set(source) - {"cite", "url", "note"}:
        raise fault("`source` names none of [sources], or one without `cite`")
    for key, value in own.items():
        if key not in _KINDS:
            raise fault(f"unknown key '{key}'")
        if type(value) is not _KINDS[key]:
            raise fault(f"{key} = {value!r} is no {_KINDS[key].__name__}")
    if missing := [key for key in _NEEDED if not own.get(key)]:
        raise fault(f"{missing[0]} is missing")
    measures = [own[m] for m in MEASURES if m in own]
    if not measures or not all(-1 <= m <= 1 for m in measures):
        raise fault("it has no measure, or one that is no share of 1")
    if own["k"] < 1 or own.get("n", 1) < 1:
        raise fault("k and n are at least 1")
    if own["lane"] not in LANES or own.get("scoring", "") not in get_args(Scoring):
        raise fault("there is no such lane or scoring")
    try:
        exact = find(own["set"], own["criterion"]).criterion == own["criterion"]
    except UsageError as e:
        raise fault(e.message.rstrip(".")) from e
    if not exact:
        raise fault(f"'{own['criterion']}' is no criterion as one types it")
    place = {"cite": source["cite"], "url": source.get("url", ""), "source_note": source.get("note", "")}
    return Figure(**own, **place)
