"""`folders`: a folder a cluster, in one a group where there are groups; images in none have folders of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ictc.exporting.plan import NewFile, Place, Subject
from ictc.exporting.rows import ASIDE, Status
from ictc.exporting.safenames import Namer
from ictc.types import Failure

OWN: dict[Status, str] = {"unassigned": "_unassigned", "outlier": "_outliers", "failed": "_failed"}


class Folders:
    """Implements `Format`."""

    extension = ""
    takes_images = True

    def places(self, subject: Subject) -> list[Place]:
        home = folders_of(subject.clusters)
        files: dict[str, Namer] = {}
        found = []
        for row in subject.rows:
            if row.path is None:
                continue
            folder = OWN[row.status] if row.status in ASIDE or row.cluster is None else home[row.cluster]
            found.append(Place(row, f"{folder}/{files.setdefault(folder, Namer()).file(row.image.rpartition('/')[2])}"))
        return found

    def files(self, subject: Subject, placed: Sequence[Place]) -> Iterator[NewFile | Failure]:
        return iter(())


def folders_of(clusters: Mapping[str, str]) -> dict[str, str]:
    """The folder of each cluster (name to group), safe on every file system."""
    top = Namer(OWN.values())
    groups: dict[str, tuple[str, Namer]] = {}
    found = {}
    for name, group in clusters.items():
        if not group:
            found[name] = top.folder(name)
            continue
        if group not in groups:
            groups[group] = top.folder(group), Namer()
        folder, within = groups[group]
        found[name] = f"{folder}/{within.folder(name)}"
    return found
