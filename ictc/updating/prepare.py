"""What an update starts from: a finished revision, its images now, and what became of them. Asks nothing of anybody."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ictc import job
from ictc.backends import IMPORTED, RECORDED, check_recorded
from ictc.descriptions import read_recorded
from ictc.errors import InputError, UsageError
from ictc.images.sources import Source
from ictc.means import Means, changed
from ictc.reasoners.held import Known
from ictc.reasoners.words import says_something
from ictc.result import Result
from ictc.revision import Revision
from ictc.runfolder import RunFolder, Settings
from ictc.text import command_line
from ictc.types import Assignment, Failure, Item
from ictc.updating.changes import Changes, changes


@dataclass(frozen=True, slots=True)
class Asked:
    """An update of a run: of which revision, from which images ("": what it was made from), and what is to be other
    than the run was told (see `means.changed`)."""

    folder: Path
    images: str | Sequence[Path] = ""
    revision: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """`base`: the revision that is updated, with its `result` and `settings`. `means`: of the new revision; `working`:
    the same without what only new names need. `again`: images of before that failed and are worth another try."""

    asked: Asked
    run: RunFolder
    base: Revision
    result: Result
    settings: Settings
    means: Means
    working: Means
    images: str
    source: Source
    changes: Changes
    again: frozenset[str]

    @cached_property
    def todo(self) -> list[Item]:
        """The images that are looked at, in their order."""
        wanted = {*self.changes.fresh, *self.again}
        return [i for i in self.source.items if i.name in wanted]

    @cached_property
    def stays(self) -> dict[str, str]:
        """The name before of every image that keeps what it has."""
        return {now: old for now, old in self.changes.before.items() if now not in self.again}

    @cached_property
    def assigned(self) -> dict[str, Assignment]:
        """The assignments that stay, by the image's name now."""
        before = {a.image: a for a in self.result.assignments}
        return {now: replace(before[old], image=now) for now, old in self.stays.items() if old in before}

    @cached_property
    def known(self) -> Known:
        """The images that new ones are put beside: those that stay, in the order of the images now."""
        texts = {d.image: d for d in self.result.descriptions}
        labels = {x.image: x for x in self.result.labels}
        kept = [
            (i.name, self.stays[i.name])
            for i in self.source.items
            if i.name in self.assigned
            and (old := self.stays[i.name]) in labels
            and old in texts
            and says_something(texts[old].text)
        ]
        return Known(
            self.result.taxonomy,
            [replace(texts[old], image=now) for now, old in kept],
            [replace(labels[old], image=now) for now, old in kept],
            [self.assigned[now].cluster for now, _ in kept],
            [self.assigned[now].confidence for now, _ in kept],
        )

    @property
    def unread(self) -> set[str]:
        """Files that cannot be read, and could, or were not there."""
        return {f.image for f in self.source.failures} - {f.image for f in self.result.failures if f.stage == "image"}

    @property
    def carried(self) -> list[Failure]:
        """Failures of images that stay as they are."""
        now: dict[str, list[str]] = {}
        for name, old in self.stays.items():
            now.setdefault(old, []).append(name)
        return [
            replace(f, image=name) for f in self.result.failures if f.stage != "image" for name in now.get(f.image, ())
        ]


def prepare(asked: Asked, run: RunFolder) -> Prepared:
    """Reads the images and says what became of them.

    Raises:
        RunError: there is no such run or finished revision. InputError: the images cannot be found, or are none of the
            run's. UsageError: another program made the run, or the means do not go together.
    """
    base = run.revision(asked.revision, finished=True)
    result, settings = base.result(), run.settings(base.id)
    means = changed(means_of(settings, asked), asked.given)
    wording = replace(means.wording, names=None, open_names=False, levels=1, groups=0)
    images = asked.images or found_at(settings.images, result.items)
    whole = replace(means, wording=wording, sample=None)  # new images are few, and all of them are described
    job_asked, source = job.resolve(job.Asked(images, result.criterion, None, whole))
    _check_kind(asked.folder, result, source)
    became = changes(
        _contents_before(result),
        _contents_now(source, job_asked.means.describer),
        sorted({f.image for f in source.failures}),
    )
    shown = images if isinstance(images, str) else f"{len(images)} paths"
    if not became.before and not became.unreadable:
        raise InputError(
            f"None of the {len(result.items)} images of {asked.folder} is in {shown}: nothing would be left of it.",
            "Give the folder that it was made from, with more in it. To put other images into its clusters: "
            f"{command_line('classify', str(asked.folder), shown)}",
        )
    if (lane := means.lane) and lane.shown:  # by their names now
        lane = replace(lane, shown={now: lane.shown[old] for now, old in became.before.items() if old in lane.shown})
        means, job_asked = replace(means, lane=lane), replace(job_asked, means=replace(job_asked.means, lane=lane))
    tried = means.options.retry_failed
    failed = {f.image for f in result.failures if f.stage != "image" and (f.retryable or tried)}
    return Prepared(
        asked,
        run,
        base,
        result,
        settings,
        replace(means, describer=job_asked.means.describer),
        job_asked.means,
        shown,
        source,
        became,
        frozenset(now for now, old in became.before.items() if old in failed),
    )


def means_of(settings: Settings, asked: Asked) -> Means:
    """By what the run was made, where that can be used without being said again."""
    if settings.describer == IMPORTED and not {"describer", "reasoner"} <= asked.given.keys():
        raise UsageError(
            f"{asked.folder} was made by another program: nobody here knows what described and assigned its images.",
            "Say who is to: --describer SPEC --reasoner SPEC",
        )
    for part, spec in (("describer", settings.describer), ("reasoner", settings.reasoner)):
        if part not in asked.given:
            check_recorded(spec, f"--{part}")
    return job.means_of(settings)


def found_at(images: str, items: Sequence[Item]) -> str:
    """What the run was made from, as it was given; where that was relative to another folder than this one, from
    there.

    Raises:
        UsageError: it was a list of paths that a program gave.
    """
    if images.endswith(" paths") and not Path(images).exists():
        raise UsageError(
            "The run was made from a list of paths.", "Say what its images are now: ictc update RUN IMAGES"
        )
    plain = Path(images)
    fixed = _before_wildcard(plain)
    if images.startswith(RECORDED) or plain.is_absolute() or fixed.exists() or fixed == Path():
        return images
    folder = fixed if glob.has_magic(images) or not fixed.suffix else fixed.parent
    for item in items:
        if item.path is not None and item.path.as_posix().endswith(f"/{item.name}"):
            root = Path(item.path.as_posix().removesuffix(f"/{item.name}"))
            if root.as_posix().endswith(f"/{folder.as_posix()}"):
                return str(Path(root.as_posix().removesuffix(f"/{folder.as_posix()}")) / images)
        break
    return images


def _before_wildcard(path: Path) -> Path:
    parts = path.parts
    return Path(*parts[: next((i for i, p in enumerate(parts) if glob.has_magic(p)), len(parts))])


def _check_kind(folder: Path, result: Result, source: Source) -> None:
    images = any(i.path is not None for i in result.items)
    if images and source.kind == "recorded":
        raise UsageError(
            f"{folder} is of images, not of descriptions alone.", "Give the images; their descriptions: --describer"
        )
    if not images and source.kind != "recorded":
        raise UsageError(
            f"{folder} is of descriptions alone.", f"Give them: {command_line('update', str(folder), 'recorded:FILE')}"
        )


def _contents_before(result: Result) -> dict[str, str]:
    texts = {d.image: d.text for d in result.descriptions}
    return {i.name: _content(i, texts.get(i.name, "")) for i in result.items}


def _contents_now(source: Source, recorded: str) -> dict[str, str]:
    texts = {}
    if source.kind == "recorded":
        texts = {d.image: d.text for d in read_recorded(Path(recorded.removeprefix(RECORDED)))}
    return {i.name: _content(i, texts.get(i.name, "")) for i in source.items}


def _content(item: Item, text: str) -> str:
    """What an image is known by again. A recorded description is its text; without an image's hash beside it, equal
    ones of several names are no renaming."""
    if item.path is not None:
        return item.sha256
    return hashlib.sha256("\0".join([item.sha256 or item.name, text]).encode()).hexdigest()
