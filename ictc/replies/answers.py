"""What a model's reply says, read strictly: pure functions from text to a value or a `Fault`, which never raise.

Read are JSON (bare, fenced, or amid other text), the paper's `Answer: x`, and a short phrase alone. What is around it
(thinking, quotes, a final full stop) is dropped; what it means is never guessed: two answers are none.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from ictc.replies.reading import bare, one_line, unprintable, values_in, without_thinking
from ictc.text import printable

T = TypeVar("T")

MAX_LABEL = 80  # characters of a label or name
MAX_WORDS = 10
MAX_ABOUT = 200
_ANSWER = re.compile(
    r"^[ \t*_#>-]*(?:final\s+)?(?:answer|label|category)[\s*_]*(?:\d+\s*)?[:\uff1a][\s*_]*(?P<answer>\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ANOTHER = re.compile(r"\b(?:answer|label|category)[\s*_]*[:\uff1a]", re.IGNORECASE)
_NUMBERED = re.compile(
    r"^[ \t*_#>-]*(?:(?:answer|category)\s*(?P<a>\d+)[\s*_]*[:.]|(?P<b>\d+)\s*[:.)])[\s*_]*(?P<name>\S.*)$", re.I
)
_REASON = re.compile(r"^[ \t*_#>-]*reason\s*(?P<number>\d+)[\s*_]*:[\s*_]*(?P<reason>.*)$", re.IGNORECASE)
_REFUSAL = re.compile(
    r"(?:i'?m sorry|i am sorry|sorry,|i can(?:no|')t\b|i am unable|i'?m unable|i won't\b|as an ai\b)", re.IGNORECASE
)
_NO_ANSWERS = frozenset(["description", "reason", "reasoning", "explanation", "about"])
"""Keys that hold no answer, also where theirs is the only text: a question quoted, a reason given."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a reply is of no use; `message` is quoted to the model. `code` as in docs/backends.md."""

    message: str
    code: str = "unparsable"


@dataclass(frozen=True, slots=True)
class Named:
    """One category of a merge: its name, what belongs to it, and the ids of its labels where the reply gives them."""

    name: str
    about: str = ""
    ids: tuple[int, ...] = ()


_SEVERAL = Fault("It gives more than one answer; give one.")


def label_in(text: str) -> str | Fault:
    """The label that a reply gives."""
    said = _said(text, "label")
    return said if isinstance(said, Fault) else label_from(said)


def label_from(said: str) -> str | Fault:
    """What was said, as a label."""
    label = one_line(bare(said))
    if not label:
        return Fault("There is no label in it.")
    if _REFUSAL.match(label.replace("\u2019", "'")):
        return Fault("It is a refusal.", "refused")
    if len(label) > MAX_LABEL or len(label.split()) > MAX_WORDS:
        return Fault(f"The label must be a word or a short phrase, at most {MAX_WORDS} words.")
    if unprintable(label):
        return Fault("The label holds characters that cannot be shown.")
    return sys.intern(label)  # a million answers are few labels


def choice_in(text: str, names: Sequence[str]) -> str | Fault:
    """The one of `names` that a reply gives: exactly, or case apart. Anything else is a fault."""
    said = _said(text, "category")
    return said if isinstance(said, Fault) else choice_from(said, names)


def choice_from(said: str, names: Sequence[str]) -> str | Fault:
    """What was said, as one of `names`."""
    for wanted in (said, bare(said)):
        if wanted in names:
            return names[names.index(wanted)]
    found = [name for name in names if bare(name).casefold() == bare(said).casefold()]
    if len(found) == 1:
        return found[0]
    if _REFUSAL.match(bare(said).replace("\u2019", "'")):
        return Fault("It is a refusal.", "refused")
    return _off_list(tuple(names))


def pack_in(text: str, count: int, key: str) -> list[str] | Fault:
    """The answers with the ids 1 to `count`, in this order. All must be there, each once."""
    rows = _pack(text, key)
    if isinstance(rows, Fault):
        return rows
    found: dict[int, str] = {}
    for row in rows:
        number = _whole(row.get("id")) if isinstance(row, dict) else None
        said = _text_of(row, key) if isinstance(row, dict) else None
        if number is None or said is None or number in found:
            return Fault(f"Every entry needs an id of its own and a {key}.")
        found[number] = said
    if sorted(found) != list(range(1, count + 1)):
        return Fault(f"There must be {count} answers, with the ids 1 to {count}.")
    return [found[i] for i in range(1, count + 1)]


def some_of_pack_in(text: str, key: str) -> dict[int, str]:
    """The answers by id as far as there are any; for asking again what is missing, or is there twice."""
    rows = _pack(text, key)
    found: dict[int, set[str]] = {}
    for row in () if isinstance(rows, Fault) else rows:
        number, said = (_whole(row.get("id")), _text_of(row, key)) if isinstance(row, dict) else (None, None)
        if number is not None and said is not None:
            found.setdefault(number, set()).add(said)
    return {number: said for number, (said, *more) in found.items() if not more}


def names_in(text: str) -> list[Named] | Fault:
    """The categories of a merge, as JSON or in the paper's form (`Answer 1: dog`, `1: dog`, `Reason 1: ...`)."""
    answer = without_thinking(text)
    lists = [rows for value in values_in(answer) if (rows := _rows(value, "categories"))]
    if not lists:
        return _numbered(answer)
    named = [[_named(row) for row in rows] for rows in lists]
    whole = [names for names in named if all(c.name for c in names)]
    if not whole and len(named) > 1:
        return Fault("It is no list of names.")
    return _only(whole or named)


def reason_in(text: str) -> str:
    """Why so many categories, where the reply says so."""
    objects = (value for value in values_in(without_thinking(text)) if isinstance(value, dict))
    return next((_about(v["reason"]) for v in objects if isinstance(v.get("reason"), str)), "")


def texts_in(text: str, keys: Sequence[str]) -> list[str] | Fault:
    """The texts under each of `keys` of a JSON object, in their order."""
    objects = (value for value in values_in(without_thinking(text)) if isinstance(value, dict))
    found = [[o.get(key) for key in keys] for o in objects if any(key in o for key in keys)]
    whole = [texts for texts in found if all(isinstance(t, str) and t.strip() for t in texts)]
    if not whole:
        return Fault(f"It is no JSON object with a text under each of {', '.join(keys)}.")
    return _only([[str(t).strip() for t in texts] for texts in whole])


def refusal_in(text: str) -> bool:
    """Whether a free text is nothing but a refusal: it begins as one and goes on no longer than one does."""
    return len(text) < 300 and _REFUSAL.match(text.replace("\u2019", "'")) is not None


def unfit(name: str) -> str:
    """Why this cannot be a name, or ""."""
    if not name:
        return "A name is blank."
    if len(name) > MAX_LABEL:
        return f"A name is too long: {json.dumps(name[:MAX_LABEL] + '…', ensure_ascii=False)}."
    return f"A name holds characters that cannot be shown: {json.dumps(name)}." if unprintable(name) else ""


@lru_cache(maxsize=8)
def _off_list(names: tuple[str, ...]) -> Fault:
    listed = json.dumps(names, ensure_ascii=False)
    return Fault(f"It is not one of the categories. Copy one of these exactly: {listed}", "off-list")


def _only(found: Sequence[T]) -> T | Fault:
    """What all say, if they say the same."""
    return found[0] if all(other == found[0] for other in found) else _SEVERAL


def _said(text: str, key: str) -> str | Fault:
    """The one answer in a reply: in objects with the key, else in a single object with one text, or after `Answer:`."""
    answer = without_thinking(text)
    if not answer:
        return Fault("It is empty.", "empty")
    values = values_in(answer)
    objects = [o for value in values for o in (value if isinstance(value, list) else [value]) if isinstance(o, dict)]
    keyed = [o for o in objects if key in o]
    answers = [_text_of(o, key) for o in keyed or (objects if len(objects) == 1 else [])]
    if keyed and None in answers:
        return Fault(f'The JSON has no text under "{key}".')
    answers += [found["answer"] for found in _ANSWER.finditer(answer) if not values_in(found["answer"])]
    found = [said for said in answers if said is not None]
    if found:
        if len({bare(said).casefold() for said in found}) > 1 or (not keyed and _ANOTHER.search(found[0])):
            return _SEVERAL
        return found[0]
    if values:
        return Fault(f'Give one JSON object with a text under "{key}".')
    lines = [line for line in answer.splitlines() if line.strip() and not line.strip().startswith("```")]
    if len(lines) == 1 and not _ANOTHER.search(lines[0]) and not {*"{}[]"} & {*lines[0]}:
        return lines[0]
    return Fault(f'It is no JSON object with the key "{key}".')


def _text_of(value: dict[Any, Any], key: str) -> str | None:
    """The text under `key`, or the only text there is beside an id. A number counts as text: labels may be digits."""
    if key in value:
        return _as_text(value[key])
    others = [k for k in value if k != "id"]
    return _as_text(value[others[0]]) if len(others) == 1 and others[0] not in _NO_ANSWERS else None


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _pack(text: str, key: str) -> list[Any] | Fault:
    """The rows of the one list that holds answers."""
    lists = [rows for value in values_in(without_thinking(text)) if (rows := _rows(value, "answers"))]
    answering = [rows for rows in lists if any(isinstance(r, dict) and _text_of(r, key) is not None for r in rows)]
    return _only(answering) if answering else Fault("It is no JSON list of answers.")


def _rows(value: Any, key: str) -> list[Any] | None:
    """The list that a value is, or holds under `key`, or as its only list of objects or texts."""
    if isinstance(value, dict):
        lists = [v for v in value.values() if isinstance(v, list) and any(isinstance(x, dict | str) for x in v)]
        value = value.get(key, lists[0] if len(lists) == 1 else None)
    return value if isinstance(value, list) else None


def _named(row: Any) -> Named:
    """A row that is no name becomes an empty one, which the count and the check for blanks notice."""
    if not isinstance(row, dict):
        return Named(one_line(bare(_as_text(row) or "")))
    about, ids = row.get("about"), row.get("labels")
    whole = [_whole(i) for i in ids] if isinstance(ids, list) else []
    return Named(
        one_line(bare(_as_text(row.get("name", row.get("category"))) or "")),
        _about(about) if isinstance(about, str) else "",
        tuple(i for i in whole if i is not None),
    )


def _numbered(text: str) -> list[Named] | Fault:
    names: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for line in text.splitlines():
        if reason := _REASON.match(line):
            reasons[reason["number"]] = _about(reason["reason"])
        elif found := _NUMBERED.match(line):
            name = one_line(bare(found["name"]))
            if names.setdefault(found["a"] or found["b"], name) != name:
                return _SEVERAL
    named = [Named(name, reasons.get(number, "")) for number, name in names.items()]
    return named or Fault("It is no list of names.")


def _about(text: str) -> str:
    return printable(one_line(text))[:MAX_ABOUT]


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value.strip())
    return value if isinstance(value, int) and not isinstance(value, bool) else None
