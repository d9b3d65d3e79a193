"""What `ictc bench` leaves: bench.json with every number, table.md for people. Neither has a time in it, so the same
result gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.benchmarks.beside import NONE_KNOWN, Ours, differs, nearest
from ictc.benchmarks.presets import Preset
from ictc.benchmarks.published import MEASURES, figures_of
from ictc.files import write_atomic
from ictc.spending.meter import dollars
from ictc.text import printable

JSON, MARKDOWN = "bench.json", "table.md"
HEADER = ("by", "n", "K", "ACC", "ARI", "NMI")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table as text. `measures` and `intervals` are those of MEASURES; no interval is ""."""

    by: str
    n: str
    k: str
    measures: tuple[str, ...]
    intervals: tuple[str, ...]
    remarks: tuple[str, ...]
    ours: bool


def compared(preset: Preset, ours: Sequence[Ours], more: dict[str, Any]) -> dict[str, Any]:
    """Ours and the published rows as bench.json has them, each `beside` one of ours; `more`: where the numbers come
    from."""
    pairs = [(f, nearest(f, ours)) for f in figures_of(preset)] if ours else []
    return {
        "bench": 1,
        "set": preset.name,
        "criterion": preset.criterion,
        "asks": preset.asks,
        **more,
        "ours": [row.to_json() | {"remarks": row.remarks} for row in ours],
        "published": [f.to_json() | {"beside": o.model, "differs": differs(f, o)} for f, o in pairs],
    }


def write(folder: Path, facts: Mapping[str, Any]) -> list[Path]:
    """Both files into the run folder; their paths."""
    files = {
        folder / JSON: json.dumps(facts, indent=2, ensure_ascii=False) + "\n",
        folder / MARKDOWN: markdown(facts),
    }
    for path, text in files.items():
        write_atomic(path, text)
    return list(files)


def rows(facts: Mapping[str, Any]) -> list[Row]:
    """Ours first, then the published ones."""
    return [*map(_own, facts["ours"]), *map(_other, facts["published"])]


def _own(row: Mapping[str, Any]) -> Row:
    low, high = row["low"] or {}, row["high"] or {}
    spent = () if row["lane"] == "features" else (_spent(row),)
    return Row(
        f"ours, {row['model']}",
        f"{row['n']:,}",
        str(row["k"]),
        tuple(number(row[m]) for m in MEASURES),
        tuple(f"{low[m]:.3f}-{high[m]:.3f}" if m in low else "" for m in MEASURES),
        (*row["remarks"], *spent),
        True,
    )


def _other(row: Mapping[str, Any]) -> Row:
    measures = tuple(number(row.get(m)) for m in MEASURES)
    n = f"{row['n']:,}" if "n" in row else "?"
    spec = f" ({row['spec']})" if "spec" in row else ""
    by = f"{row['method']}, {row['model']}{spec}"
    return Row(by, n, str(row["k"]), measures, ("",) * len(MEASURES), tuple(row["differs"]), False)


def lettered(found: Sequence[Row]) -> dict[str, str]:
    """A number for each remark, in the order in which they first stand: so that the table stays narrow."""
    remarks = dict.fromkeys(remark for row in found for remark in row.remarks)
    return {remark: str(i) for i, remark in enumerate(remarks, start=1)}


def number(value: float | None) -> str:
    """A measure to four places."""
    return "-" if value is None else f"{value:.4f}"


def sources(facts: Mapping[str, Any]) -> list[str]:
    """Where the published figures stand, each place once."""
    found: dict[str, dict[str, None]] = {}
    for row in facts["published"]:
        found.setdefault(f"{row['cite']} ({row.get('url') or 'no public source'})", {})[row.get("table", "")] = None
    return [f"{cite}{': ' if any(tables) else ''}{', '.join(t for t in tables if t)}" for cite, tables in found.items()]


def markdown(facts: Mapping[str, Any]) -> str:
    """table.md."""
    found = rows(facts)
    lines = [f"# {facts['set']}, {facts['criterion']}", "", _line([*HEADER, "what to know, what differs"])]
    lines.append(_line(["---"] * (len(HEADER) + 1)))
    for row in found:
        measures = [m + (f" [{i}]" if i else "") for m, i in zip(row.measures, row.intervals, strict=True)]
        lines.append(_line([row.by, row.n, row.k, *measures, "; ".join(row.remarks)]))
    lines += ["", "In brackets: 95 % intervals.", ""] if any(any(r.intervals) for r in found) else [""]
    lines += ["Published figures:", *(f"- {_cell(s)}" for s in sources(facts))] if facts["published"] else [NONE_KNOWN]
    return "\n".join([*lines, "", f"Again: `{facts['again']}`", f"Recomputed: `{facts['recompute']}`", ""])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(c) for c in cells) + " |"


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")


def _spent(row: Mapping[str, Any]) -> str:
    if not row["calls"]:
        return "no calls"
    cost = "cost unknown" if row["cost"] is None else dollars(row["cost"])
    return f"{row['calls']:,} calls, {cost}"
