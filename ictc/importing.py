"""Bringing a run of the original IC|TC repository into a run folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.backends import IMPORTED, Backends
from ictc.job import Done
from ictc.means import Means
from ictc.originals import Original, as_published, read_original
from ictc.pipeline import split
from ictc.recording import compare
from ictc.runfolder import RunFolder, Settings, digest_inputs
from ictc.spending.meter import Meter
from ictc.types import Item

PUBLISHED = "metrics_as_published.json"


@dataclass(frozen=True, slots=True)
class Imported:
    """The run that was made, what of the original's files could not be used, and the original's scores if asked for."""

    done: Done
    off_list: int
    problems: list[str]
    as_published: dict[str, Any] | None = None

    @property
    def remarks(self) -> list[str]:
        """What a person should know, a line each."""
        lines = [f"off-list answers (unassigned): {self.off_list}"] if self.off_list else []
        if 2 * self.off_list > len(self.done.result.assignments):
            lines.append("More than half are off the list: are step 2b and step 3 of the same run?")
        shown = self.problems[:5]
        more = [f"... and {len(self.problems) - 5} more lines"] if len(self.problems) > 5 else []
        return [*lines, *(f"not used: {p}" for p in shown), *more]

    def to_json(self) -> dict[str, Any]:
        told = {"off_list": self.off_list, "problems": self.problems}
        published = {"as_published": self.as_published} if self.as_published else {}
        return {**self.done.result.to_json(), **told, **published}


def import_run(
    folder: Path, output: Path, descriptions: Path | None = None, criterion: str = "", seed: int | None = None
) -> Imported:
    """Read the original's run in `folder` and write it as a run folder at `output`.

    `seed`: also score it as the original does, drawing from that seed on, into metrics_as_published.json; metrics.json
    is `ictc score`'s alone.

    Raises:
        InputError: files are missing or unusable. RunError: `output` cannot be used.
    """
    criterion = criterion.strip() or folder.resolve().name
    original = read_original(folder, descriptions, criterion)
    published = None if seed is None else as_published(folder, seed).to_json()
    run = RunFolder(output, create=True)
    with run.open_store() as store:
        settings = _settings(folder, original, criterion)
        revision = run.revision_for(settings)
        revision.start()
        labels, no_labels = split(original.labels)
        assignments, no_assignments = split(original.assignments)
        revision.save_items([Item(a.image) for a in original.assignments], {})
        revision.save_descriptions(original.descriptions)
        revision.save_labels(labels)
        revision.save_taxonomy(original.taxonomy)
        revision.save_assignments(assignments)
        revision.save_failures([*no_labels, *no_assignments], ("image", "describe", "label", "merge", "assign"))
        compare(run, revision, Backends(Means(), store, Meter()).embedder())
        if published:
            published["of"] = revision.digest_of("step3_result.jsonl")
            revision.save_file(PUBLISHED, json.dumps(published, indent=2, ensure_ascii=False) + "\n")
        revision.finish(settings.key)
        result = revision.result()
        run.note(revision, status="done", counts=result.counts, off_list=original.off_list)
    done = Done(result, run, revision, reused=False)
    return Imported(done, original.off_list, list(original.problems), published)


def _settings(folder: Path, original: Original, criterion: str) -> Settings:
    content = repr((original.taxonomy, original.assignments, original.labels, original.descriptions))
    return Settings(
        images=str(folder),
        inputs=digest_inputs([(a.image, "") for a in original.assignments]),
        criterion=criterion,
        describer=IMPORTED,
        describer_fingerprint="",
        reasoner=IMPORTED,
        reasoner_fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        k=original.taxonomy.k,
    )
