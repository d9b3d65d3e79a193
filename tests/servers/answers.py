"""What the scripted server can do to a request: every answer and every fault, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Scripted:
    """What happens to one request. `content` makes a chat completion, unless `body` is what is sent.

    `delay`: seconds before anything is sent. `cut`: bytes of the body after which the connection is dropped (0: before
    the status line). `trickle`: seconds between two bytes.
    """

    content: str | None = "ok"
    finish: str = "stop"
    message: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | bytes | None = None
    delay: float = 0.0
    cut: int | None = None
    trickle: float = 0.0

    def payload(self, asked: Body) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body if self.body is not None else self.completion(asked)).encode()

    def completion(self, asked: Body) -> Body:
        words = len((self.content or "").split())
        sent = sum(len(str(m.get("content", ""))) // 4 for m in asked.get("messages", []))
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": asked.get("model", ""),
            "choices": [
                {
                    "index": 0,
                    "finish_reason": self.finish,
                    "message": {"role": "assistant", "content": self.content, **self.message},
                }
            ],
            "usage": {"prompt_tokens": sent, "completion_tokens": words, "total_tokens": sent + words},
        }


def error(status: int, message: str = "scripted", headers: Mapping[str, str] | None = None, **more: str) -> Scripted:
    """As OpenAI words its errors; `more`: code, type, param."""
    return Scripted(status=status, headers=headers or {}, body={"error": {"message": message, **more}})


def rate_limited(name: str = "", value: str = "", **more: str) -> Scripted:
    """A 429, with one header; `more` headers have `_` for `-`."""
    headers = ({name: value} if name else {}) | {key.replace("_", "-"): text for key, text in more.items()}
    return error(429, "Rate limit reached", headers, code="rate_limit_exceeded")


def hang(seconds: float = 3600) -> Scripted:
    """Accepts the request and says nothing."""
    return Scripted(delay=seconds)


INSUFFICIENT_QUOTA = error(
    429, "You exceeded your current quota.", code="insufficient_quota", type="insufficient_quota"
)
UNAUTHORIZED = error(401, "Incorrect API key provided.", code="invalid_api_key")
MODEL_NOT_FOUND = error(404, "The model `m` does not exist.", code="model_not_found")
CONTEXT_OVERFLOW = error(
    400,
    "This model's maximum context length is 512 tokens, your messages resulted in 9000.",
    code="context_length_exceeded",
)
MALFORMED = Scripted(body=b'{"choices": [{"message": {"conten')
NESTED = Scripted(body=b"[" * 100_000)
NOT_A_COMPLETION = Scripted(body={"hello": "world"})
DROPPED = Scripted(cut=0)
DROPPED_MID_BODY = Scripted(cut=40)
REFUSAL = Scripted(content=None, message={"refusal": "I cannot help with that."})
CONTENT_FILTER = Scripted(content="", finish="content_filter")
EMPTY = Scripted(content="")
TRUNCATED = Scripted(content="the begin", finish="length")
TRUNCATED_EMPTY = Scripted(content="", finish="length")


def unsupported(parameter: str) -> Scripted:
    return error(400, f"Unsupported parameter: '{parameter}'.", param=parameter, code="unsupported_parameter")
