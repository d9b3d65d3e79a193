"""How one revision differs from another, in lines for a person."""

from __future__ import annotations

from ictc.differing import Difference, Fate

_MOST = 12


def change_lines(changed: Difference, since: str) -> list[str]:
    """What moved, then what became of the clusters."""
    moved = len(changed.moved)
    agree = "" if changed.ari is None else f" (ARI {changed.ari:.3f}, NMI {changed.nmi:.3f})"
    told = f"Since {since}: {moved:,} of {changed.common:,} images moved{agree}."
    counts = [(changed.only_after, "new"), (changed.only_before, "gone")]
    others = [f"{n:,} {'image is' if n == 1 else 'images are'} {what}." for n, what in counts if n]
    fates = changed.changes
    rest = [f"And {len(fates) - _MOST} more clusters changed."] if len(fates) > _MOST else []
    return [told, *others, *(_line(fate) for fate in fates[:_MOST]), *rest]


def _line(fate: Fate) -> str:
    before, after = (" and ".join(f"“{name}”" for name in names) for names in (fate.before, fate.after))
    if fate.what == "new":
        return f"{after} is new."
    if fate.what == "gone":
        return f"{before} is gone."
    verb = {"renamed": "is now", "split": "was split into", "merged": "were merged into"}.get(fate.what, "became")
    return f"{before} {verb} {after}."
