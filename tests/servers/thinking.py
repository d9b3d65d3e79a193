"""A `respond` for the scripted server that does all four steps sensibly, by rules a test gives."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

from PIL import Image

from ictc.types import Request
from tests.servers.answers import Body
from tests.talking import sensible


def thinking(tell: Callable[[str], str], look: Callable[[Image.Image], str] | None = None) -> Callable[[Body], str]:
    """`look` says what a picture shows, `tell` of which kind a description is; names are the commonest kinds."""

    def respond(body: Body) -> str:
        user = body["messages"][-1]["content"]
        text, pictures = _parts(user)
        if pictures:
            assert look is not None
            seen = look(pictures[0])
            ids = [i for i in _schema(body).get("properties", {}) if i.isdigit()]
            return json.dumps({i: f"{seen} {i}" for i in ids}) if ids else seen
        schema = _schema(body)
        if not text.lstrip().startswith(("{", "[")):  # small talk, as of `ictc doctor`
            enums = [p["enum"] for p in schema.get("properties", {}).values() if "enum" in p]
            return json.dumps(dict.fromkeys(schema["properties"], enums[0][0])) if enums else "ok"
        stage = _stage(schema)
        said = sensible(tell)(Request(stage, text, body["messages"][0]["content"], schema=schema))
        assert isinstance(said, str)
        return said

    return respond


def _schema(body: Body) -> dict[str, Any]:
    found: dict[str, Any] = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    return found


def _stage(schema: dict[str, Any]) -> Any:
    words = json.dumps(schema)
    if '"label"' in words:
        return "label"
    return "merge" if '"categories"' in words or '"labels"' in words else "assign"


def _parts(content: Any) -> tuple[str, list[Image.Image]]:
    if isinstance(content, str):
        return content, []
    texts = [p["text"] for p in content if p["type"] == "text"]
    urls = [p["image_url"]["url"] for p in content if p["type"] == "image_url"]
    return "\n".join(texts), [Image.open(io.BytesIO(base64.b64decode(u.partition(",")[2]))) for u in urls]
