"""Corrections applied to a draft, one by one: what they leave to be asked is a `Question`. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ictc.errors import UsageError
from ictc.outlying import ABOUT
from ictc.replies.reading import one_line
from ictc.steering.corrections import Add, Correction, Drop, Merge, Move, Pin, Rename, Split, Unpin, in_short
from ictc.steering.draft import BY_HAND, Attract, Divide, Draft, Place, Question
from ictc.steering.finding import cluster_named, images_named, new_name
from ictc.text import printable
from ictc.types import Assignment, Cluster


def apply(change: Correction, draft: Draft) -> tuple[Draft, Question | None]:
    """The draft with the change (as `resolved` gives it) made, as far as that takes no question.

    Raises:
        UsageError: it cannot be made; the hint says what to type instead. The message names what is not there.
    """
    match change:
        case Rename():
            return _rename(change, draft), None
        case Merge():
            return _merge(change, draft), None
        case Split():
            return _split(change, draft)
        case Drop():
            return _drop(change, draft)
        case Pin() | Unpin():
            return _pin(change, draft), None
        case Add():
            return _add(change, draft)
        case Move():
            return _move(change, draft), None


def resolved(change: Correction, draft: Draft, described: Mapping[str, str]) -> Correction:
    """As it will be kept: clusters, images and new names by their exact names, moves with contents. `described`:
    contents (SHA-256) by image, of those that have a description. Raises as `apply` does."""
    names = draft.names
    match change:
        case Rename():
            old = cluster_named(change.cluster, names)
            return Rename(old, new_name(change.name, (n for n in names if n != old), _joining(old)))
        case Merge():
            parts = tuple(dict.fromkeys(cluster_named(c, names) for c in change.clusters))
            largest = max(parts, key=lambda p: len(draft.members(p)))
            others = (n for n in names if n not in parts)
            return Merge(parts, new_name(change.name or largest, others, _joining(*parts)))
        case Move():
            images = _images(change, described)
            contents = tuple(described[i] for i in images)
            return Move(images, cluster_named(change.cluster, names), contents if any(contents) else ())
        case Add():
            return Add(new_name(change.name, names, _moving), one_line(printable(change.about)))
        case _:
            return replace(change, cluster=cluster_named(change.cluster, names))


def _joining(*parts: str) -> Callable[[str], str]:
    """What to do where the name for these clusters is another's."""
    return lambda known: f"To put them together: {in_short(Merge((*parts, known), known))}"


def _moving(known: str) -> str:
    return f"To put images into it: {in_short(Move(('IMAGE',), known))}"


def _rename(change: Rename, draft: Draft) -> Draft:
    old, name = change.cluster, change.name
    clusters = [replace(c, name=name) if c.name == old else c for c in draft.taxonomy.clusters]
    pinned = tuple(name if p == old else p for p in draft.pinned)
    return replace(draft.with_clusters(clusters).in_clusters({old: name}), pinned=pinned)


def _merge(change: Merge, draft: Draft) -> Draft:
    parts, name = change.clusters, change.name
    if len(parts) < 2:
        raise UsageError("One cluster alone cannot be merged.", 'Name two or more: --merge "a+b=c"')
    sizes = {p: len(draft.members(p)) for p in parts}
    largest = max(parts, key=lambda p: sizes[p])
    held = [draft.cluster(p) for p in parts]
    about = draft.cluster(name).about if name in parts else ", ".join(parts)
    labels: dict[str, int] = {}
    for c in held:
        for label, n in c.labels.items():
            labels[label] = labels.get(label, 0) + n
    group = draft.cluster(largest).group
    ranked = dict(sorted(labels.items(), key=lambda x: (-x[1], x[0])))
    one = Cluster(name, "" if about == ABOUT else about, ranked, group)
    clusters = [one if c.name == parts[0] else c for c in draft.taxonomy.clusters if c.name not in parts[1:]]
    pinned = tuple(dict.fromkeys(name if p in parts else p for p in draft.pinned))
    return replace(draft.with_clusters(clusters).in_clusters(dict.fromkeys(parts, name)), pinned=pinned)


def _split(change: Split, draft: Draft) -> tuple[Draft, Question]:
    name = _free(change.cluster, draft, "split")
    images = draft.members(name)
    into = len(change.names) or change.into
    if into < 2:
        raise UsageError(f"“{name}” cannot be split into {into}.", "Ask for two parts or more: --split a=2")
    if len(images) < into:
        raise UsageError(
            f"“{name}” has {len(images)} images and cannot be split into {into}.", "Ask for fewer parts, or --drop it."
        )
    taken = [n for n in draft.names if n != name]
    names: list[str] = []
    for given in change.names:
        names.append(new_name(given, [*taken, *names], lambda known: f"Call that part of “{name}” something else."))
    return draft, Divide(name, images, into, tuple(names))


def _drop(change: Drop, draft: Draft) -> tuple[Draft, Question | None]:
    name = _free(change.cluster, draft, "dropped")
    rest = [c for c in draft.taxonomy.clusters if c.name != name]
    if not any(c.about != ABOUT for c in rest):
        raise UsageError(f"“{name}” is the only cluster; it cannot be dropped.", "Give it another name: --rename a=b")
    images = draft.members(name)
    return draft.with_clusters(rest).in_clusters({name: None}), Place(images) if images else None


def _pin(change: Pin | Unpin, draft: Draft) -> Draft:
    name = change.cluster
    if isinstance(change, Pin):
        return replace(draft, pinned=tuple(dict.fromkeys([*draft.pinned, name])))
    if name not in draft.pinned:
        raise UsageError(f"“{name}” is not pinned.", f"Pinned are: {', '.join(draft.pinned) or 'none'}.")
    return replace(draft, pinned=tuple(p for p in draft.pinned if p != name))


def _add(change: Add, draft: Draft) -> tuple[Draft, Question]:
    return draft.with_clusters([*draft.taxonomy.clusters, Cluster(change.name, change.about)]), Attract(change.name)


def _move(change: Move, draft: Draft) -> Draft:
    moved: dict[str, Assignment] = {}
    for image in change.images:
        before = draft.assignments.get(image)
        was = before.cluster if before else None
        if before and was == change.cluster:  # it is there: whatever is changed later, that is by hand now
            moved[image] = before if before.by == BY_HAND else replace(before, by=BY_HAND, evidence="kept here by hand")
            continue
        said = f"moved by hand from “{was}”" if was else "put here by hand"
        moved[image] = Assignment(image, change.cluster, by=BY_HAND, evidence=said)
    return draft.answered(moved)


def _images(change: Move, described: Mapping[str, str]) -> tuple[str, ...]:
    """The images that are meant. Where their contents are known (a correction of another run), a name with another
    content is another image, and the content under any name is the image; some may be lacking."""
    if not change.contents:
        names = list(described)
        meant = ([text] if text in described else images_named(text, names) for text in change.images)
        return tuple(dict.fromkeys(image for images in meant for image in images))
    holders: dict[str, list[str]] = {}
    for image, content in described.items():
        holders.setdefault(content, []).append(image)
    found: dict[str, None] = {}
    for image, content in zip(change.images, change.contents, strict=False):
        known = [image] if described.get(image) == content else holders.get(content, []) if content else []
        found |= dict.fromkeys(known)
    if not found:
        raise UsageError(f"None of the {len(change.images)} images is here, by content.", "They are of another run.")
    return tuple(found)


def _free(name: str, draft: Draft, what: str) -> str:
    """The cluster, which must not be pinned."""
    if name in draft.pinned:
        raise UsageError(f"“{name}” is pinned and cannot be {what}.", f"First: {in_short(Unpin(name))}")
    return name
