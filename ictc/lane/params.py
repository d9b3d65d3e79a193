"""`--param name=value`: from text to what an estimator's constructor takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ictc.errors import UsageError

_WORDS: Mapping[str, bool | None] = {"none": None, "true": True, "false": False}


def read_params(pairs: Sequence[str]) -> dict[str, str]:
    """`["eps=0.3", "metric=cosine"]` by name.

    Raises:
        UsageError: a pair without `=`, or a name given twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            raise UsageError(f"--param {pair!r} is not of the form name=value.", "For example: --param eps=0.3")
        if name in found:
            raise UsageError(f"--param {name} is given twice.", "Give each parameter once.")
        found[name] = value
    return found


def known_params(make: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of a constructor with their defaults (`inspect.Parameter.empty` where it has none)."""
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    try:
        parameters = inspect.signature(make).parameters.values()
    except ValueError:  # a class written in C may not tell
        return {}
    return {p.name: p.default for p in parameters if p.kind in plain}


def typed(given: Mapping[str, str], known: Mapping[str, Any], of: str) -> dict[str, Any]:
    """Values as int, float, bool, None or str; a whole number where the default is a float becomes one.

    Raises:
        UsageError: a name that the constructor does not have.
    """
    for name in given:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise UsageError(f"{of} has no parameter '{name}'.", f"It has: {listed}.")
    return {name: _fitting(_literal(value), known[name]) for name, value in given.items()}


def _literal(text: str) -> int | float | bool | str | None:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _fitting(value: Any, default: Any) -> Any:
    return float(value) if type(value) is int and type(default) is float else value
