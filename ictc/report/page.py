"""Rendering: one HTML file that needs nothing else, sends nothing, and shows foreign text as text only.

Names, descriptions and messages come from models, files and people. They are escaped by autoescape, their control and
bidirectional characters are written out (`finalize` sees every value that is printed), and the page's own policy
forbids everything but its one style and one script, by their hashes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ictc.report.charts import Diagram, colour, curve, marker, reliability_diagram
from ictc.report.model import Heading, ImageMap, Report, Section, Thumbnail
from ictc.text import printable


def render_html(report: Report) -> str:
    """The page. The same report always gives the same text, which can be encoded as UTF-8."""
    style, script = _asset("style.css"), _asset("script.js")
    template = _environment().get_template("report.html.j2")
    return template.render(
        report=report,
        style=Markup(style),  # noqa: S704 (our own file)
        script=Markup(script),  # noqa: S704
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'",
        curve=curve(report.choice) if report.choice else None,
        reliability=_diagram(report),
        map_data=_map_data(report.map) if report.map else None,
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
        "src": _src,
        "cut": _cut,
        "fig": _fig,
        "moment": _moment,
        "printable": printable,
    }
    env.globals |= {"colour": colour, "marker": marker, "summary": _summary}
    return env


def _asset(name: str) -> str:
    return files("ictc.report").joinpath("templates", name).read_text("utf-8")


def _digest(text: str) -> str:
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


def _src(thumbnail: Thumbnail) -> Markup:
    return Markup("data:image/jpeg;base64," + b64encode(thumbnail.jpeg).decode())  # noqa: S704 (base64)


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
                "images": [_cut(printable(i), 80) for i in g.images],
            }
            for g in image_map.groups
        ]
    }
