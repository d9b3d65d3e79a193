"""What a model's reply says, read strictly: pure functions from text to a value or a `Fault`, which never raise.

Read are JSON (bare, fenced, or amid other text), the paper's `Answer: x`, and a short phrase alone. What is around it
(thinking, quotes, a final full stop) is dropped; what it means is never guessed.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_LABEL = 80  # characters of a label or name
MAX_WORDS = 10
MAX_ABOUT = 200
_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb\u300c\u300d"
_EDGES = _QUOTES + "*_ \t\r\n\f\v\u00a0\u3000"
_TAGS = r"think(?:ing)?|thoughts?|reason(?:ing)?|analysis|scratchpad"
_THINKING = (
    re.compile(rf"<({_TAGS})\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL),
    re.compile(r"\[THINK\].*?\[/THINK\]", re.DOTALL),
    re.compile(r"\u25c1think\u25b7.*?\u25c1/think\u25b7", re.DOTALL),
    re.compile(
        r"<\|?channel\|?>\s*(?:analysis|thought|commentary)\b.*?(?:<\|end\|>|<channel\|>|(?=<\|channel\|>))", re.DOTALL
    ),
)
_THOUGHT_END = re.compile(rf"</(?:{_TAGS})\s*>|\[/THINK\]|\u25c1/think\u25b7", re.IGNORECASE)
_CUT_OFF = re.compile(
    rf"(?:<(?:{_TAGS})\b[^>]*>|\[THINK\]|\u25c1think\u25b7|<\|?channel\|?>\s*(?:analysis|thought|commentary)\b).*",
    re.IGNORECASE | re.DOTALL,
)
_FINAL = re.compile(r"<\|?channel\|?>\s*final\b[^<]*(?:<\|message\|>)?", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?s>|<(?:start|end)_of_turn>|<eos>")
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)
_ANSWER = re.compile(
    r"^[ \t*_#>-]*(?:final\s+)?(?:answer|label|category)[\s*_]*(?:\d+\s*)?[:\uff1a][\s*_]*(?P<answer>\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBERED = re.compile(
    r"^[ \t*_#>-]*(?:(?:answer|category)\s*(?P<a>\d+)[\s*_]*[:.]|(?P<b>\d+)\s*[:.)])[\s*_]*(?P<name>\S.*)$", re.I
)
_REASON = re.compile(r"^[ \t*_#>-]*reason\s*(?P<number>\d+)[\s*_]*:[\s*_]*(?P<reason>.*)$", re.IGNORECASE)
_REFUSAL = re.compile(
    r"(?:i'?m sorry|i am sorry|sorry,|i can(?:no|')t\b|i am unable|i'?m unable|i won't\b|as an ai\b)", re.IGNORECASE
)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_TRIES = 40  # brackets at which JSON is looked for


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


def without_thinking(text: str) -> str:
    """The answer alone: no thinking text (also where its beginning or its end is missing), no special tokens."""
    text = _after_last(_FINAL, text)
    for pattern in _THINKING:
        text = pattern.sub("", text)
    text = _CUT_OFF.sub("", _after_last(_THOUGHT_END, text))
    return _SPECIAL.sub("", text).strip()


def bare(answer: str) -> str:
    """An answer without surrounding blanks, emphasis and quotes and a final full stop: `**'dog'.**` -> `dog`."""
    answer = answer.strip(_EDGES)
    return (answer[:-1] if answer.endswith((".", "\u3002")) else answer).strip(_EDGES)


def json_in(text: str) -> Any | None:
    """The JSON object or list in a text: all of it, what is fenced, or the longest in it; None when there is none."""
    for candidate in (text, *(m[1] for m in _FENCE.finditer(text))):
        value = _loaded(candidate.strip())
        if isinstance(value, dict | list):
            return value
    return _longest(text)


def label_in(text: str) -> str | Fault:
    """The label that a reply gives."""
    said = _said(text, "label")
    return said if isinstance(said, Fault) else label_from(said)


def label_from(said: str) -> str | Fault:
    """What was said, as a label."""
    label = " ".join(bare(said).split())
    if not label:
        return Fault("There is no label in it.")
    if _REFUSAL.match(label.replace("\u2019", "'")):
        return Fault("It is a refusal.", "refused")
    if len(label) > MAX_LABEL or len(label.split()) > MAX_WORDS:
        return Fault(f"The label must be a word or a short phrase, at most {MAX_WORDS} words.")
    return label


def choice_in(text: str, names: Sequence[str]) -> str | Fault:
    """The one of `names` that a reply gives: exactly, or case apart. Anything else is a fault."""
    said = _said(text, "category")
    return said if isinstance(said, Fault) else choice_from(said, names)


def choice_from(said: str, names: Sequence[str]) -> str | Fault:
    """What was said, as one of `names`."""
    for wanted in (said, bare(said)):
        if wanted in names:
            return wanted
    folded = {bare(name).casefold(): name for name in names}
    found = folded.get(bare(said).casefold())
    if found is not None:
        return found
    if _REFUSAL.match(bare(said).replace("\u2019", "'")):
        return Fault("It is a refusal.", "refused")
    listed = json.dumps(list(names), ensure_ascii=False)
    return Fault(f"It is not one of the categories. Copy one of these exactly: {listed}", "off-list")


def pack_in(text: str, count: int, key: str) -> list[str] | Fault:
    """The answers with the ids 1 to `count`, in this order. All must be there, each once."""
    rows = _rows(json_in(without_thinking(text)))
    if rows is None:
        return Fault("It is no JSON list of answers.")
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
    """The answers by id as far as there are any; for asking again what is missing."""
    rows = _rows(json_in(without_thinking(text))) or []
    answers = ((_whole(r.get("id")), _text_of(r, key)) for r in rows if isinstance(r, dict))
    return {number: said for number, said in answers if number is not None and said is not None}


def names_in(text: str) -> list[Named] | Fault:
    """The categories of a merge, as JSON or in the paper's form (`Answer 1: dog`, `1: dog`, `Reason 1: ...`)."""
    answer = without_thinking(text)
    rows = _rows(json_in(answer))
    named = [_named(row) for row in rows] if rows is not None else _numbered(answer)
    if not named:
        return Fault("It is no list of names.")
    return named


def reason_in(text: str) -> str:
    """Why so many categories, where the reply says so."""
    value = json_in(without_thinking(text))
    reason = value.get("reason") if isinstance(value, dict) else None
    return " ".join(reason.split())[:MAX_ABOUT] if isinstance(reason, str) else ""


def texts_in(text: str, keys: Sequence[str]) -> list[str] | Fault:
    """The texts under each of `keys` of a JSON object, in their order."""
    value = json_in(without_thinking(text))
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) and value[key].strip() for key in keys):
        return Fault(f"It is no JSON object with a text under each of {', '.join(keys)}.")
    return [value[key].strip() for key in keys]


def refusal_in(text: str) -> bool:
    """Whether a free text is nothing but a refusal: it begins as one and goes on no longer than one does."""
    return len(text) < 300 and _REFUSAL.match(text.replace("\u2019", "'")) is not None


def _after_last(pattern: re.Pattern[str], text: str) -> str:
    ends = [m.end() for m in pattern.finditer(text)]
    return text[ends[-1] :] if ends else text


def _said(text: str, key: str) -> str | Fault:
    answer = without_thinking(text)
    if not answer:
        return Fault("It is empty.", "empty")
    value = json_in(answer)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        said = _text_of(value, key)
        return said if said is not None else Fault(f'The JSON has no text under "{key}".')
    if isinstance(value, list):
        return Fault(f'It is a list; give one object with the key "{key}".')
    found = _ANSWER.search(answer)
    if found:
        return found["answer"]
    lines = [line for line in answer.splitlines() if line.strip() and not line.strip().startswith("```")]
    if len(lines) == 1 and not lines[0].lstrip().startswith(("{", "[")):
        return lines[0]
    return Fault(f'It is no JSON object with the key "{key}".')


def _text_of(value: dict[Any, Any], key: str) -> str | None:
    """The text under `key`, or the only text there is beside an id. A number counts as text: labels may be digits."""
    if key in value:
        return _as_text(value[key])
    others = [v for k, v in value.items() if k != "id"]
    return _as_text(others[0]) if len(others) == 1 else None


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _rows(value: Any) -> list[Any] | None:
    """The list that a reply is, or holds."""
    if isinstance(value, dict):
        lists = [v for v in value.values() if isinstance(v, list)]
        value = max(lists, key=len) if lists else None
    return value if isinstance(value, list) else None


def _named(row: Any) -> Named:
    """A row that is no name becomes an empty one, which the count and the check for blanks notice."""
    if not isinstance(row, dict):
        return Named(_name(_as_text(row) or ""))
    about, ids = row.get("about"), row.get("labels")
    whole = [_whole(i) for i in ids] if isinstance(ids, list) else []
    return Named(
        _name(_as_text(row.get("name", row.get("category"))) or ""),
        " ".join(about.split())[:MAX_ABOUT] if isinstance(about, str) else "",
        tuple(i for i in whole if i is not None),
    )


def _numbered(text: str) -> list[Named]:
    names: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for line in text.splitlines():
        if reason := _REASON.match(line):
            reasons[reason["number"]] = reason["reason"].strip()[:MAX_ABOUT]
        elif name := _NUMBERED.match(line):
            names.setdefault(name["a"] or name["b"], _name(name["name"]))
    return [Named(name, reasons.get(number, "")) for number, name in names.items()]


def _name(said: str) -> str:
    return " ".join(bare(said).split())


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value.strip())
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _loaded(text: str) -> Any | None:
    """JSON, or as a last resort what is nearly JSON: a comma too many, or Python's quotes."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not text.startswith(("{", "[")) or len(text) > 100_000:
        return None
    mended = _TRAILING_COMMA.sub(r"\1", text)
    for read in (json.loads, ast.literal_eval):
        try:
            return read(mended)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None


def _longest(text: str) -> Any | None:
    decoder = json.JSONDecoder()
    best, length, place = None, 0, 0
    for _ in range(_TRIES):
        start = min((i for i in (text.find("{", place), text.find("[", place)) if i >= 0), default=-1)
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            place = start + 1
            continue
        if end - start > length:
            best, length = value, end - start
        place = end
    if best is None and "{" in text:  # nearly JSON amid other text
        value = _loaded(text[text.find("{") : text.rfind("}") + 1])
        best = value if isinstance(value, dict) else None
    return best
