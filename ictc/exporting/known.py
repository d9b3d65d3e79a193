"""RUN/exports.jsonl: which exports of a run there are, so that `ictc undo RUN` finds the last one, and a moved image is
found where it lies now."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ictc.errors import IctcError
from ictc.exporting.journal import Journal, exists, read
from ictc.jsonl import read_jsonl
from ictc.revision import path_to_text, text_to_path
from ictc.runfolder import RunFolder

FILE = "exports.jsonl"


def note(run: Path, journal: Journal) -> None:
    """The run knows of this export from here on."""
    told = {"id": journal.head.id, "format": journal.head.format, "revision": journal.head.revision}
    _append(run, {**told, "journal": path_to_text(journal.folder)})


def forget(run: Path, journal: Journal) -> None:
    """It was undone."""
    _append(run, {"id": journal.head.id, "undone": True})


def knows(run: Path, journal: Journal) -> bool:
    """Whether the run made this export."""
    return any(row.get("id") == journal.head.id for row in _rows(run))


def last(run: Path) -> tuple[Path | None, list[str]]:
    """The folder of the journal of the last export that was not undone to the end; and those of later ones, gone."""
    rows = _rows(run)
    undone = {row.get("id") for row in rows if row.get("undone")}
    gone: list[str] = []
    for row in (row for row in reversed(rows) if not row.get("undone")):
        folder = text_to_path(row.get("journal"))
        if folder and exists(folder) and read(folder).head.id == row.get("id"):
            return folder, gone
        if row.get("id") not in undone:
            gone.append(str(folder))
    return None, gone


def none_left(run: Path) -> str:
    """Why a run has no export to be undone."""
    n = sum(not row.get("undone") for row in _rows(run))
    was = f"its {n} exports were undone or are gone" if n > 1 else "its one export was undone or is gone"
    told = was if n else "it was not exported to a folder"
    return f"{told}. Single files (csv, jsonl, parquet) are not kept account of: delete them."


def repath(run: Path, moved: Mapping[Path, Path]) -> str:
    """The run's images lie elsewhere by now; results do not depend on that. What could not be done, or ""."""
    if not moved:
        return ""
    try:
        folder = RunFolder(run)
        with folder.locked():
            for revision in map(folder.revision, folder.revision_ids):
                if revision.has("images.jsonl"):
                    items, metadata = revision.items()
                    revision.refresh_items(
                        [replace(i, path=moved.get(i.path, i.path)) if i.path else i for i in items], metadata
                    )
    except IctcError as e:
        return f"The run does not know where its images lie now: {e.message} The same command again tells it."
    return ""


def _rows(run: Path) -> list[dict[str, Any]]:
    file = run / FILE
    if not file.exists():
        return []
    data = file.read_bytes()
    if not data.endswith(b"\n"):  # cut off by a kill
        os.truncate(file, data.rfind(b"\n") + 1)
    return list(read_jsonl(file))


def _append(run: Path, row: Mapping[str, Any]) -> None:
    _rows(run)
    with (run / FILE).open("ab") as file:
        file.write(json.dumps(row).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
