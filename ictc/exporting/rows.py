"""A result as rows, one an image: what every format is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ictc.outlying import cluster_of, is_told
from ictc.result import Result
from ictc.revision import path_to_text

Status = Literal["assigned", "unassigned", "outlier", "failed"]
ASIDE: tuple[Status, ...] = ("unassigned", "outlier", "failed")
"""What an image can be beside being in a cluster."""

COLUMNS = (
    "image", "path", "sha256", "status", "cluster", "group", "confidence", "label", "description", "by", "failure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """All that a run says of one image. `cluster`: None where it has none; `failure`: the code of what went wrong."""

    image: str
    path: Path | None
    sha256: str
    status: Status
    cluster: str | None = None
    group: str = ""
    confidence: float | None = None
    label: str = ""
    description: str = ""
    by: str = ""
    failure: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def rows_of(result: Result) -> list[Row]:
    """One row an image, in the order of the run; those that could not even be read come last."""
    groups = {c.name: c.group for c in result.taxonomy.clusters}
    odd = cluster_of(result.taxonomy)
    descriptions = {d.image: d.text for d in result.descriptions}
    labels = {x.image: x.label for x in result.labels}
    assignments = {a.image: a for a in result.assignments}
    failures = {f.image: f.code for f in result.failures}
    items = {i.name: i for i in result.items}
    rows = []
    for name in dict.fromkeys([*items, *sorted(failures)]):
        item, a = items.get(name), assignments.get(name)
        status: Status = "assigned"
        if a is None:
            status = "failed"
        elif is_told(a) or (odd is not None and a.cluster == odd):
            status = "outlier"
        elif a.cluster is None:
            status = "unassigned"
        rows.append(
            Row(
                image=name,
                path=item.path if item else None,
                sha256=item.sha256 if item else "",
                status=status,
                cluster=a.cluster if a else None,
                group=groups.get(a.cluster, "") if a and a.cluster else "",
                confidence=a.confidence if a else None,
                label=labels.get(name, ""),
                description=descriptions.get(name, ""),
                by=a.by if a else "",
                failure=failures.get(name, ""),
                metadata=result.metadata.get(name, {}),
            )
        )
    return rows


OWN = {name: name for name in COLUMNS}


def table_of(
    rows: Sequence[Row], own: Mapping[str, str] = OWN, reserved: Iterable[str] = (), avoid: tuple[str, ...] = ()
) -> tuple[list[str], Iterable[dict[str, Any]]]:
    """The columns, and per row its cells: text, a number or None. `own`: of ours, what each is called here. The images'
    own columns come after them; one called like one of ours or a `reserved` one gets `metadata_` before its name;
    one that ends with one of `avoid` gets `_text` after it. Text that UTF-8 cannot hold is escaped."""
    theirs = dict.fromkeys(column for row in rows for column in row.metadata)
    taken, names = {name.casefold() for name in (*own.values(), *reserved)}, dict[str, str]()
    for column in theirs:
        name = writable(column)
        while name.casefold() in taken or name.endswith(avoid):
            name = f"{name}_text" if name.endswith(avoid) else f"metadata_{name}"
        taken.add(name.casefold())
        names[column] = name
    return [*own.values(), *names.values()], (_cells(row, own, names) for row in rows)


def _cells(row: Row, own: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    ours = {new: path_to_text(row.path) if name == "path" else getattr(row, name) for name, new in own.items()}
    cells = ours | {new: row.metadata.get(old) for old, new in names.items()}
    return {name: writable(value) if isinstance(value, str) else value for name, value in cells.items()}


def writable(text: str) -> str:
    """The text as UTF-8 can hold it: half a surrogate pair is written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
