"""What the page asks for, read strictly, and done: what it would take, a change, undo, accept."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ictc.errors import InputError
from ictc.progress import Watch
from ictc.spending.estimate import Estimate
from ictc.spending.meter import Meter
from ictc.steering.advice import advice_takes, advise
from ictc.steering.corrections import Anew, Change, Move, from_row, in_short, words_of
from ictc.steering.forecast import forecast
from ictc.steering.job import Refined, go_to, refine, undo
from ictc.steering.work import Refinement
from ictc.text import command_line, printable, shortened

_REVISION = re.compile(r"[0-9]{3,9}")
_MOST = 20
_LONGEST = 20_000
_TYPED = 4000


@dataclass(frozen=True)
class By:
    """The run that is served, and by what means and within which limits models are asked."""

    folder: Path
    given: Mapping[str, Any] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)


def read_refinement(body: Any, by: By, name_of: Callable[[int], str]) -> Refinement:
    """From {"revision": "002", "changes": [...]}; changes are as in corrections.jsonl, but that images are numbers of
    the page (`name_of`).

    Raises:
        InputError: it is anything else.
    """
    if not isinstance(body, dict) or set(body) != {"revision", "changes"}:
        raise _odd("It must be an object with revision and changes.")
    changes = body["changes"]
    if not isinstance(changes, list) or not 0 < len(changes) <= _MOST:
        raise _odd(f"There must be 1 to {_MOST} changes.")
    return Refinement(
        by.folder,
        tuple(_change(row, name_of) for row in changes),
        read_revision(body["revision"]),
        by.given,
        meter=by.meter,
    )


def read_question(body: Any, by: By) -> Refinement:
    """Of what revision suggestions are wanted, from {"revision": "002"}. Raises InputError: it is anything else."""
    if not isinstance(body, dict) or set(body) != {"revision"}:
        raise _odd("It must be an object with a revision.")
    return Refinement(by.folder, (), read_revision(body["revision"]), by.given, meter=by.meter)


def read_revision(text: Any) -> str:
    """Raises InputError."""
    if not isinstance(text, str) or not _REVISION.fullmatch(text):
        raise _odd("A revision is a number such as 001.")
    return text


def _change(row: Any, name_of: Callable[[int], str]) -> Change:
    if not isinstance(row, dict) or any(isinstance(v, str) and len(v) > _LONGEST for v in row.values()):
        raise _odd("A change is an object, with texts of a sensible length.")
    if row.get("do") == "move":
        numbers = row.get("images")
        if not isinstance(numbers, list) or not numbers or not all(type(n) is int for n in numbers):
            raise _odd("Images to move are numbers.")
        row = {**row, "images": [name_of(n) for n in numbers]}
    change = from_row(row, "The request")
    if isinstance(change, Move) and change.contents:
        raise _odd("Contents are not given here.")
    if isinstance(change, Anew) and change.k is not None and change.k < 1:
        raise InputError(f"K is {change.k}; it must be at least 1.", "Ask for 2 or more.")
    if isinstance(change, Anew) and change.criterion != change.criterion.strip():
        change = replace(change, criterion=change.criterion.strip())
    return change


def _odd(why: str) -> InputError:
    return InputError(f"The request is not understood. {why}", "Reload the page.")


def command(asked: Refinement) -> str:
    """What to type for the same; of more images than anybody types, in short."""
    words = words_of(asked.changes) or ["--suggest"]
    start = command_line("refine", str(asked.folder), "--revision", asked.revision)
    if sum(map(len, words)) > _TYPED:
        return " ".join([start, *map(in_short, asked.changes)])
    return f"{start} {shlex.join(words)}"


def title(asked: Refinement) -> str:
    """The change in a few words."""
    return shortened(printable(shlex.join(words_of(asked.changes))), 120) or "suggestions"


def planned(asked: Refinement) -> dict[str, Any]:
    """What the change would ask and cost. Raises UsageError: it cannot be made, as far as that is known before."""
    found = forecast(asked) if asked.changes else advice_takes(asked)
    line = " ".join([takes(found), *found.remarks])
    return {"requests": found.to_json()["requests"], "cost": found.to_json()["cost"], "line": line}


def takes(found: Estimate) -> str:
    """What it takes, in a sentence or two."""
    low, likely, high = found.requests
    if not high:
        return "No model is asked: 0 calls, and it costs nothing."
    n = f"{likely:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}, most likely {likely:,.0f},"
    calls = "call" if high == 1 else "calls"
    return f"This takes {n} {calls} of a model. Price: {found.rows()[-1][-1]}. {found.time_line()}"


def applied(asked: Refinement, watch: Watch) -> dict[str, Any]:
    """The change, made. Raises as `steering.job.refine`."""
    return _told(refine(replace(asked, watch=watch)))


def suggested(asked: Refinement) -> dict[str, Any]:
    """What could be better, as changes to plan. Raises as `steering.advice.advise`."""
    found = advise(asked)
    told = [{**s.to_json(), "command": s.command()} for s in found.suggestions]
    return {"suggestions": told, "by": found.by, "remark": found.remark}


def undone(folder: Path) -> dict[str, Any]:
    """Raises UsageError: there is nothing to undo."""
    return _told(undo(folder))


def accepted(folder: Path, revision: str) -> dict[str, Any]:
    """Raises RunError: there is no such finished revision."""
    return {"revision": go_to(folder, revision, accept=True).revision.id}


def _told(found: Refined) -> dict[str, Any]:
    left_out: Sequence[str] = found.left_out
    return {"revision": found.done.revision.id, "of": found.before.revision.id, "left_out": list(left_out)}
