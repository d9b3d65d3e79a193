"""The corrections of a run as they are kept (`corrections.jsonl`): which stand, which lapsed, which are carried on.

    {"do": "rename", "cluster": "car", "name": "cars", "revision": "002"}

`lapsed` says in which revision another K or criterion undid a correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ictc.jsonl import numbered_jsonl
from ictc.revision import CORRECTIONS
from ictc.runfolder import RunFolder
from ictc.steering.corrections import (
    Add,
    Anew,
    Change,
    Correction,
    Drop,
    Merge,
    Move,
    Pin,
    Rename,
    Split,
    Unpin,
    from_row,
)
from ictc.steering.draft import Draft
from ictc.steering.finding import same


def standing(rows: Iterable[Mapping[str, Any]]) -> list[Correction]:
    """The corrections that hold, in order."""
    changes = [from_row(row) for row in rows if "lapsed" not in row]
    return [c for c in changes if not isinstance(c, Anew)]


def pins_of(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The clusters that are pinned after all that was ever done: a name that lapsed later was a pin's name once."""
    return pinned(c for c in map(from_row, rows) if not isinstance(c, Anew))


def pinned(corrections: Iterable[Correction]) -> tuple[str, ...]:
    """The clusters that are pinned after them, by the names they have then."""
    found: dict[str, None] = {}
    for c in corrections:
        match c:
            case Pin():
                found[c.cluster] = None
            case Unpin():
                found.pop(c.cluster, None)
            case Rename():
                found = {(c.name if p == c.cluster else p): None for p in found}
            case Merge():
                found = {(c.name if p in c.clusters else p): None for p in found}
    return tuple(found)


def renumbered(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there are as many clusters as there are because a person merged, split, dropped or added some, and not
    because K was asked for afterwards."""
    done = [row["do"] for row in rows if "lapsed" not in row]
    since = done[len(done) - done[::-1].index(Anew.do) :] if Anew.do in done else done
    return bool({Merge.do, Split.do, Drop.do, Add.do} & {*since})


def mixed(rows: Iterable[Mapping[str, Any]], criterion: str) -> dict[str, str]:
    """The clusters whose images came together under another criterion than the last one, as they were pinned then,
    with that criterion. `criterion`: of the run before all corrections."""
    held: dict[str, None] = {}
    under: dict[str, str] = {}
    for c in map(from_row, rows):
        match c:
            case Pin():
                held[c.cluster] = None
                under.setdefault(c.cluster, criterion)
            case Unpin():
                held.pop(c.cluster, None)
            case Rename() | Merge():
                parts = {c.cluster} if isinstance(c, Rename) else set(c.clusters)
                held = {(c.name if p in parts else p): None for p in held}
                since = sorted((under.pop(p) for p in parts & under.keys()), key=lambda u: u != criterion)
                under |= {c.name: since[-1]} if since else {}
            case Drop() | Split():
                under.pop(c.cluster, None)
            case Anew():
                criterion = c.criterion or criterion
                under = {p: u for p, u in under.items() if p in held}
    return {p: u for p, u in under.items() if u != criterion}


def renames(corrections: Iterable[Correction]) -> dict[str, str]:
    """What clusters that a person renamed are called now, by what they were called first."""
    found: dict[str, str] = {}
    for c in corrections:
        if isinstance(c, Rename):
            found = {first: c.name if now == c.cluster else now for first, now in found.items()}
            found.setdefault(c.cluster, c.name)
    return found


def lapsed(correction: Correction, draft: Draft) -> bool:
    """Whether names that were made anew no longer show what a person had changed."""
    names = {same(n) for n in draft.names}
    match correction:
        case Rename():
            return same(correction.name) not in names
        case Merge():
            gone = {same(c) for c in correction.clusters} - {same(correction.name)}
            return same(correction.name) not in names or bool(gone & names)
        case Split():
            return not correction.names or not {same(n) for n in correction.names} <= names
        case Drop():
            return same(correction.cluster) in names
        case Add():
            return same(correction.name) not in names
        case Move():
            now = (draft.assignments.get(i) for i in correction.images)
            return not all(a is not None and a.cluster == correction.cluster for a in now)
        case _:
            return False


def read_corrections(source: Path) -> list[Change]:
    """Those that stand in a run's last finished revision, or in a file, but for K and criterion: they are the other's.

    Raises:
        RunError: no such run. InputError: the file is missing, or a line is no correction.
    """
    if source.is_dir():
        rows = RunFolder(source).revision("", finished=True).corrections()
        where = f"{source}, {CORRECTIONS}"
        numbered: Iterable[tuple[int, dict[str, Any]]] = enumerate(rows, 1)
    else:
        where, numbered = str(source), numbered_jsonl(source)
    kept = [from_row(row, f"{where}, line {n}") for n, row in numbered if "lapsed" not in row]
    return [c for c in kept if not isinstance(c, Anew)]


def marked(rows: Sequence[Mapping[str, Any]], draft: Draft, revision: str) -> tuple[list[dict[str, Any]], list[Change]]:
    """The rows with those that lapsed marked so, and the corrections that did."""
    found: list[dict[str, Any]] = []
    gone: list[Change] = []
    for row in rows:
        change = from_row(row)
        if "lapsed" not in row and not isinstance(change, Anew) and lapsed(change, draft):
            found.append({**row, "lapsed": revision})
            gone.append(change)
        else:
            found.append(dict(row))
    return found, gone
