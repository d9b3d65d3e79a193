"""`ictc data prepare`: from official files to the one layout. Killed anywhere, the same command goes on."""

from __future__ import annotations

import hashlib
import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ictc.datasets import layout
from ictc.datasets.fetching import Fetcher
from ictc.datasets.given import Opened, open_given
from ictc.datasets.recipe import Dataset, Options, Pixels, Sample
from ictc.datasets.sampling import chosen
from ictc.errors import InputError, RunBusy, UsageError
from ictc.progress import Watch, unwatched

DOWNLOADS = ".downloads"
_AT_ONCE = 8  # files of addresses of their own
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data set on disk. `counts`: images of each class, by criterion. `fresh`: it was made just now. `gone`: images
    that their publisher does not have any more. `checked`: by official file, against what. `changed`: metadata.csv
    is not as it was written."""

    folder: Path
    images: int
    counts: dict[str, dict[str, int]]
    fresh: bool
    gone: int = 0
    checked: tuple[tuple[str, str], ...] = ()
    unpacked: bool = False
    changed: bool = False


def prepare(
    dataset: Dataset,
    options: Options,
    root: Path,
    given: Sequence[Path] = (),
    *,
    verify: bool = True,
    watch: Watch = unwatched,
    pause: Callable[[float], None] = time.sleep,
) -> Prepared:
    """Put the data set into ROOT/NAME, from `given` or from the network.

    Raises:
        UsageError: options that the set does not have; ROOT/NAME holds something else.
        InputError: files that are missing, damaged or not the publisher's.
        RunBusy: another process prepares it.
        StorageFull: the disk is full.
    """
    if options.split not in dataset.splits:
        raise UsageError(
            f"{dataset.title} has no split '{options.split}'.", f"It has: {', '.join(dataset.splits)} (--split)."
        )
    if dataset.by_classes and not options.classes:
        raise UsageError(
            f"{dataset.title}: say which classes are wanted; together they are too many to be taken.",
            "Write one a line (Cat, Dog) into a file, and give it: --classes FILE",
        )
    folder = root / dataset.name
    asked = _request(dataset, options)
    with _locked(root, dataset.name):
        done = layout.read_state(folder)
        if done and (found := _there(folder, done, asked)):
            return found
        _check_free(folder, done, asked)
        fetcher = Fetcher(root / DOWNLOADS / dataset.name, _again(dataset, options, root), watch, pause)
        try:
            opened = open_given(dataset, options.split, given, fetcher, verify, watch)
            samples = chosen(dataset, _read(dataset, opened, options), options)
            if not samples:
                raise InputError(f"There are no images of {dataset.title} in what was given.", "Check --from.")
            folder.mkdir(parents=True, exist_ok=True)
            if not done:
                layout.write_state(folder, {"request": asked}, layout.BEGUN)
            rows, digest = _write(dataset, samples, folder, watch)
        finally:
            fetcher.close()
        return _finish(dataset, folder, asked, opened, rows, digest, len(samples) - len(rows))


def state_under(root: Path, name: str) -> Prepared | None:
    """What is prepared there, as prepared.json says; None where nothing is, or nothing that can be read."""
    try:
        done = layout.read_state(root / name)
        return None if done is None else _prepared(root / name, done, fresh=False)
    except (InputError, RunBusy, UsageError, KeyError, TypeError, ValueError):
        return None


def _request(dataset: Dataset, options: Options) -> dict[str, Any]:
    """What decides the files that are written, besides the official files."""
    by = {c.name for c in dataset.criteria}
    if unknown := [name for name in options.labels if name not in by]:
        raise UsageError(f"{dataset.title} has no criterion '{unknown[0]}'.", f"It has: {', '.join(sorted(by))}.")
    own = {c.name for c in dataset.criteria if not c.needs}
    if given := [name for name in options.labels if name in own]:
        others = ", ".join(sorted(by - own))
        raise UsageError(
            f"{dataset.title} has the classes of '{given[0]}' itself; --labels gives those that it does not have.",
            f"It lacks those of {others}." if others else "Leave --labels out.",
        )
    labels = {}
    for name, path in sorted(options.labels.items()):
        try:
            labels[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the file after --labels.") from error
    request: dict[str, Any] = {"dataset": dataset.name, "split": options.split}
    if options.classes:
        request["classes"] = sorted(options.classes)
    if options.per_class:
        request |= {"per_class": options.per_class, "seed": options.seed}
    return request | ({"labels": labels} if labels else {})


def _there(folder: Path, done: dict[str, Any], asked: dict[str, Any]) -> Prepared | None:
    """What was prepared before as asked, if it is whole. A table that a person changed is left as it is."""
    if done["request"] != asked:
        raise UsageError(
            f"{folder} was prepared otherwise: {_said(done['request'])}; asked for now: {_said(asked)}.",
            "Choose another folder: --root DIR",
        )
    table = folder / layout.TABLE
    files = layout.listed(folder)
    changed = table.is_file() and hashlib.sha256(table.read_bytes()).hexdigest() != done["table"]
    if not changed and (len(files) != done["images"] or not all(_is_whole(folder / name) for name in files)):
        return None
    (folder / layout.BEGUN).unlink(missing_ok=True)  # killed just before that
    return _prepared(folder, done, fresh=False, changed=changed)


def _is_whole(path: Path) -> bool:
    """As far as its size tells: a power failure can leave files empty."""
    return path.is_file() and path.stat().st_size > 0


def _check_free(folder: Path, done: dict[str, Any] | None, asked: dict[str, Any]) -> None:
    """That the folder is new, or ours and begun with the same options."""
    if done or not folder.exists():
        return
    begun = layout.read_state(folder, layout.BEGUN)
    if begun is None:
        left = [path.name for path in folder.iterdir() if path.name != f".{layout.BEGUN}.part"]
        if left:
            raise UsageError(
                f"{folder} holds files that ictc did not put there, such as {left[0]}; they stay as they are.",
                "Move them away, or choose another folder: --root DIR",
            )
    elif begun["request"] != asked:
        raise UsageError(
            f"{folder} was begun otherwise: {_said(begun['request'])}; asked for now: {_said(asked)}.",
            "Remove that folder, or choose another: --root DIR",
        )


def _read(dataset: Dataset, opened: Opened, options: Options) -> list[Sample]:
    samples = list(dataset.read(opened.place, options))
    for many in ({s.number for s in samples}, {layout.file_name(dataset, s) for s in samples}):
        if len(many) != len(samples):
            raise InputError(f"The recipe of {dataset.title} gives two images one name.", "Tell its authors.")
    if odd := next((s for s in samples if s.suffix.lower() not in layout.SUFFIXES), None):
        raise InputError(
            f"{odd.original or odd.number} of {dataset.title} is no image, by its ending '{odd.suffix}'.",
            "Check --from.",
        )
    return samples


def _write(
    dataset: Dataset, samples: Sequence[Sample], folder: Path, watch: Watch
) -> tuple[list[tuple[str, Sample]], str]:
    """Write the images in the order in which they are stored; by number, what they are called, and their digest."""
    hashes: dict[int, str] = {}
    stored = sorted(samples, key=lambda s: (getattr(s.image, "order", (0, 0)), s.number))
    with watch(dataset.name, len(samples)) as tick, ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(0, len(stored), _CHUNK):
            chunk = stored[start : start + _CHUNK]
            for sample, image in zip(chunk, _loaded(chunk, pool), strict=True):
                if image is not None:
                    data = layout.encoded(image)
                    layout.put(folder / layout.file_name(dataset, sample), data)
                    hashes[sample.number] = hashlib.sha256(data).hexdigest()
                tick(1)
    rows = [(layout.file_name(dataset, s), s) for s in samples if s.number in hashes]
    digest = hashlib.sha256("".join(f"{hashes[s.number]}  {file}\n" for file, s in rows).encode()).hexdigest()
    return rows, digest


def _loaded(chunk: Sequence[Sample], pool: ThreadPoolExecutor) -> Iterator[bytes | Pixels | None]:
    """Images of addresses of their own are waited for together. All others are read in this thread, one after the
    other: the members of an archive share its one file, and two threads would move it under each other."""
    coming = {n: pool.submit(sample.image) for n, sample in enumerate(chunk) if getattr(sample.image, "remote", False)}
    try:
        for number, sample in enumerate(chunk):
            yield coming[number].result() if number in coming else sample.image()
    finally:
        for one in coming.values():
            one.cancel()


def _finish(
    dataset: Dataset,
    folder: Path,
    asked: dict[str, Any],
    opened: Opened,
    rows: Sequence[tuple[str, Sample]],
    digest: str,
    gone: int,
) -> Prepared:
    if not rows:
        raise InputError(f"None of the images of {dataset.title} can be had any more.", f"See {dataset.page}")
    table = layout.table(dataset, rows)
    layout.put(folder / layout.TABLE, table)
    if hasattr(os, "sync"):
        os.sync()  # one call for thousands of small files, before it is said that they are there
    state = {
        "request": asked,
        "title": dataset.title,
        "page": dataset.page,
        "licence": dataset.licence,
        "citation": dataset.citation,
        "images": len(rows),
        "gone": gone,
        "counts": layout.counts(dataset, rows),
        "digest": digest,
        "table": hashlib.sha256(table).hexdigest(),
        "sources": [asdict(used) for used in opened.used],
        "unpacked": opened.unpacked,
    }
    layout.write_state(folder, state)
    (folder / layout.BEGUN).unlink(missing_ok=True)
    return _prepared(folder, state, fresh=True)


def _prepared(folder: Path, state: dict[str, Any], fresh: bool, changed: bool = False) -> Prepared:
    checked = tuple((str(s["file"]), str(s["checked"])) for s in state["sources"])
    return Prepared(
        folder, state["images"], state["counts"], fresh, state["gone"], checked, bool(state["unpacked"]), changed
    )


def _said(request: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in request.items() if key != "dataset")


def _again(dataset: Dataset, options: Options, root: Path) -> str:
    words = ["ictc", "data", "prepare", dataset.name, "--root", str(root)]
    if options.split != next(iter(dataset.splits)):
        words += ["--split", options.split]
    return shlex.join(words)


@contextmanager
def _locked(root: Path, name: str) -> Iterator[None]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise RunBusy(f"Another process prepares {root / name}.", "Wait for it, or choose another --root.") from error
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UsageError(f"{root} cannot be used: {error.strerror}.", "Choose another folder: --root DIR") from error
