"""`ictc data prepare`: from official files to the one layout. Killed anywhere, the same command goes on."""

from __future__ import annotations

import hashlib
import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ictc.datasets import layout
from ictc.datasets.done import Prepared, as_prepared, check_free, is_whole, request, there
from ictc.datasets.fetching import Fetcher
from ictc.datasets.given import Opened, open_given
from ictc.datasets.publishing import unlike
from ictc.datasets.recipe import Dataset, Options, Pixels, Sample
from ictc.datasets.sampling import chosen
from ictc.errors import InputError, RunBusy, UsageError
from ictc.progress import Watch, unwatched

DOWNLOADS = ".downloads"
_AT_ONCE = 8  # files of addresses of their own
_CHUNK = 256


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
    asked = request(dataset, options)
    with _locked(root, dataset.name):
        done = layout.read_state(folder)
        if done and (found := there(folder, done, asked)):
            return found
        check_free(folder, done, asked)
        fetcher = Fetcher(root / DOWNLOADS, _again(dataset, options, root, verify), watch, pause)
        opened = None
        try:
            opened = open_given(dataset, options.split, given, fetcher, verify, watch)
            whole = _read(dataset, opened, options)
            differing = _compared(dataset, options, whole, opened, verify)
            samples = chosen(dataset, whole, options)
            folder.mkdir(parents=True, exist_ok=True)
            if not done:
                layout.write_state(folder, {"request": asked}, layout.BEGUN)
            written, failed = _write(dataset, samples, folder, watch)
        finally:
            fetcher.close()
            if opened:
                opened.place.close()
        rows = [(layout.file_name(dataset, s), s) for s in samples if s.number in written]
        gone = len(samples) - len(rows) - len(failed)
        return _finish(dataset, folder, asked, opened, rows, gone, failed, differing)


def _read(dataset: Dataset, opened: Opened, options: Options) -> list[Sample]:
    try:
        samples = list(dataset.read(opened.place, options))
    except InputError as error:
        if not opened.strays:
            raise
        raise InputError(
            f"{error.message} {opened.strays[0]} was not looked into: none of the official files is called so"
            f" ({', '.join(s.file for s in dataset.sources)}).",
            f"If it is one, name it itself: --from {opened.strays[0]} --no-verify\nElse: {error.hint}",
        ) from error
    for many in ({s.number for s in samples}, {layout.file_name(dataset, s) for s in samples}):
        if len(many) != len(samples):
            raise InputError(f"The recipe of {dataset.title} gives two images one name.", "Tell its authors.")
    if odd := next((s for s in samples if s.suffix.lower() not in layout.SUFFIXES), None):
        raise InputError(
            f"{odd.original or odd.number} of {dataset.title} is no image, by its ending '{odd.suffix}'.",
            "Check --from.",
        )
    return samples


def _compared(dataset: Dataset, options: Options, samples: list[Sample], opened: Opened, verify: bool) -> str:
    """What of the whole set is not as published; where that matters (`verify`), it is refused."""
    if not samples:
        raise InputError(f"There are no images of {dataset.title} in what was given.", "Check --from.")
    if options.classes or not (differing := unlike(dataset, options.split, samples)):
        return ""
    if verify:
        left_out = f" Left out: {opened.place.left_out[0]}." if opened.place.left_out else ""
        raise InputError(
            f"What was given is not {dataset.title} as published, split {options.split}: {differing}.{left_out}",
            "Give all of it: a folder may be half unpacked, or of another set. To take it as it is, add --no-verify.",
        )
    return differing


def _write(
    dataset: Dataset, samples: Sequence[Sample], folder: Path, watch: Watch
) -> tuple[set[int], list[InputError]]:
    """Write the images in the order in which they are stored: the numbers of those that are there, and why others of
    addresses of their own are not. One such never stops the others; when nothing comes any more, that is told."""
    written: set[int] = set()
    failed: list[InputError] = []
    stored = sorted(samples, key=lambda s: (getattr(s.image, "order", (0, 0)), s.number))
    with watch(dataset.name, len(samples)) as tick, ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(0, len(stored), _CHUNK):
            chunk, before = stored[start : start + _CHUNK], len(failed)
            wanted = [s for s in chunk if not _came(s, folder / layout.file_name(dataset, s))]
            written |= {s.number for s in chunk} - {s.number for s in wanted}
            tick(len(chunk) - len(wanted))
            for sample, image in zip(wanted, _loaded(wanted, pool), strict=True):
                if isinstance(image, InputError):
                    failed.append(image)
                elif image is not None:
                    layout.put(folder / layout.file_name(dataset, sample), image)
                    if hasattr(sample.image, "forget"):
                        sample.image.forget()
                    written.add(sample.number)
                tick(1)
            if len(failed) - before == _CHUNK:
                raise failed[before]
    return written, failed


def _came(sample: Sample, path: Path) -> bool:
    """Whether an image of an address of its own came before. It is kept in this one place, and not asked for again."""
    return getattr(sample.image, "remote", False) and not path.is_symlink() and is_whole(path)


def _loaded(chunk: Sequence[Sample], pool: ThreadPoolExecutor) -> Iterator[bytes | Pixels | InputError | None]:
    """Images of addresses of their own are waited for together. All others are read in this thread, one after the
    other: the members of an archive share its one file, and two threads would move it under each other."""
    coming = {n: pool.submit(sample.image) for n, sample in enumerate(chunk) if getattr(sample.image, "remote", False)}
    try:
        for number, sample in enumerate(chunk):
            if number not in coming:
                yield sample.image()
                continue
            try:
                image = coming[number].result()
            except InputError as error:
                yield error
            else:
                yield image
    finally:
        for one in coming.values():
            one.cancel()


def _finish(
    dataset: Dataset,
    folder: Path,
    asked: dict[str, Any],
    opened: Opened,
    rows: Sequence[tuple[str, Sample]],
    gone: int,
    failed: Sequence[InputError],
    differing: str,
) -> Prepared:
    if not rows:
        if failed:
            raise failed[0]
        raise InputError(f"None of the images of {dataset.title} can be had any more.", f"See {dataset.page}")
    table = layout.table(dataset, rows)
    changed = not layout.put_table(folder, asked, table)
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
        "failed": len(failed),
        "counts": layout.counts(dataset, rows),
        "table": hashlib.sha256(table).hexdigest(),
        "sources": [asdict(used) for used in opened.used],
        "unpacked": opened.unpacked,
        "unlike": differing,
    }
    layout.write_state(folder, state)
    (folder / layout.BEGUN).unlink(missing_ok=True)
    return as_prepared(folder, state, fresh=True, changed=changed, why=failed[0].message if failed else "")


def _again(dataset: Dataset, options: Options, root: Path, verify: bool) -> str:
    """The same command, without what it takes files from."""
    words = ["ictc", "data", "prepare", dataset.name, "--root", str(root)]
    if options.split != next(iter(dataset.splits)):
        words += ["--split", options.split]
    if options.classes_file or any("," in name for name in options.classes):
        words += ["--classes", str(options.classes_file or "FILE.txt")]
    elif options.classes:
        words += ["--classes", ",".join(options.classes)]
    if options.per_class:
        words += ["--per-class", str(options.per_class), "--seed", str(options.seed)]
    for criterion, file in options.labels.items():
        words += ["--labels", f"{criterion}={file}"]
    return shlex.join([*words, *["--no-verify"] * (not verify)])


@contextmanager
def _locked(root: Path, name: str) -> Iterator[None]:
    lock = FileLock(root / f".{name}.lock", timeout=0)
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RunBusy(f"Another process prepares {root / name}.", "Wait for it, or choose another --root.") from error
    except OSError as error:
        raise UsageError(f"{root} cannot be used: {error.strerror}.", "Choose another folder: --root DIR") from error
    try:
        yield
    finally:
        lock.release()
