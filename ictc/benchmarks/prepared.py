"""A data set as `ictc data prepare` leaves it: ROOT/NAME with images, metadata.csv (a column per criterion) and
prepared.json, which is written last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.benchmarks.presets import Preset
from ictc.datasets.layout import BEGUN, TABLE, read_state
from ictc.errors import UsageError
from ictc.images.listfiles import read_list
from ictc.text import command_line

_PART = {"split": "split", "classes": "classes", "per_class": "images a class", "seed": "seed"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """`classes`: the true class of each image that has one, by file name; `files`: how many images are listed.
    `request`: what was asked when it was prepared, nothing where prepared.json is missing (a folder of one's own)."""

    folder: Path
    column: str
    classes: Mapping[str, str]
    files: int
    request: Mapping[str, Any]

    @property
    def truth(self) -> str:
        """As `--truth` takes it."""
        return f"{self.folder / TABLE}:{self.column}"

    @property
    def k(self) -> int:
        """How many classes there are."""
        return len(set(self.classes.values()))

    @property
    def said(self) -> str:
        """Which part of the set it is, in words; "" where that is not known."""
        asked = {key: value for key, value in self.request.items() if key in _PART}
        if isinstance(asked.get("classes"), list):
            asked["classes"] = len(asked["classes"])
        told = ", ".join(f"{_PART[key]} {value}" for key, value in asked.items())
        return f"prepared with: {told}" if told else ""


def open_prepared(root: Path, preset: Preset) -> Prepared:
    """The set of a benchmark.

    Raises:
        UsageError: it is not prepared, not to the end, or without that criterion, or the folder is something else; the
            hint is the command that prepares it.
    """
    folder = root / preset.name
    prepare = command_line("data", "prepare", preset.name, "--root", str(root))
    if not folder.exists():
        raise UsageError(f"{preset.name} is not prepared: there is no folder {folder}.", f"Type: {prepare}")
    request = _request(folder, preset.name, prepare)
    table = folder / TABLE
    if not table.is_file():
        raise UsageError(
            f"{folder} is no prepared data set: it has no {TABLE}.",
            f"Prepare it in another --root: {command_line('data', 'prepare', preset.name, '--root', 'DIR')}",
        )
    again = f"Prepare it with what that criterion needs (ictc data list says what): {prepare}"
    rows = read_list(table)
    columns = sorted({key for row in rows for key in row.values})
    if preset.criterion not in columns:
        raise UsageError(
            f"{folder} was prepared without the criterion '{preset.criterion}': {TABLE} has {', '.join(columns)}.",
            again,
        )
    classes = {row.file: text for row in rows if (text := row.values.get(preset.criterion, "").strip())}
    if not classes:
        raise UsageError(f"{table}: no image has a class under '{preset.criterion}'.", again)
    return Prepared(folder, preset.criterion, classes, len(rows), request)


def k_of(preset: Preset, prepared: Prepared, given: int | None) -> int:
    """How many clusters are asked for: those given, else the benchmark's, else as many as there are classes.

    Raises:
        UsageError: the set was prepared with other classes than the benchmark has, and no K is given.
    """
    if given is not None:
        return given
    if preset.k is not None and prepared.k != preset.k:
        raise UsageError(
            f"{prepared.folder} has {prepared.k} classes under '{preset.criterion}', the benchmark {preset.k}: it was "
            "prepared with other options.",
            f"Prepare the whole set in another --root, or say which K: -k {prepared.k} (the table then says that K "
            "differs from the published one).",
        )
    return prepared.k


def _request(folder: Path, name: str, prepare: str) -> Mapping[str, Any]:
    """What was asked when it was prepared. Raises UsageError: it is of another set, or not finished."""
    state = read_state(folder)
    if state is None:
        if (folder / BEGUN).exists():
            raise UsageError(f"{folder} is not prepared to the end.", f"Go on: {prepare}")
        return {}
    request: Mapping[str, Any] = state["request"]
    if request["dataset"] != name:
        raise UsageError(f"{folder} holds the data set {request['dataset']}, not {name}.", "Give another --root.")
    return request
