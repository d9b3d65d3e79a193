"""A request as the body of a chat completion, and the body that comes back as a reply."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ictc.models.openai.errors import Fault, from_error
from ictc.types import Reply, Request

_ROOM = 8192  # tokens for thinking, asked for when an answer's own were used up before its first word
_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(slots=True)
class Dialect:
    """What this server takes, as found out so far: every parameter it refused is left out from then on.

    OpenAI's newer models want `max_completion_tokens`, every other server knows `max_tokens`. `room` is added to the
    limit for models that think before they speak.
    """

    newer: bool = False
    refused: set[str] = field(default_factory=set)
    room: int = 0
    cramped: bool = False

    @property
    def limit(self) -> str | None:
        names = reversed(_LIMITS) if self.newer else _LIMITS
        return next((name for name in names if name not in self.refused), None)

    def make_room(self, had: int) -> bool:
        """A request that was sent with the room `had` was cut off before its first word: is there more now?"""
        if not self.cramped:
            self.room = _ROOM
        return self.room > had

    def take_room_back(self) -> None:
        """The model's context is too short for it."""
        self.room, self.cramped = 0, True


def parameters(body: dict[str, Any]) -> set[str]:
    """Which of the parameters that servers refuse are in `body`."""
    found = {name for name in (*_LIMITS, "temperature") if name in body}
    if "response_format" in body:
        found.add("schema")
    if body["messages"][0]["role"] == "system":
        found.add("system")
    return found


def body(
    request: Request, model: str, dialect: Dialect, *, picture: str | None = None, schema: bool = True
) -> dict[str, Any]:
    """`picture`: a data URL. `schema`: whether to send the request's."""
    refused = dialect.refused
    user = _sendable(request.user)
    messages: list[dict[str, Any]] = []
    if request.system and "system" not in refused:
        messages.append({"role": "system", "content": _sendable(request.system)})
    elif request.system:
        user = f"{_sendable(request.system)}\n\n{user}"
    content: str | list[dict[str, Any]] = user
    if picture is not None:
        content = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": user}]
    messages.append({"role": "user", "content": content})
    made: dict[str, Any] = {"model": model, "messages": messages}
    if dialect.limit:
        made[dialect.limit] = request.max_tokens + dialect.room
    if "temperature" not in refused:
        made["temperature"] = request.temperature
    if schema and request.schema is not None and "schema" not in refused:
        shape = {"name": "answer", "strict": True, "schema": request.schema}
        made["response_format"] = {"type": "json_schema", "json_schema": shape}
    return made


def _sendable(text: str) -> str:
    """Lone surrogates (of undecodable file names, for one) cannot be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def tokens_estimate(request: Request, room: int) -> int:
    """What a request will use, roughly, before the server has said: four characters a token, 800 a picture."""
    return len(request.system + request.user) // 4 + (800 if request.image else 0) + request.max_tokens // 2 + room // 4


def parsed(payload: Any) -> Reply | Fault:
    """The reply in a chat completion. Only `content` is text: what a server gives as reasoning is left out."""
    if isinstance(payload, dict) and isinstance(payload.get("error"), dict):
        return from_error(payload)
    try:
        choice = payload["choices"][0]
        message = choice["message"]
        text, refusal, finish = _text(message.get("content")), message.get("refusal"), choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        return Fault("malformed-reply", "The server's answer is no chat completion.", again=True)
    usage = payload.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    tokens = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    if why := _nothing_said(text, refusal, finish):
        return replace(why, input_tokens=tokens[0], output_tokens=tokens[1])
    return Reply(text, "length" if finish == "length" else "stop", *tokens)


def _nothing_said(text: str, refusal: Any, finish: Any) -> Fault | None:
    if finish == "content_filter":
        return Fault("content-filter", "The provider's filter held the answer back.")
    if refusal:
        return Fault("refused", f"The model refused: {str(refusal)[:200]}")
    if text.strip():
        return None
    if finish == "length":
        return Fault("truncated", "All tokens allowed for the answer were used up before its first word.")
    return Fault("empty", "The model answered with nothing.")


def _text(content: Any) -> str:
    if isinstance(content, list):  # some servers give parts
        return "".join(part.get("text") or "" for part in content if part.get("type") in ("text", "output_text"))
    if content is None or isinstance(content, str):
        return content or ""
    raise TypeError


_MOST_TOKENS = 10**8  # of one request: more is nonsense, and would be charged


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value <= _MOST_TOKENS else 0
