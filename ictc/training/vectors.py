"""Vectors of the images of a training, by any embedder: made once, kept where the same command finds them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ictc import registry
from ictc.asking import StoredModel, text_fingerprint
from ictc.embed.beside import store_beside
from ictc.embed.images import CachedImages
from ictc.embedders.opening import Asking, open_images
from ictc.errors import InputError, RunError, UsageError
from ictc.interfaces import Model, Vectors
from ictc.lane.rows import check_rows
from ictc.means import SHOWN
from ictc.modeloptions import ModelOptions
from ictc.progress import Watch
from ictc.runfolder import RunFolder
from ictc.store import Store
from ictc.training.folder import first_process
from ictc.training.labelled import Given
from ictc.training.split import LEFT, TEST, TRAIN
from ictc.types import Failure, Item, Reply, Request

CRITERION = SHOWN
"""What an embedder that asks models (`described:`) is trained on; kept in `made`, to be asked again later."""


@dataclass(frozen=True)
class Embedded:
    """`source` with its parts as they came out: who has no vector is left, and so is who would be tested though the
    embedder itself was trained on it. `rows` [n, d] float32 are of `trained`, `apart_rows` of `apart`."""

    source: Given
    trained: Sequence[Item]
    rows: Vectors
    apart: Sequence[Item]
    apart_rows: Vectors
    failures: Sequence[Failure]
    seen: frozenset[str]

    @property
    def dim(self) -> int:
        return int(self.rows.shape[1])


def placed(spec: str) -> str:
    """The same from any working folder, where it names a folder or file: as a training keeps it."""
    kind, colon, argument = spec.partition(":")
    return f"{kind}:{Path(argument).resolve()}" if colon and argument and Path(argument).exists() else spec


@contextmanager
def opened(spec: str, run: Path | None, out: Path, device: str | None) -> Iterator[CachedImages]:
    """The embedder behind the store of `run` (made when missing), or else behind one beside `out`, which goes when the
    block ends well. Of models (`described:openai:...`) it takes what the store has: a training counts no requests.

    Raises:
        SpecError, MissingExtra: it cannot be used, or embeds texts alone. RunError: a folder cannot be written.
        UsageError: when images are embedded, a model would have to be asked.
    """
    options = ModelOptions(device=device)
    if not first_process():  # of several on one machine one alone writes; the others embed for themselves
        yield open_images(spec, Store(None), options, asking=_asking(spec, run, options))
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{out} cannot be made: {error.strerror or error}.", "Choose another folder with -o.") from error
    with RunFolder(run, create=True).open_store() if run else store_beside(out) as store:
        yield open_images(spec, store, options, asking=_asking(spec, run, options))


def embedded(source: Given, embedder: CachedImages, watch: Watch) -> Embedded:
    """Raises InputError: no image to train on has a vector, or vectors are of several widths or not finite."""
    parts = {
        i.name: LEFT if source.parts[i.name] == TEST and i.sha256 in embedder.seen else source.parts[i.name]
        for i in source.items
    }
    items = [i for i in source.items if parts[i.name] != LEFT]
    with watch("embed", len(items)) as tick:
        found = dict(zip([i.name for i in items], embedder.embed_images(items, tick), strict=True))
    failures = [f for f in found.values() if isinstance(f, Failure)]
    parts |= {f.image: LEFT for f in failures}
    source = replace(source, parts=parts)
    trained, apart = source.of(TRAIN), source.of(TEST)
    if not trained:
        raise InputError(
            f"No image to train on has a vector: {failures[0].message}", "Look at the images, or at --embedder."
        )
    widths = {len(v) for v in found.values() if not isinstance(v, Failure)}
    if len(widths) > 1:
        raise InputError(f"The vectors are of several widths: {sorted(widths)[:3]}.", "Give those of one embedder.")
    rows = np.array([found[i.name] for i in (*trained, *apart)], np.float32)
    check_rows(rows, [i.name for i in (*trained, *apart)], zeros=True)
    seen = frozenset(i.sha256 for i in trained if i.sha256) | embedder.seen
    return Embedded(source, trained, rows[: len(trained)], apart, rows[len(trained) :], failures, seen)


class _Unasked:
    """Implements `Model` in place of one whose answers are to be stored already."""

    def __init__(self, model: Model, refusal: UsageError) -> None:
        self.fingerprint, self.text_fingerprint = model.fingerprint, text_fingerprint(model)
        self._refusal = refusal

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for _ in requests:
            raise self._refusal
        yield from ()


def _asking(spec: str, run: Path | None, options: ModelOptions) -> Asking:
    place = run or "RUN"
    refusal = UsageError(
        f"{spec} asks a model about images, and a training counts and limits no requests.",
        f"Ask first: ictc embed IMAGES --embedder {spec} -o {place}    then train with: --run {place}",
    )

    def opener(store: Store) -> Callable[[str], Model]:
        return lambda model: StoredModel(_Unasked(registry.model(model, options), refusal), store)

    return Asking(CRITERION, models=opener)


def spread(rows: Vectors) -> tuple[Vectors, Vectors]:
    """Mean and deviation [d] of each number over the images, to standardise by; a number that never changes has 1."""
    wide = rows.astype(np.float64)
    deviation = wide.std(axis=0)
    return wide.mean(axis=0).astype(np.float32), np.where(deviation > 1e-8, deviation, 1).astype(np.float32)
