"""What became of a folder's images since a run was made. Contents count, names do not: pure, and fast for 100,000."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("new", "changed", "renamed", "copied", "removed", "unreadable", "unchanged")


def counted(counts: Mapping[str, int]) -> str:
    """For a person: kinds that there are none of are left out, but for the first and the last."""
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind] or kind in ("new", "unchanged"))


@dataclass(frozen=True, slots=True)
class Changes:
    """Images by name. `unchanged`: the same name and content; `renamed` and `copied`: the name now -> the name before
    of the same content (copied: that one is still there); `changed`: the name was there, with a content that was not;
    `new`: neither was; `removed`: the content is gone, under the name before; `unreadable`: it was there, and its file
    cannot be read now."""

    unchanged: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    copied: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def before(self) -> dict[str, str]:
        """The name before of every image whose content was there."""
        return {**{name: name for name in self.unchanged}, **self.renamed, **self.copied}

    @property
    def fresh(self) -> list[str]:
        """The images whose content was not there."""
        return [*self.new, *self.changed]

    @property
    def any(self) -> bool:
        return bool(self.fresh or self.renamed or self.copied or self.removed or self.unreadable)

    @property
    def counts(self) -> dict[str, int]:
        return {kind: len(getattr(self, kind)) for kind in KINDS}

    def line(self) -> str:
        """For a person."""
        return counted(self.counts)

    def to_json(self) -> dict[str, Any]:
        """The counts, and the names of all that are not unchanged."""
        own = {kind: list(getattr(self, kind)) for kind in ("new", "changed", "removed", "unreadable")}
        return {**self.counts, "images": {**own, "renamed": dict(self.renamed), "copied": dict(self.copied)}}


def changes(before: Mapping[str, str], now: Mapping[str, str], unreadable: Iterable[str] = ()) -> Changes:
    """From contents by name to contents by name. `unreadable`: what is there now, and cannot be read.

    A content goes with its own name first; of several old names with one content each stands for one new name.
    """
    unchanged = tuple(name for name, content in now.items() if before.get(name) == content)
    same = set(unchanged)
    free: dict[str, list[str]] = {}
    home: dict[str, str] = {}
    for name, content in before.items():
        home.setdefault(content, name)
        if name not in same:
            free.setdefault(content, []).append(name)
    renamed, copied, changed, new = dict[str, str](), dict[str, str](), list[str](), list[str]()
    for name, content in now.items():
        if name in same:
            continue
        if left := free.get(content):
            renamed[name] = left.pop(0)
        elif content in home:
            copied[name] = home[content]
        else:
            (changed if name in before else new).append(name)
    went = set(renamed.values())
    cannot = tuple(name for name in unreadable if name in before and name not in went)
    gone = set(before) - same - went - set(changed) - set(cannot)
    removed = tuple(name for name in before if name in gone)
    return Changes(unchanged, renamed, copied, tuple(changed), tuple(new), removed, cannot)
