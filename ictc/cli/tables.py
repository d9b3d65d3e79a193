"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ictc.cli.console import out, show_line
from ictc.crosstab import Crosstab
from ictc.result import UNASSIGNED, Result
from ictc.text import printable, shortened

_NAME, _LABELS, _EXAMPLE = 40, 46, 28
_MOST = 12  # rows and columns of a cross-table


def print_clusters(result: Result) -> None:
    """One row per cluster: name, size, share, commonest labels, two examples; under its group where there are such."""
    table = Table(title=cell(f"by {result.criterion}", 73, "italic"), title_justify="left")
    table.add_column("cluster", style="bold", overflow="fold", min_width=8)
    table.add_column("images", justify="right", no_wrap=True, min_width=6)
    table.add_column("share", justify="right")
    table.add_column("labels")
    table.add_column("for example", style="dim")
    total = max(1, len(result.assignments))
    members = result.clusters
    told = result.labels_of
    groups = result.groups
    for group, names in (groups or {"": list(members)}).items():
        if groups:
            n = sum(len(members[name]) for name in names)
            table.add_section()
            table.add_row(cell(group or "in no group", _NAME, "italic"), str(n), f"{n / total:.0%}", "", "")
        for name in names:
            images = members[name]
            labels = ", ".join(list(told[name])[:4])
            table.add_row(
                Padding(cell(name, _NAME), (0, 0, 0, 2 if groups else 0)),
                str(len(images)),
                f"{len(images) / total:.0%}",
                cell(labels, _LABELS),
                _cells(images[:2]),
            )
    if groups:
        table.add_section()
    if result.unassigned:
        n = len(result.unassigned)
        table.add_row(UNASSIGNED, str(n), f"{n / total:.0%}", "", _cells(result.unassigned[:2]))
    out().print(table)
    if result.taxonomy.choice:
        show_line(f"K = {result.k}: {result.taxonomy.choice.reason}")


def print_crosstab(crossed: Crosstab) -> None:
    """How many images each pair of clusters of two criteria shares."""
    first, second = (shortened(printable(c), _NAME) for c in crossed.criteria)
    table = Table(title=cell(f"{first} (rows) by {second}", 73, "italic"), title_justify="left")
    table.add_column("", style="bold", overflow="fold")
    for name in crossed.columns[:_MOST]:
        table.add_column(cell(name, _NAME), justify="right", overflow="fold")
    for name, counts in zip(crossed.rows[:_MOST], crossed.counts, strict=False):
        table.add_row(cell(name, _NAME), *(str(n) if n else "" for n in counts[:_MOST]))
    out().print(table)
    if max(len(crossed.rows), len(crossed.columns)) > _MOST:
        show_line(f"Only the {_MOST} largest clusters of each are shown; --json has all.")
    if crossed.nmi is not None:
        show_line(
            f"The two criteria agree by NMI {crossed.nmi:.2f}, ARI {crossed.ari:.2f} (0: not at all, 1: the same)."
        )


def print_scores(scores: dict[str, Any]) -> None:
    """The scores in one line each, with their 95 % intervals where they have one."""
    table = Table(
        title="scores of the groups" if scores.get("level") == "groups" else "scores",
        title_justify="left",
        show_header=False,
    )
    table.add_column(style="bold")
    table.add_column(justify="right")
    for key in ("acc", "ari", "nmi", "silhouette", "ece", "prompt_acc"):
        if scores.get(key) is not None:
            low, high = scores.get(f"{key}_low"), scores.get(f"{key}_high")
            interval = f"  [{low:.4f}, {high:.4f}]" if low is not None and high is not None else ""
            table.add_row(key.replace("_", " ").upper(), f"{scores[key]:.4f}{interval}")
    for key in ("n", "k", "k_true", "unassigned", "failed", "off_list"):
        if scores.get(key) is not None:
            table.add_row(key.replace("_", " "), str(scores[key]))
    out().print(table)
    if scores.get("remark"):
        show_line(scores["remark"])
    if supervised := scores.get("supervised"):
        show_line(f"{supervised['note']} ({supervised['test_images']} images, seed {supervised['seed']})")
    elif scores.get("without_truth"):
        show_line(f"{scores['without_truth']} images have no class in the truth and are left out.")
    if scores.get("truth_unknown"):
        shown = ", ".join(shortened(name, _NAME) for name in scores["unknown"])
        show_line(f"{scores['truth_unknown']} rows of the truth name no image of the run: {shown}")


def print_sweep(rows: Sequence[dict[str, Any]]) -> None:
    """What each weight of the prompt gives."""
    table = Table(title="weight of the prompt", title_justify="left")
    columns = max(rows, key=len)
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*("" if row.get(name) is None else f"{row[name]}" for name in columns))
    out().print(table)
    show_line(
        "Silhouettes are of the images' own vectors, where all weights can be compared; the result above is of 0.5."
    )


def cell(text: str, width: int, style: str = "") -> Text:
    """Text that others wrote, as a cell."""
    return Text(shortened(printable(text), width), style)


def _cells(images: Sequence[str]) -> Text:
    return Text("\n").join(cell(i, _EXAMPLE) for i in images)
