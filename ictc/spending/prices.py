"""What a model's tokens cost. A price belongs to a host and a model: the same name elsewhere has another price.

A model that is not in `ictc/data/prices.json` has an unknown price, which is shown as unknown and never as $0. What
runs in this process, on this machine or in a private network costs no money that could be known here.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ictc.errors import UsageError

CURRENCY = "USD"
_DATA = Path(__file__).parent.parent / "data" / "prices.json"
_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
_IN_PROCESS = ("offline", "recorded", "hf", "vllm", "imported")
_LOCAL_NAMES = (".local", ".localhost", ".internal", ".lan")


@dataclass(frozen=True, slots=True)
class Pictures:
    """How many tokens a picture is: `tile` (base, each tile), or `patch` tokens for each patch, or by its area.

    Tiles: scaled into 2048 x 2048, then to 768 on the shorter side where that is larger, and cut into 512-pixel tiles.
    Patches of 32 pixels: at most 1536. Both: developers.openai.com/api/docs/guides/images-vision. By area:
    width x height / 750, Anthropic's rule (platform.claude.com/docs/en/build-with-claude/vision), which is near what
    models with 28-pixel patches take (784 pixels a token).
    """

    tile: tuple[int, int] | None = None
    patch: float | None = None

    @property
    def known(self) -> bool:
        """Whether the provider says how it counts; else the number is a guess."""
        return self.tile is not None or self.patch is not None

    def tokens(self, width: int, height: int) -> int:
        if self.tile is not None:
            scale = min(1.0, 2048 / max(width, height))
            scale *= min(1.0, 768 / (min(width, height) * scale))
            tiles = math.ceil(round(width * scale, 6) / 512) * math.ceil(round(height * scale, 6) / 512)
            return self.tile[0] + self.tile[1] * tiles
        if self.patch is not None:
            return math.ceil(min(1536, math.ceil(width / 32) * math.ceil(height / 32)) * self.patch)
        return math.ceil(width * height / 750)


BY_AREA = Pictures()


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens; None where unknown. `note` says where the price is from."""

    input: float | None
    output: float | None
    note: str = ""
    pictures: Pictures = BY_AREA

    @property
    def known(self) -> bool:
        return self.input is not None and self.output is not None

    def cost(self, input_tokens: float, output_tokens: float) -> float | None:
        """Dollars, or None where the price is unknown."""
        if self.input is None or self.output is None:
            return None
        return (self.input * input_tokens + self.output * output_tokens) / 1e6


LOCAL = Price(0.0, 0.0, "local, no price")
UNKNOWN = Price(None, None, "unknown price")


def parse_prices(texts: Iterable[str]) -> dict[str, Price]:
    """The prices a person gives with `--price`: `IN,OUT` for all models, or `MODEL=IN,OUT` for one; "" stands for all.

    Raises:
        UsageError: not two numbers of dollars from 0.
    """
    found = {}
    for text in texts:
        model, _, numbers = text.rpartition("=")
        try:
            given, taken = (float(n.strip().lstrip("$")) for n in numbers.split(","))
        except ValueError:
            given = taken = math.nan
        if not (0 <= given < math.inf and 0 <= taken < math.inf):
            raise UsageError(
                f"'{text}' is no price.",
                "Give dollars for a million tokens, in and out: --price 2.50,10 or --price gpt-4o=2.50,10",
            )
        found[model.strip()] = Price(given, taken, "given with --price")
    return found


def price_of(spec: str, own: Mapping[str, Price] | None = None, *, batch: bool = False) -> Price:
    """What the model of a spec costs. A person's own price goes before all others, also for a server on this machine
    (it may hand on to one that costs); `batch` asks for the price of the host's batch interface.

    Raises:
        SpecError: an `openai:` spec that names no model or no usable address.
    """
    kind, _, argument = spec.removeprefix("vlm:").partition(":")
    if kind in _IN_PROCESS:
        return LOCAL
    model, host = _model_and_host(argument) if kind == "openai" else (argument, "")
    listed, discount = _listed(host, model)
    given = (own or {}).get(model) or (own or {}).get("")
    if given:
        return replace(given, pictures=listed.pictures)
    if kind == "openai" and is_local(host):
        return LOCAL
    if batch and discount < 1 and listed.input is not None and listed.output is not None:
        note = f"{listed.note}, batch"
        return replace(listed, input=listed.input * discount, output=listed.output * discount, note=note)
    return listed


def is_local(host: str) -> bool:
    """Whether a host is this machine or in a private network: a loopback or private address, or a name without dots."""
    try:
        address = ip_address(host)
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_LOCAL_NAMES))
    return address.is_private or address.is_loopback or address.is_link_local


def _model_and_host(argument: str) -> tuple[str, str]:
    from ictc.models.openai.spec import parse  # brings the SDK along, which is slow to import

    server = parse(argument, os.environ)
    return server.model, urlsplit(server.base_url).hostname or ""


def _listed(host: str, model: str) -> tuple[Price, float]:
    """The price in the data file, and what part of it batches cost. A dated name counts as the one without the date."""
    data = _data()
    known = data["hosts"].get(host, {})
    models = known.get("models", {})
    row = models.get(model) or models.get(_DATED.sub("", model))
    if row is None:
        return UNKNOWN, 1.0
    pictures = Pictures(tuple(row["tile"]) if "tile" in row else None, row.get("patch"))
    given, taken = row["price"]
    return Price(given, taken, f"as of {data['checked']}", pictures), known.get("batch", 1.0)


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_DATA.read_text("utf-8"))
    return data
