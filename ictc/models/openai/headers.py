"""How long a server asks to wait, in any of the forms in use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")


def wait_asked(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait, None where the server names none that can be read. `headers` finds names in any case.

    `retry-after-ms` comes before `Retry-After` (seconds or an HTTP date), and that before OpenAI's
    `x-ratelimit-reset-*`, of which those count whose `x-ratelimit-remaining-*` is 0 (all, where none says so).
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    after = headers.get("retry-after")
    seconds = _number(after)
    if seconds is not None:
        return seconds
    if after is not None and (until := _date(after)) is not None:
        return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
    resets = {kind: span(headers.get(f"x-ratelimit-reset-{kind}")) for kind in ("requests", "tokens")}
    known = {kind: value for kind, value in resets.items() if value is not None}
    spent = [v for kind, v in known.items() if _number(headers.get(f"x-ratelimit-remaining-{kind}")) == 0]
    return max(spent or known.values(), default=None)


def span(text: str | None) -> float | None:
    """`120ms`, `1s`, `6m0s`, `1h2m3.5s` or a bare number of seconds, as seconds."""
    if text is None:
        return None
    text = text.strip()
    if _SPAN.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return _number(text)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
