"""What stands behind a result: the truth it is held against, its vectors, and how it was made."""

from __future__ import annotations

from collections.abc import Sequence

from ictc.backends import IMPORTED, Backends
from ictc.errors import StepError, UsageError
from ictc.interfaces import Vectors
from ictc.job import Done, means_of
from ictc.laneruns import lane_command, lane_models
from ictc.means import OFFLINE, Wording, lane_from_json, wording_from_json
from ictc.report import ModelUsed, Provenance
from ictc.result import Result
from ictc.runfolder import UPDATED, Settings
from ictc.sampling.checking import kept
from ictc.scoring import Truth, read_truth
from ictc.spending.meter import Meter
from ictc.steering.kept import renumbered
from ictc.text import command_line
from ictc.types import Assignment


def truth_of(result: Result, truth: str) -> Truth:
    """The truth of all images of a run, those that failed included."""
    names = dict.fromkeys([*(i.name for i in result.items), *sorted(f.image for f in result.failures)])
    return read_truth(truth, list(names), metadata=result.metadata)


def result_vectors(done: Done, rows: Sequence[int] | None = None) -> Vectors | None:
    """One vector per assignment, or of those in `rows`, from the store: what the describer measured, or the embedded
    descriptions.

    Raises:
        StepError: a run of the embedding lane, whose store has lost vectors. SpecError: its embedder is gone.
    """
    settings = done.folder.settings(done.revision.id)
    texts = {d.image: d for d in done.result.descriptions}
    if settings.reasoner == IMPORTED or not texts:
        return None
    assignments = done.result.assignments
    chosen = assignments if rows is None else [assignments[i] for i in rows]
    if settings.sample:
        return _seen(done, settings, chosen)
    described = [texts[a.image] for a in chosen]
    with done.folder.open_store() as store:
        backends = Backends(means_of(settings), store, Meter())
        evidence = backends.evidence()
        measured = evidence.evidence(described, done.result.criterion) if evidence else None
        return backends.embedder().embed_texts([d.text for d in described]) if measured is None else measured


def _seen(done: Done, settings: Settings, chosen: Sequence[Assignment]) -> Vectors | None:
    """What images look like, of a run that described some of them; None where the store has lost a vector."""
    if not settings.sample:
        return None
    items = {i.name: i for i in done.result.items}
    with done.folder.open_store() as store:
        embedder = Backends(means_of(settings), store, Meter()).sample_embedder()
        return embedder.recall([items[a.image].sha256 for a in chosen])


def vectors_if_there(done: Done, rows: Sequence[int] | None = None) -> tuple[Vectors | None, str]:
    """`result_vectors`, or why there are none, for what can do without."""
    try:
        return result_vectors(done, rows), ""
    except (StepError, UsageError) as error:
        return None, f"Without map and silhouette: {error.message} {error.hint}"


def provenance(done: Done) -> Provenance:
    settings = done.folder.settings(done.revision.id)
    entry = done.folder.entry(done.revision.id)
    run, refined = str(done.folder.path), entry.get("refined")
    own = command_line("refine", run, "--revision", refined["of"], *refined["words"]) if refined else ""
    return Provenance(
        command=own or command_of(settings, run),
        next_commands=_next_commands(done, settings),
        models=_models(settings),
        versions=entry.get("versions", {}),
        seconds=entry.get("seconds", {}),
        made=entry.get("asked", ""),
        revision=done.revision.id,
        corrected=renumbered(done.revision.corrections()),
    )


def _models(settings: Settings) -> list[ModelUsed]:
    if lane := lane_from_json(settings.lane):
        return lane_models(settings, lane)
    return [
        ModelUsed("1 describe", settings.describer, settings.describer_fingerprint),
        ModelUsed("2a label, 2b merge, 3 assign", settings.reasoner, settings.reasoner_fingerprint),
    ]


def command_of(settings: Settings, run: str) -> str:
    """The command that makes a revision with these settings."""
    if settings.taxonomy.startswith(UPDATED):
        return command_line("update", run, settings.images)
    if lane := lane_command(settings, run):
        return lane
    if settings.reasoner == IMPORTED:
        return command_line("import", settings.images, "-c", settings.criterion, "-o", run)
    k = "auto" if settings.k is None else str(settings.k)
    words = ["run", settings.images, "-c", settings.criterion, "-k", k, "-o", run]
    if settings.describer not in (OFFLINE, settings.images):
        words += ["--describer", settings.describer]
    if settings.reasoner != OFFLINE:
        words += ["--reasoner", settings.reasoner]
    return command_line(*words, *_sample(settings), *_wording(wording_from_json(settings.wording)))


def _sample(settings: Settings) -> list[str]:
    """The options that say it."""
    if not (sample := kept(settings.sample)):
        return []
    embedder = ["--sample-embedder", sample.embedder] if sample.embedder != OFFLINE else []
    return ["--sample", sample.size, *embedder, *(["--sample-seed", str(sample.seed)] if sample.seed else [])]


def _wording(wording: Wording) -> list[str]:
    """The options that say it."""
    told = {
        "--prompts": wording.prompts,
        "--names": wording.names,
        "--language": wording.language,
        "--pack": wording.pack if wording.pack > 1 else "",
        "--budget": wording.budget,
        "--min-confidence": wording.min_confidence or "",
        "--outliers": wording.outliers if wording.outliers != "keep" else "",
        "--levels": wording.levels if wording.levels > 1 else "",
        "--groups": wording.groups if wording.levels > 1 else "",
    }
    return [*(["--open"] if wording.open_names else []), *(x for k, v in told.items() if v for x in (k, str(v)))]


def _next_commands(done: Done, settings: Settings) -> list[tuple[str, str]]:
    run = str(done.folder.path)
    commands = []
    if not done.revision.has("metrics.json"):
        commands.append((command_line("score", run, "--truth", "FILE:COLUMN"), "score it against a truth"))
    if settings.reasoner != IMPORTED and not settings.lane:
        again = command_line("run", settings.images, "-c", "another criterion", "-o", run)
        commands.append((again, "cluster the same images by something else; none is looked at twice"))
    return commands
