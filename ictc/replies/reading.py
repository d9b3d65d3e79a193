"""A reply's text without thinking text, and the JSON in it: pure functions, which never raise."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from typing import Any

from ictc.text import printable, shortened

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
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_OPENING = re.compile(r"[{\[]")
_BRACKET = re.compile(r"""[{}\[\]]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)
_TRIES = 40  # brackets that open no JSON, before a text is given up
_MENDED = 50_000  # characters of what is nearly JSON
_SHOWN = 200
_JOINERS = "\u200c\u200d"  # which some scripts and emoji need


class _Twice(ValueError):
    """An object with two values under one key."""


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


def one_line(text: str) -> str:
    return " ".join(text.split())


def shown(answer: str) -> str:
    """A model's answer as evidence in a message or a result."""
    return shortened(printable(one_line(without_thinking(answer))), _SHOWN)


def unprintable(text: str) -> bool:
    """Whether a terminal would act on some of it, or could not show it."""
    return any(unicodedata.category(c)[0] == "C" and c not in _JOINERS for c in text)


def values_in(text: str) -> list[Any]:
    """The JSON objects and lists of a text, in order, none inside another: all of it, fenced, or amid other text.

    What is nearly JSON counts too. [] also where too many brackets open none.
    """
    whole = _loaded(text.strip())
    if isinstance(whole, dict | list):
        return [whole]
    found: list[Any] = []
    place = failed = 0
    while opening := _OPENING.search(text, place):
        value, place = _value_at(text, opening.start())
        if value is not None:
            found.append(value)
        elif (failed := failed + 1) > _TRIES:
            return []
    return found


def _after_last(pattern: re.Pattern[str], text: str) -> str:
    ends = [m.end() for m in pattern.finditer(text)]
    return text[ends[-1] :] if ends else text


def _value_at(text: str, start: int) -> tuple[Any | None, int]:
    """The value that begins at a bracket, and where to look on: behind it, also when nothing can be made of it."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        pass
    depth = 0
    for token in _BRACKET.finditer(text, start, start + _MENDED):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            value = _loaded(text[start : token.end()])
            return (value if isinstance(value, dict | list) else None), token.end()
    return None, start + 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            raise _Twice(key)
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


def _loaded(text: str) -> Any | None:
    """JSON, or as a last resort what is nearly JSON: a comma too many, or Python's quotes."""
    if not text.startswith(("{", "[")):
        return None
    try:
        return _DECODER.decode(text)
    except _Twice:
        return None
    except (ValueError, RecursionError):
        pass
    if len(text) > 2 * _MENDED:
        return None
    mended = _TRAILING_COMMA.sub(r"\1", text)
    for read in (_DECODER.decode, ast.literal_eval):
        try:
            return read(mended)
        except _Twice:
            return None
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None
