"""Arithmetic on accounts as run.json keeps them (`Meter.to_json`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def since(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What was spent after `before`: every number less what it was then. An unknown cost (None) stays unknown."""
    left: dict[str, Any] = {}
    for key, value in now.items():
        then = before.get(key)
        if isinstance(value, Mapping):
            left[key] = since(value, then or {})
        elif isinstance(value, int | float) and not isinstance(value, bool):
            left[key] = round(value - (then or 0), 9) if isinstance(value, float) else value - (then or 0)
        else:
            left[key] = value
    return left
