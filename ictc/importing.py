"""Bringing a run of the original IC|TC repository into a run folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.backends import IMPORTED, Backends
from ictc.job import Done
from ictc.means import Means
from ictc.originals import Original, read_original
from ictc.pipeline import split
from ictc.recording import compare
from ictc.runfolder import RunFolder, Settings, digest_inputs
from ictc.spending.meter import Meter
from ictc.types import Item


@dataclass(frozen=True, slots=True)
class Imported:
    """The run that was made, and what of the original's files could not be used."""

    done: Done
    off_list: int
    problems: list[str]

    @property
    def remarks(self) -> list[str]:
        """What a person should know, a line each."""
        lines = [f"off-list answers (unassigned): {self.off_list}"] if self.off_list else []
        shown = self.problems[:5]
        more = [f"... and {len(self.problems) - 5} more lines"] if len(self.problems) > 5 else []
        return [*lines, *(f"not used: {p}" for p in shown), *more]

    def to_json(self) -> dict[str, Any]:
        return {**self.done.result.to_json(), "off_list": self.off_list, "problems": self.problems}


def import_run(folder: Path, output: Path, descriptions: Path | None = None, criterion: str = "") -> Imported:
    """Read the original's run in `folder` and write it as a run folder at `output`.

    Raises:
        InputError: files are missing or unusable. RunError: `output` cannot be used.
    """
    criterion = criterion.strip() or folder.resolve().name
    original = read_original(folder, descriptions, criterion)
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
        revision.finish(settings.key)
        result = revision.result()
        run.note(revision, status="done", counts=result.counts, off_list=original.off_list)
    done = Done(result, run, revision, reused=False)
    return Imported(done, original.off_list, list(original.problems))


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
