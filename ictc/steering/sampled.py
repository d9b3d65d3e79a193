"""Corrections of a run that described a sample: what described images became, a probe carries to the others again."""

from __future__ import annotations

from collections.abc import Mapping

from ictc.means import Means
from ictc.sampling.account import Account
from ictc.sampling.carrying import BY, Carried, account_of, carried
from ictc.sampling.seeing import Seen
from ictc.steering.corrections import Add, Anew, Change, Drop, Split
from ictc.steering.draft import Draft


def recarried(
    change: Change, before: Draft, after: Draft, seen: Seen, chosen: Mapping[str, str], means: Means
) -> tuple[Draft, Account | None]:
    """The draft with its undescribed images: all of them for another K or criterion, those that lost their cluster
    for a cluster that was split (into its parts) or dropped, those that may belong to one that was added. What a person
    moved or pinned stays. The account where all were carried anew."""
    free = [
        i
        for i in seen.names
        if i not in chosen
        and ((a := after.assignments.get(i)) is None or (a.by == BY and a.cluster not in after.pinned))
    ]
    names = [n for n in after.names if n not in after.pinned or not isinstance(change, Anew)]
    if isinstance(change, Split | Drop):
        free = [i for i in free if _lost(i, before, after)]
    if isinstance(change, Split):
        names = [n for n in names if n not in before.names]
    described = {i: a.cluster for i, a in after.assignments.items() if i in chosen}
    done = carried(seen, chosen, described, names, free, means.wording.min_confidence)
    found = done.assignments
    if isinstance(change, Add):
        found = {i: a for i, a in found.items() if a.cluster == change.name}
    draft = after.answered(found)
    if not isinstance(change, Anew):
        return draft, None
    full = Carried({i: a for i, a in draft.assignments.items() if i not in chosen}, done.pairs)
    return draft, account_of(means, seen, chosen, full)


def _lost(image: str, before: Draft, after: Draft) -> bool:
    was, now = before.assignments.get(image), after.assignments.get(image)
    return was is not None and was.cluster is not None and (now is None or now.cluster is None)
