"""Rendering: one HTML file that needs nothing else, sends nothing, and shows foreign text as text only.

Names, descriptions and messages come from models, files and people. They are escaped by autoescape, their control and
bidirectional characters are written out (`finalize` sees every value that is printed), and the page's own policy
forbids everything but its one style and one script, by their hashes.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ictc.report.charts import Curve, Diagram, colour, curve, marker, reliability_diagram
from ictc.report.model import Heading, ImageMap, Page, Report, Section
from ictc.text import printable

_SCRIPTS = (
    "data.js",
    "state.js",
    "revisions.js",
    "gallery.js",
    "viewer.js",
    "map.js",
    "compare.js",
    "main.js",
)


def render_html(report: Report) -> str:
    """The page of one revision, without what can only be looked up among all images."""
    return render_page(Page([report]))


def render_page(page: Page) -> str:
    """The page. The same values always give the same text, which can be encoded as UTF-8."""
    style, script = _asset("style.css") + _pictures(page), _script()
    beside = "'self' file:" if page.folder else ""
    nonce = policy_digest(page.key + script)[-24:] if page.folder else ""
    template = _environment().get_template("report.html.j2")
    return template.render(
        shown=[_Shown.of(report, at) for at, report in enumerate(page.reports)],
        current=page.current,
        gallery=Markup(as_json({**page.told, "nonce": nonce})) if page.told else None,  # noqa: S704 (escaped)
        data={name: Markup(value) for name, value in page.data.items()},  # noqa: S704 (escaped)
        folder=page.folder,
        key=page.key,
        style=Markup(style),  # noqa: S704 (our own file, and base64)
        script=Markup(script),  # noqa: S704
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: {beside}; "
        f"style-src '{policy_digest(style)}'; script-src '{script_digest()}'" + (f" 'nonce-{nonce}'" if nonce else ""),
    )


def as_json(value: Any) -> str:
    """JSON that may stand within a script element: no tag can begin or end in it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")


def script_digest() -> str:
    """Of the page's own script, as `policy_digest`."""
    return policy_digest(_script())


@dataclass(frozen=True, slots=True)
class _Shown:
    """A revision as the template wants it. The ids of its elements begin with `prefix`."""

    report: Report
    at: int
    id: str
    prefix: str
    curve: Curve | None
    reliability: Diagram | None
    map_data: Mapping[str, Any] | None

    @staticmethod
    def of(report: Report, at: int) -> _Shown:
        return _Shown(
            report,
            at,
            f"revision-{at + 1}",
            f"r{at + 1}-" if at else "",
            curve(report.choice) if report.choice else None,
            _diagram(report),
            _map_data(report.map) if report.map else None,
        )


def _pictures(page: Page) -> str:
    """One rule a picture, so that each is in the page once, however many elements show it."""
    known = dict(page.thumbnails)
    for report in page.reports:
        known |= report.thumbnails
    return "".join(
        f".t{number}{{background-image:url(data:image/jpeg;base64,{b64encode(t.jpeg).decode()})}}\n"
        for number, t in sorted(known.items())
    )


def _diagram(report: Report) -> Diagram | None:
    found = report.scores and report.scores.reliability
    return reliability_diagram(found.bins) if found else None


def visible(text: str) -> str:
    """`text` with control, bidirectional and unpaired characters written out, as in `\\u202e`; lines stay lines."""
    return "\n".join(printable(line) for line in text.replace("\t", " ").splitlines())


@cache
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("ictc.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "num": _num,
        "percent": _percent,
        "confidence": _confidence,
        "cut": _cut,
        "fig": _fig,
        "moment": _moment,
        "printable": printable,
    }
    env.globals |= {"colour": colour, "marker": marker, "summary": _summary}
    return env


def _asset(name: str) -> str:
    return files("ictc.report").joinpath("static", name).read_text("utf-8")


@cache
def _script() -> str:
    """The script's files as one, in a scope of their own."""
    return f'(() => {{\n"use strict";\n{"".join(map(_asset, _SCRIPTS))}}})();\n'


def policy_digest(text: str) -> str:
    """How a policy names a style or a script that stands in the page."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _num(value: int) -> str:
    return f"{value:,}"


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.0f} %" if share in (0, 1) or share >= 0.1 else f"{100 * share:.1f} %"


def _confidence(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _fig(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:.3f}"


def _moment(iso: str) -> str:
    """A date and time as people write it; anything else as it is."""
    try:
        return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return iso


def _cut(text: str, length: int) -> str:
    """`text` on one line, cut at a word where one ends near `length`."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    head = text[:length]
    return (head[: head.rfind(" ")] if " " in head[-20:] else head) + "…"


def _summary(section: Section | Heading) -> str:
    return f"{section.size:,} {'image' if section.size == 1 else 'images'}"


def _map_data(image_map: ImageMap) -> dict[str, Any]:
    """What the script needs to name the dot under the pointer."""
    return {
        "groups": [
            {
                "number": g.number,
                "name": visible(_cut(g.name, 80)),
                "xy": [c for p in g.points for c in p],
                "images": list(g.images),
            }
            for g in image_map.groups
        ]
    }
