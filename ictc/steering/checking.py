"""What can be known of changes before anything is asked: that they can be made, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Mapping

from ictc.embedders.described import NAME as DESCRIBED
from ictc.errors import UsageError
from ictc.steering.anew import check_another_k
from ictc.steering.answering import check_different
from ictc.steering.applying import apply, resolved
from ictc.steering.corrections import Anew, Correction, Merge, Unpin, in_short
from ictc.steering.draft import Divide, Draft
from ictc.steering.work import Work, contents
from ictc.text import command_line


def checked(work: Work) -> list[str]:
    """Remarks for a person. Where only an answer gives names (of another K, of parts) the looking ahead ends.

    Raises:
        UsageError: a change cannot be made. One carried from another run is left out, and told.
    """
    described = contents(work.result)
    draft: Draft | None = work.draft()
    remarks: list[str] = []
    for change in (*work.asked.changes, *work.asked.carried):
        if draft is None:
            break
        try:
            if isinstance(change, Anew):
                _check_described(change, work)
                check_another_k(change.k, draft, work.backends.means)
                return [*remarks, *_mixing(change, draft, work.result.criterion)]
            before, draft = draft, _after(change, draft, described, work)
            remarks += _passed_on(before, draft) if isinstance(change, Merge) and draft else []
        except UsageError as e:
            if change in work.asked.changes:
                raise
            remarks.append(f"left out: {in_short(change)}: {e.message}")
    return remarks


def _check_described(change: Anew, work: Work) -> None:
    """Raises UsageError: another criterion for a run whose vectors are of what was said of images under the first."""
    lane = work.means.lane
    if not lane or not lane.embedder.startswith(f"{DESCRIBED}:") or change.keep:
        return
    if change.criterion not in ("", work.result.criterion):
        again = ("cluster", work.known.images, "-c", change.criterion, "--embedder", lane.embedder)
        raise UsageError(
            f"The vectors of this run are of what was said of its images under “{work.result.criterion}”.",
            f"Have it said anew: {command_line(*again, '-o', str(work.folder.path))}  or add: --keep-descriptions",
        )


def _after(change: Correction, draft: Draft, described: Mapping[str, str], work: Work) -> Draft | None:
    """None where nobody knows yet."""
    after, question = apply(resolved(change, draft, described), draft)
    if not isinstance(question, Divide):
        return after
    if not question.names and not work.means.lane:
        texts = {d.image: d for d in work.result.descriptions}
        check_different(question, [texts[i] for i in question.images if i in texts])
    return None


def _passed_on(before: Draft, after: Draft) -> list[str]:
    """A pinned cluster that is merged under another name."""
    gone = [p for p in before.pinned if p not in after.names]
    now = [p for p in after.pinned if p not in before.pinned]
    return [f"Pinned, “{old}” goes on in “{new}”, which is pinned then." for old in gone for new in now]


def _mixing(change: Anew, draft: Draft, criterion: str) -> list[str]:
    """Pinned clusters stay what they are under a criterion that nobody held their images against."""
    if change.criterion in ("", criterion) or not draft.pinned:
        return []
    images = len(draft.members(*draft.pinned))
    names = " and ".join(f"“{p}”" for p in draft.pinned)
    unpin = " ".join(in_short(Unpin(p)) for p in draft.pinned)
    return [
        f"This mixes two criteria: pinned, {names} with {images} images of “{criterion}” are not asked about "
        f"“{change.criterion}”. To cluster them with the others, first: {unpin}"
    ]
