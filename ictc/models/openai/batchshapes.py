"""What the batch routes answer, read from the JSON as it came: the SDK's models check nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ictc.models.openai.errors import Fault, from_error

TAG = "ictc"
"""In a batch's metadata: the mark of the model that it is of."""
KNOWN_RUNNING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the provider tells of it. `owner` and `first`: as it was submitted. Files are ids; `why`: its errors.

    Of `total` requests `done` are answered or failed; both are 0 where the provider does not say.
    """

    id: str
    status: str
    created_at: float
    owner: str
    first: str
    input_file: str | None
    output_file: str | None
    error_file: str | None
    why: str
    done: int
    total: int

    @property
    def running(self) -> bool:
        """Also in a state that is not known here: what might be under way is not submitted a second time."""
        return self.status not in _ENDED

    @property
    def progress(self) -> str:
        counts = f", {self.done:,} of {self.total:,} requests done" if self.total else ""
        return f"{self.status}{counts}"


class Odd(Exception):
    """An answer with status 200 that is not what was asked for."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def read_object(content: bytes) -> dict[str, Any]:
    check_no_error(content)
    try:
        value = json.loads(content)
    except ValueError:
        raise _shapeless("an answer", content) from None
    if not isinstance(value, dict):
        raise _shapeless("an answer", content)
    return value


def check_no_error(content: bytes) -> None:
    """Raises Odd where a server says with status 200 that something is wrong, in place of a file's first line too."""
    try:
        value = json.loads(content)
    except ValueError:
        return
    if isinstance(value, dict) and value.get("error") and "custom_id" not in value:
        raise Odd(from_error(value))


def read_page(value: dict[str, Any]) -> list[Batch]:
    if not isinstance(value.get("data"), list):
        raise _shapeless("a list of batches", value)
    return [read_batch(one) for one in value["data"]]


def read_batch(value: Any) -> Batch:
    if not isinstance(value, dict):
        raise _shapeless("a batch", value)
    created, metadata = value.get("created_at"), _object(value.get("metadata"))
    counts = {name: n for name, n in _object(value.get("request_counts")).items() if isinstance(n, int)}
    reasons = _object(value.get("errors")).get("data")
    said = [str(_object(one).get("message")) for one in reasons[:3]] if isinstance(reasons, list) else []
    return Batch(
        id=read_text(value, "id"),
        status=read_text(value, "status"),
        created_at=float(created) if isinstance(created, int | float) else 0.0,
        owner=str(metadata.get(TAG, "")),
        first=str(metadata.get("first", "")),
        input_file=value.get("input_file_id") or None,
        output_file=value.get("output_file_id") or None,
        error_file=value.get("error_file_id") or None,
        why="; ".join(said) or "no reason given",
        done=counts.get("completed", 0) + counts.get("failed", 0),
        total=counts.get("total", 0),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def read_text(value: dict[str, Any], name: str) -> str:
    if not isinstance(value.get(name), str) or not value[name]:
        raise _shapeless(f"an object with '{name}'", value)
    return str(value[name])


def _shapeless(wanted: str, got: Any) -> Odd:
    said = got.decode(errors="replace") if isinstance(got, bytes) else json.dumps(got)
    message = f"In place of {wanted} it sent {said[:80]!r}"
    return Odd(Fault("malformed-reply", message, again=True))
