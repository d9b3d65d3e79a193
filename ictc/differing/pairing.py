"""Which image of one result is which of another."""

from __future__ import annotations

from ictc.result import Result


def pairs(first: Result, second: Result) -> list[tuple[str, str]]:
    """(image in the first, image in the second), of those that both have assigned or left unassigned, in the order of
    the second.

    The same name is the same image, unless the contents are known and differ (two folders that both have a 1.png);
    else the same content is, each image once.
    """
    content = {i.name: i.sha256 for i in first.items}
    theirs = {i.name: i.sha256 for i in second.items}
    there = {a.image for a in first.assignments}
    found: dict[str, str] = {}
    rest: list[str] = []
    for a in second.assignments:
        one, other = content.get(a.image, ""), theirs.get(a.image, "")
        if a.image in there and (one == other or not one or not other):
            found[a.image] = a.image
        else:
            rest.append(a.image)
    taken = set(found.values())
    free: dict[str, list[str]] = {}
    for a in reversed(first.assignments):
        if a.image not in taken and content.get(a.image):
            free.setdefault(content[a.image], []).append(a.image)
    for image in rest:
        if alike := free.get(theirs.get(image, "")):
            found[image] = alike.pop()
    return [(found[a.image], a.image) for a in second.assignments if a.image in found]
