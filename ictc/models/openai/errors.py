"""From whatever a server or the network does to a `Fault`: its code, whether to try again, and when.

401, 403                                    unauthorized       ends the model
429 and the words of a spent account        quota              ends the model
404                                         model-not-found    ends the model
429                                         rate-limited       again
408, 409, >= 500                            server-error       again
no connection, dropped connection           unreachable        again
nothing within the time limit               timeout            again
a body that is no chat completion           malformed-reply    again
400, 413, 422 about the context's length    context-overflow   whoever asked shortens
400, 422 about a parameter                  bad-request        once more, without it (`refused`)
all other                                   bad-request
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ictc.models.openai.headers import wait_asked

_QUOTA = re.compile(
    r"insufficient[_ ](quota|credits|balance|funds)|billing_hard_limit|billing_not_active|exceeded your current quota"
)
_OVERFLOW = re.compile(
    r"context_length_exceeded|string_above_max_length|context (length|size|window)|maximum context|max_model_len"
    r"|(prompt|input|request|payload) (is )?too (long|large)|too many tokens"
    r"|longer than the (max\w* )?(model|context|input)"
    r"|exceed\w* (the )?(available )?(context|max\w* (number of tokens|input|context|prompt|sequence))"
)
_NO_MODEL = re.compile(
    r"model_not_found|(invalid|unknown|no such) model|model\W.{0,80}(not found|does not exist|not exist)"
)
_ONE_SCHEMA = re.compile(r"invalid_json_schema|invalid schema")
_FILTER = re.compile(r"content_filter|content_policy|content management policy|responsible ?ai|moderation|flagged")
_PARAMETERS = {
    "schema": re.compile(r"response_format|json_schema|structured.output|guided|grammar|invalid schema"),
    "max_completion_tokens": re.compile(r"max_completion_tokens"),
    "max_tokens": re.compile(r"max_tokens"),
    "temperature": re.compile(r"temperature"),
    "system": re.compile(r"system.{0,20}(role|message)|role.{0,20}system|messages\[0\]\.role"),
}
_LONGEST = 300  # characters of a server's message that are passed on


@dataclass(frozen=True, slots=True)
class Fault:
    """One try that gave no answer. `wait`: seconds the server asks for. `crowded`: it would help to ask less at once.

    `refused`: what the server will not have: schema, temperature, max_tokens, max_completion_tokens, system. `once`: it
    takes such things, only not this one. `answered`: the server is there. `sent`: the request was. Tokens: as the
    server counted them, for these too are paid.
    """

    code: str
    message: str
    again: bool = False
    wait: float | None = None
    crowded: bool = False
    refused: frozenset[str] = frozenset()
    once: bool = False
    answered: bool = True
    sent: bool = True
    input_tokens: int = 0
    output_tokens: int = 0


def from_status(status: int, body: Any, headers: Mapping[str, str]) -> Fault:
    """`body`: the answer's parsed JSON or its text."""
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message") if isinstance(error, dict) else error
    said = _short(message if isinstance(message, str) and message.strip() else _plain(error)) or "no message"
    text = f"HTTP {status}: {said}"
    words = _plain(error).lower()
    if status in (401, 403):
        return _filtered(words, text) or Fault("unauthorized", text)
    if status == 429:
        if _QUOTA.search(words):
            return Fault("quota", text)
        if "request too large" in words:  # for the tokens a minute: it would never be let through
            return Fault("context-overflow", text)
        return Fault("rate-limited", text, again=True, wait=wait_asked(headers), crowded=True)
    if status == 402:
        return Fault("quota", text)
    if status in (408, 409) or status >= 500:
        if status == 500 and _OVERFLOW.search(words):  # older llama.cpp
            return Fault("context-overflow", text)
        return Fault("server-error", text, again=True, wait=wait_asked(headers), crowded=status in (503, 529))
    if status == 404:
        return Fault("model-not-found", text)
    return _bad_request(words, error, text)


def from_error(payload: dict[str, Any]) -> Fault:
    """Of an answer `{"error": ...}` with status 200, as some routers give; their own code may be in it."""
    status = payload["error"].get("code") if isinstance(payload["error"], dict) else None
    return from_status(status if isinstance(status, int) and status >= 400 else 500, payload, {})


def _bad_request(words: str, error: Any, text: str) -> Fault:
    if filtered := _filtered(words, text):
        return filtered
    if _OVERFLOW.search(words):
        return Fault("context-overflow", text)
    if _NO_MODEL.search(words):
        return Fault("model-not-found", text)
    named = error.get("param") if isinstance(error, dict) else None
    where = named.lower() if isinstance(named, str) else ""
    refused = {name for name, pattern in _PARAMETERS.items() if pattern.search(where)}
    refused = refused or {name for name, pattern in _PARAMETERS.items() if pattern.search(words)}
    return Fault("bad-request", text, refused=frozenset(refused), once=bool(_ONE_SCHEMA.search(words)))


def _filtered(words: str, text: str) -> Fault | None:
    return Fault("content-filter", text) if _FILTER.search(words) else None


def _plain(error: Any) -> str:
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def _short(text: str) -> str:
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else "?" for c in line)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
