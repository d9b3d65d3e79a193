"""What a model can do, found out by asking it three small things: for a schema, for a text, about a picture."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ictc.asking import ask
from ictc.errors import ModelGone
from ictc.interfaces import Model
from ictc.types import Failure, Item, Reply, Request

_MAX_TOKENS = 400  # room for some thinking; small enough for a context of 512
_SIDE = 96  # pixels
_PURPLE = (128, 0, 160)
_SAID = re.compile(r"purple|violet|magenta", re.IGNORECASE)
_CUT = ("truncated", "empty")  # the model works, but needs more room than it was given here
_REFUSED = ("bad-request", "refused", "content-filter", "context-overflow")
_ONLY = ("heliotrope-7", "heliotrope-9")
"""The only answers the schema allows. Nobody says so in words: who gives one was held to it."""

_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": list(_ONLY)}},
    "required": ["answer"],
    "additionalProperties": False,
}
_NEXT = {
    "unreachable": "Is the server running, and is this its address? To start one: vllm serve MODEL, or: ollama serve",
    "timeout": "Is it still loading? Give it longer: ictc doctor SPEC --timeout 300",
    "unauthorized": "Set the key: export OPENAI_API_KEY=...",
    "quota": "The account has nothing left to spend; fill it up, or name another model or server.",
    "model-not-found": "The server knows no such model. Ask for those it has: curl BASE_URL/models",
    "rate-limited": "Try again in a minute; for runs, set a limit: --rpm N",
    "out-of-memory": "Choose a smaller model, or load it smaller: hf:MODEL,4bit",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One ability. `state`: of text `answered` or `cut off`; of schemas `enforced`, `ignored`, `unclear`; of pictures
    `seen`, `not seen`; of any `refused` or `failed`. `detail`: the evidence and what follows from it."""

    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class Probe:
    """`latency`: seconds to the whole text answer, the model being loaded; `tokens_per_second`: of that answer, written
    one by one (a server does many requests at once), None where nobody counted."""

    text: Finding
    schema: Finding
    images: Finding
    latency: float
    tokens_per_second: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def probe(model: Model) -> Probe:
    """Ask `model` three small things.

    Raises:
        ModelGone: it answers no text, so it is of no use; with what to type next.
    """
    schema = _one(model, Request("assign", 'What is 2 + 2? Reply with JSON: {"answer": ...}', schema=_SCHEMA))
    if isinstance(schema, Reply) or schema.code in (*_CUT, *_REFUSED):  # else no more is to be found out
        started = time.perf_counter()
        text = _one(model, Request("label", "Count from one to twenty in words."))
        latency = time.perf_counter() - started
    else:
        text, latency = schema, 0.0
    if isinstance(text, Failure) and text.code not in _CUT:
        raise ModelGone(f"The model did not answer ({text.code}): {text.message}", _NEXT.get(text.code, ""))
    tokens = text.output_tokens if isinstance(text, Reply) else 0
    return Probe(
        text=_text(text),
        schema=_schema(schema),
        images=_images(model),
        latency=round(latency, 3),
        tokens_per_second=round(tokens / latency, 1) if tokens else None,
    )


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """`text` without the values of variables that hold keys, should a server have repeated one."""
    for name, value in environ.items():
        if re.search(r"KEY|TOKEN|SECRET|PASSWORD", name, re.IGNORECASE) and len(value) >= 6:
            text = text.replace(value, f"[{name}]")
    return text


def _one(model: Model, request: Request) -> Reply | Failure:
    (answer,) = ask(model, [Request(request.stage, request.user, "", request.image, request.schema, _MAX_TOKENS)])
    return answer


def _text(answer: Reply | Failure) -> Finding:
    if isinstance(answer, Failure):
        return Finding("cut off", f"no answer within {_MAX_TOKENS} tokens ({answer.code}); it may think at length")
    if answer.finish == "length":
        return Finding("cut off", f"did not come to an end within {_MAX_TOKENS} tokens")
    return Finding("answered", f"{answer.output_tokens} tokens" if answer.output_tokens else "without counting tokens")


def _schema(answer: Reply | Failure) -> Finding:
    if isinstance(answer, Failure):
        if answer.code in _CUT:
            return Finding("unclear", f"no answer within {_MAX_TOKENS} tokens; answers are checked either way")
        return _failed(answer)
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        if json.loads(answer.text)["answer"] in _ONLY:
            return Finding("enforced", "answers cannot be off the list")
    if answer.finish == "length":
        return Finding("unclear", f"the answer was cut off at {_MAX_TOKENS} tokens; answers are checked either way")
    return Finding("ignored", "answers are checked and asked for once more; what stays off the list is unassigned")


def _images(model: Model) -> Finding:
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        Image.new("RGB", (_SIDE, _SIDE), _PURPLE).save(path)
        item = Item(path.name, path, hashlib.sha256(path.read_bytes()).hexdigest())
        answer = _one(model, Request("describe", "What colour is this picture? Reply with one word.", image=item))
    if isinstance(answer, Failure):
        return _failed(answer)
    if _SAID.search(answer.text):
        return Finding("seen", "named the colour of a purple picture")
    return Finding("not seen", "did not name the colour of a purple picture; do not let it describe images")


def _failed(answer: Failure) -> Finding:
    return Finding("refused" if answer.code in _REFUSED else "failed", f"{answer.code}: {answer.message}")
