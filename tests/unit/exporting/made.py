"""Runs made up for exports: any names, labels and descriptions, without a model having looked at anything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ictc.job import Done
from ictc.outlying import ABOUT
from ictc.revision import Revision
from ictc.runfolder import RunFolder, Settings
from ictc.types import Assignment, Cluster, Description, Failure, Item, Label, Taxonomy


def settings(images: Path) -> Settings:
    return Settings(str(images), "d", "by hand", "offline", "f", "offline", "f", k=2)


def made_run(
    folder: Path,
    images: Path,
    clusters: Mapping[str, Sequence[str]],
    *,
    groups: Mapping[str, str] | None = None,
    unassigned: Sequence[str] = (),
    outliers: Sequence[str] = (),
    failed: Sequence[str] = (),
    metadata: Mapping[str, Mapping[str, str]] | None = None,
    description: str = "A picture.",
    criterion: str = "kind",
) -> Done:
    """A finished run; the files are made below `images`, each with its own bytes, where they are not there yet."""
    home = {name: cluster for cluster, names in clusters.items() for name in names}
    home |= dict.fromkeys(outliers, "outliers")
    names = [*home, *unassigned, *failed]
    run = RunFolder(folder, create=True)
    revision: Revision = run.revision_for(settings(images))
    revision.start()
    revision.save_items([_item(images, name) for name in names], metadata or {})
    good = [name for name in names if name not in failed]
    revision.save_descriptions([Description(name, description, "offline") for name in good])
    revision.save_labels([Label(name, home.get(name, "odd"), "offline") for name in good])
    taxonomy = [Cluster(name, labels={name: 1}, group=(groups or {}).get(name, "")) for name in clusters]
    if outliers:
        taxonomy.append(Cluster("outliers", ABOUT))
    revision.save_taxonomy(Taxonomy(criterion, taxonomy))
    revision.save_assignments([Assignment(name, home.get(name), 0.5, "offline", "seen") for name in good])
    revision.save_failures([Failure(name, "image", "truncated", "cut off") for name in failed], ("image",))
    revision.finish(settings(images).key)
    run.note(revision, status="done")
    return Done(revision.result(), run, revision, reused=True)


def again(done: Done) -> Done:
    """The run as it is on the disk now."""
    revision = done.folder.revision(done.revision.id)
    return Done(revision.result(), done.folder, revision, reused=True)


def tree(folder: Path) -> dict[str, object]:
    """Everything below a folder: bytes and times of files, what links say, and folders."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        else:
            found[name] = "folder" if path.is_dir() else (path.read_bytes(), path.stat().st_mtime_ns)
    return found


def _item(images: Path, name: str) -> Item:
    path = images / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"bytes of {name}".encode("utf-8", "surrogateescape") * 3)
    return Item(name, path, hashlib.sha256(path.read_bytes()).hexdigest())
