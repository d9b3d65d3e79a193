"""What a person may change of a result, as values, as JSON (`corrections.jsonl`) and as words to type."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from ictc.errors import InputError
from ictc.text import quoted


@dataclass(frozen=True, slots=True)
class Rename:
    """Another name for a cluster."""

    do: ClassVar = "rename"
    cluster: str
    name: str

    def words(self) -> list[str]:
        return ["--rename", f"{quoted(self.cluster)}={quoted(self.name)}"]


@dataclass(frozen=True, slots=True)
class Merge:
    """Several clusters become one. `name` "": that of the largest."""

    do: ClassVar = "merge"
    clusters: tuple[str, ...]
    name: str = ""

    def words(self) -> list[str]:
        named = f"={quoted(self.name)}" if self.name else ""
        return ["--merge", "+".join(map(quoted, self.clusters)) + named]


@dataclass(frozen=True, slots=True)
class Split:
    """One cluster becomes several: as many as `into`, or these `names`."""

    do: ClassVar = "split"
    cluster: str
    into: int = 2
    names: tuple[str, ...] = ()

    def words(self) -> list[str]:
        parts = "+".join(map(quoted, self.names)) or ("" if self.into == 2 else f"{self.into}")
        return ["--split", quoted(self.cluster) + (f"={parts}" if parts else "")]


@dataclass(frozen=True, slots=True)
class Drop:
    """A cluster goes; its images go to the others."""

    do: ClassVar = "drop"
    cluster: str

    def words(self) -> list[str]:
        return ["--drop", quoted(self.cluster)]


@dataclass(frozen=True, slots=True)
class Pin:
    """A cluster's name and images are to survive another K and another criterion."""

    do: ClassVar = "pin"
    cluster: str

    def words(self) -> list[str]:
        return ["--pin", quoted(self.cluster)]


@dataclass(frozen=True, slots=True)
class Unpin:
    """A cluster is like the others again."""

    do: ClassVar = "unpin"
    cluster: str

    def words(self) -> list[str]:
        return ["--unpin", quoted(self.cluster)]


@dataclass(frozen=True, slots=True)
class Add:
    """One more cluster, by its name; images that belong there come to it."""

    do: ClassVar = "add"
    name: str
    about: str = ""

    def words(self) -> list[str]:
        return ["--add", quoted(self.name) + (f"={quoted(self.about)}" if self.about else "")]


@dataclass(frozen=True, slots=True)
class Move:
    """Images go to a cluster. `contents`: their SHA-256, "" where unknown, so that another run finds them."""

    do: ClassVar = "move"
    images: tuple[str, ...]
    cluster: str
    contents: tuple[str, ...] = ()

    def words(self) -> list[str]:
        return ["--move", f"{'+'.join(map(quoted, self.images))}={quoted(self.cluster)}"]


@dataclass(frozen=True, slots=True)
class Anew:
    """Names and assignments are made again: by another criterion ("": the same), with another K (None: it is chosen).

    `keep`: the descriptions stay, though they were made for the criterion before.
    """

    do: ClassVar = "anew"
    criterion: str = ""
    k: int | None = None
    keep: bool = False

    def words(self) -> list[str]:
        told = ["--criterion", self.criterion] if self.criterion else []
        kept = ["--keep-descriptions"] if self.keep else []
        return [*told, "--k", "auto" if self.k is None else str(self.k), *kept]


_SHOWN = 3  # images of a move

Correction = Rename | Merge | Split | Drop | Pin | Unpin | Add | Move
Change = Correction | Anew
KINDS: dict[str, type[Any]] = {c.do: c for c in (Rename, Merge, Split, Drop, Pin, Unpin, Add, Move, Anew)}


def to_row(change: Change) -> dict[str, Any]:
    """As one line of corrections.jsonl has it: what is left at its default is left out."""
    plain = {f.name: f.default for f in fields(change)}
    said = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(change).items() if v != plain[k]}
    return {"do": change.do, **said}


def from_row(row: Mapping[str, Any], where: str = "a correction") -> Change:
    """The reverse of `to_row`; keys that are none of its own are left aside.

    Raises:
        InputError: it is no correction.
    """
    kind = KINDS.get(row.get("do", "")) if isinstance(row.get("do"), str) else None
    if kind is None:
        raise InputError(f"{where}: {str(row)[:80]} is no correction.", f"`do` is one of: {', '.join(KINDS)}.")
    own = {f.name: row[f.name] for f in fields(kind) if f.name in row}
    try:
        made: Change = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in own.items()})
    except TypeError as e:
        raise InputError(f"{where}: {str(row)[:80]} lacks something: {e}.", "See corrections.jsonl of a run.") from e
    if not all(_fits(getattr(made, f.name), f.name) for f in fields(kind)):
        raise InputError(f"{where}: {str(row)[:80]} is no correction.", "See corrections.jsonl of a run.")
    return made


def _fits(value: Any, name: str) -> bool:
    if name in ("into", "k"):
        return (isinstance(value, int) and not isinstance(value, bool)) or (name == "k" and value is None)
    if name == "keep":
        return isinstance(value, bool)
    if name in ("clusters", "names", "images", "contents"):
        return isinstance(value, tuple) and all(isinstance(v, str) for v in value)
    return isinstance(value, str)


def words_of(changes: Sequence[Change]) -> list[str]:
    """The options that say them."""
    return [word for change in changes for word in change.words()]


def in_short(change: Change) -> str:
    """As options, for a person to read: of many images their number."""
    if isinstance(change, Move) and len(change.images) > _SHOWN:
        return f"--move of {len(change.images)} images to {change.cluster}"
    return shlex.join(change.words())
