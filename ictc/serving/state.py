"""What the page must know of the run beside what it shows, read from the files alone: nothing is written or locked."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ictc.backends import IMPORTED, RECORDED
from ictc.errors import RunError
from ictc.outlying import cluster_of
from ictc.report.data import as_shown
from ictc.runfolder import RunFolder
from ictc.steering.kept import pins_of

_WRITTEN = ("DONE", "metrics.json", "corrections.jsonl")


def stamp(folder: RunFolder) -> str:
    """Another where the page would show something else."""
    rows: list[Any] = [current(folder)]
    for i, entry in folder.entries().items():
        files = [_modified(folder.path / i / name) for name in _WRITTEN]
        rows.append([i, entry.get("status"), entry.get("accepted"), files])
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def current(folder: RunFolder) -> str:
    """The last finished revision; "" where none is."""
    try:
        revision = folder.revision("", finished=True)
    except RunError:
        return ""
    return revision.id if folder.entry(revision.id).get("status") == "done" else ""


def at_work(folder: Path) -> bool:
    """Whether another process works on the run.

    Its store is open while it does; only then the lock is tried, so that nobody finds it taken by a page that looks.
    """
    if not (folder / "store.sqlite-wal").exists():
        return False
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return True
    lock.release()
    return False


def run_state(folder: RunFolder) -> dict[str, Any]:
    """All revisions in a few words."""
    entries = folder.entries()
    done = [i for i, entry in entries.items() if entry.get("status") == "done"]
    now = current(folder)
    of = (entries[now].get("refined") or {}).get("of") if now else None
    return {
        "run": as_shown(folder.path.resolve().name),
        "current": now,
        "revisions": [{"id": i, "accepted": bool(entries[i].get("accepted"))} for i in done],
        "undo": of or max((i for i in done if i < now), default=None),
    }


def revision_state(folder: RunFolder, revision_id: str) -> dict[str, Any]:
    """The clusters of a finished revision by the numbers that the report gives them, and who would be asked.

    Raises:
        RunError: there is none, or it is not finished.
    """
    revision = folder.revision(revision_id)
    if folder.entry(revision.id).get("status") != "done":
        raise RunError(f"Revision {revision.id} is not finished.", "Choose another one.")
    taxonomy, settings = revision.taxonomy(), folder.settings(revision.id)
    sizes = Counter(a.cluster for a in revision.assignments())
    pins = pins_of(revision.corrections())
    by_size = sorted(taxonomy.clusters, key=lambda c: -sizes[c.name])
    clusters = [
        {"number": n, "name": c.name, "shown": as_shown(c.name), "size": sizes[c.name], "pinned": c.name in pins}
        for n, c in enumerate(by_size, 1)
    ]
    keeps = settings.describer == IMPORTED or settings.describer.startswith(RECORDED)
    return {
        "id": revision.id,
        "criterion": settings.criterion,
        "k": settings.k,
        "outliers": cluster_of(taxonomy),
        "clusters": clusters,
        "describer": as_shown(settings.describer),
        "reasoner": as_shown(settings.reasoner),
        "keeps": keeps,
    }


def _modified(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
