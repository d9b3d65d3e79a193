"""The tables of `ictc bench`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from ictc.cli.console import out, show_line
from ictc.cli.tables import cell

_WIDEST = 90


def print_benchmarks(rows: Sequence[Mapping[str, Any]]) -> None:
    """All that there are, with how many published figures are known of each."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("name", "criterion", "K", "images", "lane", "published"):
        table.add_column(column, overflow="fold", justify="right" if column in ("K", "images") else "left")
    for r in rows:
        images = f"{r['images']:,}" if r["images"] else ""
        known = str(r["published"] or "none known to us")
        table.add_row(r["name"], r["criterion"], str(r["k"] or "any"), images, r["lane"], known)
    out().print(table)


def print_benchmark(facts: Mapping[str, Any]) -> None:
    """Ours and the published rows, what is to be known of them, and where they stand."""
    from ictc.benchmarks.beside import NONE_KNOWN
    from ictc.benchmarks.table import HEADER, lettered, rows, sources

    title = f"{facts['set']} by {facts['asks']}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in (*HEADER, "notes"):
        table.add_column(column, justify="left" if column in ("by", "notes") else "right", overflow="fold")
    found = rows(facts)
    marks = lettered(found)
    for row in found:
        told = ",".join(marks[remark] for remark in row.remarks)
        measures = (m.replace("0.", ".", 1) for m in row.measures)
        table.add_row(cell(row.by, _WIDEST, "bold" if row.ours else ""), row.n, row.k, *measures, told)
        if any(row.intervals):
            table.add_row("  95 % intervals", "", "", *(i.replace("0.", ".") for i in row.intervals), "")
    out().print(table)
    for remark, mark in marks.items():
        show_line(f"{mark} {remark}")
    known = sources(facts)
    for line in known:
        show_line(f"published: {line}")
    if not known:
        show_line(NONE_KNOWN)
