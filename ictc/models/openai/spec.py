"""From `MODEL[@BASE_URL]` and the environment to where a model is and how one identifies oneself there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ictc.errors import SpecError

OPENAI = "https://api.openai.com/v1"
_SUFFIX = re.compile(r"(.*)@([a-z][a-z0-9+.-]*://.*)", re.DOTALL | re.IGNORECASE)
_FORGOTTEN = re.compile(r"@(?:localhost|[\w.-]+:\d+|\d+(?:\.\d+){3})(?:/|$)|@[\w.-]+\.\w+/", re.IGNORECASE)
_REAL_KEY = 8  # characters
_EXAMPLE = "Write openai:MODEL, or openai:MODEL@http://127.0.0.1:8000/v1 for another server."


@dataclass(frozen=True, slots=True)
class Server:
    """A model and where it is served. The key is in no `repr`, and in no text made from one."""

    model: str
    base_url: str = OPENAI
    key: str = field(default="", repr=False, compare=False)

    @property
    def is_openai(self) -> bool:
        return urlsplit(self.base_url).hostname == "api.openai.com"

    def clean(self, text: str) -> str:
        """`text`, which a server may have said, without the key."""
        return text.replace(self.key, "***") if self.key else text

    def clean_answer(self, text: str) -> str:
        """What a model said, without the key. One shorter than any real key stays: it may be a word of the answer."""
        return self.clean(text) if len(self.key) >= _REAL_KEY else text


def parse(argument: str, environ: Mapping[str, str]) -> Server:
    """What `argument` and OPENAI_BASE_URL, OPENAI_API_KEY say. A model's name may hold `/`, `:` and `@`.

    Raises:
        SpecError: no model is named, or the URL is no plain http(s) address (one with a password would end up in
            run.json and logs).
    """
    found = _SUFFIX.fullmatch(argument)
    model, url = found.groups() if found else (argument, environ.get("OPENAI_BASE_URL", "").strip() or OPENAI)
    if not found and _FORGOTTEN.search(model):
        raise SpecError(f"{model!r} looks like a model and an address without its http://.", _EXAMPLE)
    if not model.strip():
        raise SpecError("The spec openai: names no model.", _EXAMPLE)
    return Server(model.strip(), _checked(url.strip()), environ.get("OPENAI_API_KEY", "").strip())


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        usable, parts = False, urlsplit("")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SpecError(
            "The address of an openai: model must hold no user, password, ? or #.",
            "Put the key into the environment variable OPENAI_API_KEY.",
        )
    if not usable or any(c.isspace() for c in url):
        raise SpecError(f"Not an address of a server: {url!r}.", _EXAMPLE)
    return url.rstrip("/")
