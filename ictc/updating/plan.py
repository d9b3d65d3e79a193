"""What an update would take, before anything is asked (`--dry-run`). Writes nothing."""

from __future__ import annotations

from ictc.job import Asked as JobAsked
from ictc.planning import plan_later
from ictc.runfolder import RunFolder
from ictc.spending.estimate import Estimate
from ictc.updating.changes import Changes
from ictc.updating.prepare import Asked, prepare


def plan(asked: Asked) -> tuple[Changes, Estimate]:
    """What changed among the images, and what looking at the new ones would take. Raises as `update` does."""
    made = prepare(asked, RunFolder(asked.folder))
    job = JobAsked(made.images, made.result.criterion, None, made.working)
    return made.changes, plan_later(job, made.todo, made.known, asked.folder)
