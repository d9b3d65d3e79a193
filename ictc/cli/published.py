"""The original's scores of a run of its own, beside those that its authors published."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from ictc.cli.console import out, show_line

_SAME = ("lines", "off_list", "names", "classes", "acc", "ari", "nmi")


def print_as_published(told: dict[str, Any]) -> None:
    """A row a version of the scorer, one where both say the same; mean and range where something is drawn."""
    table = Table(title="as published: scored by the original's rules, not by ictc's", title_justify="left")
    table.add_column(no_wrap=True)
    for head in ("ACC", "ARI", "NMI", "off-list", "classes"):
        table.add_column(head, justify="right")
    theirs = told["accuracy_txt"]
    if theirs:
        row = (f"{theirs[key]:.4f}" for key in ("acc", "ari", "nmi"))
        table.add_row("its accuracy.txt", *row, "", str(theirs["pairs"] or ""))
    versions = [v for v in told["versions"] if v["draws"]]
    alike = len(versions) > 1 and all(versions[0][key] == versions[1][key] for key in _SAME)
    for version in versions[:1] if alike else versions:
        cells = (_cell(version, key) for key in ("acc", "ari", "nmi"))
        name = "both versions" if alike else version["name"]
        table.add_row(name, *cells, str(version["off_list"]), str(version["classes"]))
    out().print(table)
    for version in versions[:1] if alike else told["versions"]:
        _tell(version, "both versions" if alike else version["name"])
    if any(v["draws"] > 1 for v in versions):
        last = told["seed"] + max(v["draws"] for v in versions) - 1
        show_line(f"mean [lowest, highest] of draws with the seeds {told['seed']} to {last}")
    if any(v["off_list"] for v in versions):
        show_line(
            "For its Llama HF runs the original asked WordNet, not chance, about answers off the list: not reproduced."
        )
    if told.get("problem"):
        show_line(f"accuracy.txt not used: {told['problem']}")


def _cell(version: dict[str, Any], key: str) -> str:
    if version["draws"] == 1:
        return f"{version[key]:.4f}"
    return f"{version[key]:.4f}  [{version[f'{key}_low']:.4f}, {version[f'{key}_high']:.4f}]"


def _tell(version: dict[str, Any], name: str) -> None:
    for remark in version["remarks"]:
        show_line(f"{name}: {remark}")
    agreed = version.get("accuracy_txt") or {}
    if agreed.get("classes") is False:
        show_line(f"{name}: accuracy.txt is of another number of classes, so of the other version or of other files")
    figures = [f"{key.upper()} {agreed[key]}" for key in ("acc", "ari", "nmi") if key in agreed]
    if figures:
        show_line(f"accuracy.txt against {name}: {', '.join(figures)}")
