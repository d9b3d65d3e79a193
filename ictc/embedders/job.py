"""What `ictc embed` does: images into a run's store and into files, and vectors made elsewhere into a run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ictc.embed.beside import store_beside
from ictc.embed.files import check_out, write_vectors
from ictc.embed.images import CachedImages
from ictc.embedders.opening import Asking, open_images
from ictc.embedders.vectors import GivenVectors
from ictc.embedders.vectors import given as read_given
from ictc.engine import Engine
from ictc.engine.local import LOCAL
from ictc.errors import InputError, RunError
from ictc.images.sources import read_source
from ictc.interfaces import Vectors
from ictc.modeloptions import ModelOptions
from ictc.progress import Watch, unwatched
from ictc.runfolder import RunFolder
from ictc.store import Store
from ictc.types import Failure, Item


@dataclass(frozen=True, slots=True)
class Embedded:
    """`rows` [n, d] are of `items`, in order; what failed is in `failures`. `files`: those written, if any. `unused`:
    vectors of a file that are of none of the images."""

    embedder: str
    fingerprint: str
    items: Sequence[Item]
    rows: Vectors
    failures: Sequence[Failure]
    files: Sequence[Path] = ()
    unused: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "embedder": self.embedder,
            "fingerprint": self.fingerprint,
            "images": len(self.items) + len(self.failures),
            "embedded": len(self.items),
            "failed": len(self.failures),
            "failures": [{"image": f.image, "code": f.code, "message": f.message} for f in self.failures],
            "width": self.rows.shape[1] if len(self.rows) else 0,
            "files": [str(file) for file in self.files],
        }


def embed(
    images: str,
    spec: str,
    run: Path | None,
    out: Path | None = None,
    options: ModelOptions | None = None,
    *,
    recompute: bool = False,
    watch: Watch = unwatched,
    asking: Asking | None = None,
    engine: Engine = LOCAL,
) -> Embedded:
    """Vectors of all images, kept in the store of `run` (made when missing), and written to `out`, either being
    optional. `asking`: how an embedder asks models, where it does. `engine`: who embeds.

    Raises:
        UsageError and its kinds: images, embedder, run or file are unusable; all but the images are checked first.
        InputError: no image could be embedded.
    """
    if out is not None:
        check_out(out)
    source = read_source(images)
    with _store(run, out) as store, watch("embed", len(source.items)) as tick:
        embedder = open_images(
            spec, store, options or ModelOptions(), recompute=recompute, asking=asking, engine=engine
        )
        found = embedder.embed_images(source.items, tick)
        failures = [*source.failures, *(f for f in found if isinstance(f, Failure))]
        done = [(i, f) for i, f in zip(source.items, found, strict=True) if not isinstance(f, Failure)]
        if not done:
            raise InputError(f"None of {len(failures)} images could be embedded: {failures[0].message}", "")
        items, rows = [item for item, _ in done], np.stack([row for _, row in done])
        names, hashes = [i.name for i in items], [i.sha256 for i in items]
        files = write_vectors(out, names, hashes, rows, embedder.seen) if out else []
        return Embedded(spec, embedder.fingerprint, items, rows, failures, files)


def import_vectors(file: Path, run: Path, images: str | None = None) -> Embedded:
    """Vectors made elsewhere into the store of `run`, for its images, or for `images` where it has none yet.

    Raises:
        InputError: the file is unusable (see `embed.files`), or has no vector for some of the images.
        RunError: the run has no images, and none are given.
    """
    given = read_given(str(file))
    items = read_source(images).items if images else _items_of(run)
    with _store(run) as store:
        embedder = CachedImages(given, store)
        found = embedder.embed_images(items)
        lacking = [f for f in found if isinstance(f, Failure)]
        if lacking:
            first = {f.code: f for f in reversed(lacking)}
            why = (f"{f.image}: {f.message} ({sum(g.code == c for g in lacking)} such)" for c, f in first.items())
            raise InputError(
                f"Of {len(items)} images {len(lacking)} have no vector. {' '.join(why)}",
                "Names must be as in the run, or end as one of them does; embed there what is missing or has changed.",
            )
        rows = np.stack([f for f in found if not isinstance(f, Failure)])
        return Embedded(f"vectors:{file}", embedder.fingerprint, items, rows, [], (), _unused(given, items))


def _unused(given: GivenVectors, items: Sequence[Item]) -> int:
    return given.count - len({row for item in items if (row := given.row_of(item)) is not None})


def _items_of(run: Path) -> list[Item]:
    if not (run / "run.json").exists() or not (folder := RunFolder(run)).revision_ids:
        raise RunError(f"{run} has no images yet.", f"Say which: ictc embed import FILE IMAGES -o {run}")
    items, _ = folder.revision().items()
    return items


def _store(run: Path | None, out: Path | None = None) -> AbstractContextManager[Store]:
    return RunFolder(run, create=True).open_store() if run else store_beside(out)
