"""The vectors of a finished run, as they were clustered and as the images' own."""

from __future__ import annotations

from ictc.backends import Backends
from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.job import Done, means_of
from ictc.lane.reasoner import SUPERVISED
from ictc.means import lane_from_json
from ictc.outputs import result_vectors
from ictc.spending.meter import Meter


def clustered(done: Done) -> Vectors:
    """Rows [n, d] in the order of the assignments, prompts fused in.

    Raises:
        UsageError: the run has none.
    """
    vectors = result_vectors(done)
    if vectors is None or len(vectors) != len(done.result.assignments) or not len(vectors):
        raise UsageError(
            f"{done.folder.path} has no vectors to look at: it was imported, or nothing was described.",
            "Cluster the images themselves: ictc cluster IMAGES",
        )
    return vectors


def own(done: Done, otherwise: Vectors) -> tuple[Vectors, str]:
    """The images' own vectors, without prompts, and what they are; a run of the criterion lane has but one kind."""
    settings = done.folder.settings(done.revision.id)
    if not settings.lane:
        return otherwise, "what was clustered: measurements or descriptions"
    texts = {d.image: d for d in done.result.descriptions}
    with done.folder.open_store() as store:
        placer = Backends(means_of(settings), store, Meter()).placer()
        rows = placer.images([texts[a.image] for a in done.result.assignments])
    return rows, f"images alone, by {settings.lane['embedder']}"


def supervised(done: Done) -> dict[str, str]:
    """What is to be said where the truth went into the vectors (pairing `label`)."""
    lane = lane_from_json(done.folder.settings(done.revision.id).lane)
    return {"supervised": SUPERVISED} if lane and lane.supervised else {}
