"""What is the same in all requests whose replies are read."""

from __future__ import annotations

import json
from typing import Any

LONGER = 8  # times the tokens, for an answer that was cut off while the model still thought


def as_data(value: Any) -> str:
    """JSON for a prompt: what others wrote stays inside its quotes; half surrogate pairs, which no server takes, go."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def an_object(properties: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with exactly these properties."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def answers_schema(key: str, value: dict[str, Any], count: int) -> dict[str, Any]:
    """The schema of `count` answers with ids."""
    row = an_object({"id": {"type": "integer"}, key: value})
    return an_object({"answers": {"type": "array", "items": row, "minItems": count, "maxItems": count}})
