"""Vectors of images that are kept in the run's store by content, so that no image is embedded twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ictc.embed.cached import CachedEmbedder
from ictc.embed.work import EmbeddingImages
from ictc.engine import Engine
from ictc.engine.local import LOCAL
from ictc.errors import UsageError
from ictc.interfaces import Foreseeing, ImageEmbedder, JointEmbedder, Telling, Tick, Trained, Vectors, no_tick
from ictc.store import Store, content_keys
from ictc.types import Failure, Item

CHUNK = 512
"""Images a commit. Chunks are cut from all images of a call, not from those that are missing: a call that goes on after
a kill, or after some images failed, has the same batches, and with them the same last bits."""


class CachedImages:
    """Wraps an embedder of images with the store; texts, where it embeds them too, by `CachedEmbedder`.

    With `recompute`, what is stored is made anew (once: the second call for an image reads it).
    """

    def __init__(
        self,
        embedder: JointEmbedder | ImageEmbedder,
        store: Store,
        *,
        recompute: bool = False,
        engine: Engine = LOCAL,
        made: Callable[[], Any] | None = None,
    ) -> None:
        """`engine`: who embeds what is missing, with what `made` gives (by default `embedder`, which is here)."""
        self._embedder = embedder
        self._engine = engine
        self._made_by = made or (lambda: embedder)
        self._store = store
        self._recompute = recompute
        self._made: set[str] = set()
        self._texts: CachedEmbedder | None = None
        if isinstance(embedder, JointEmbedder):
            self._texts = CachedEmbedder(embedder, store, recompute=recompute, engine=engine, made=made)

    @property
    def fingerprint(self) -> str:
        return self._embedder.fingerprint

    @property
    def seen(self) -> frozenset[str]:
        """The SHA-256 of the images that the embedder was trained on; of one that was not trained here, none."""
        return self._embedder.seen if isinstance(self._embedder, Trained) else frozenset()

    @property
    def joint(self) -> bool:
        """Whether texts can be embedded into the same space."""
        return self._texts is not None

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        """float32 [d] unit vectors in the order of `items`. Equal files are embedded once; failures are not stored."""
        known: dict[str, Vectors | Failure] = dict(self._stored([i.sha256 for i in items if i.sha256]))
        first: dict[str, Item] = {}
        for item in items:
            first.setdefault(_identity(item), item)
        distinct = list(first.values())
        if isinstance(self._embedder, Foreseeing):
            self._embedder.foresee(distinct)
        ready = self._ready(known)
        tick(len(items) - sum(_identity(i) not in ready for i in distinct))
        chunks = (distinct[start : start + CHUNK] for start in range(0, len(distinct), CHUNK))
        parts = [part for chunk in chunks if (part := [i for i in chunk if _identity(i) not in ready])]
        work = EmbeddingImages(self._made_by, self.fingerprint)
        for part, found in zip(parts, self._engine.map(work, parts, tick), strict=True):
            self._keep(part, found)
            known.update((_identity(i), f) for i, f in zip(part, found, strict=True))
        return [_named(known[_identity(i)], i) for i in items]

    def told(self, items: Sequence[Item]) -> list[str] | None:
        """What the embedder went by, of images that were embedded; None where it was no words."""
        return self._embedder.told(items) if isinstance(self._embedder, Telling) else None

    def missing(self, items: Sequence[Item]) -> list[Item]:
        """Those without a vector, copies too, of which `embed_images` embeds one."""
        ready = self._ready(self._stored([i.sha256 for i in items if i.sha256]))
        return [i for i in items if _identity(i) not in ready]

    def recall(self, hashes: Sequence[str]) -> Vectors | None:
        """The stored vectors [n, d] of the images with these hashes, in order; None where one is missing."""
        return self._store.get_matrix(self._keys(hashes))

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        """Unit rows [n, d] of the same space.

        Raises:
            UsageError: the embedder embeds images alone.
        """
        return self.texts().embed_texts(texts, tick)

    def missing_texts(self, texts: Sequence[str]) -> list[str]:
        """See `CachedEmbedder`. Raises UsageError: as `embed_texts`."""
        return self.texts().missing_texts(texts)

    def texts(self) -> CachedEmbedder:
        """That which embeds texts. Raises UsageError: nothing does."""
        if self._texts is None:
            raise UsageError(
                "This embedder knows images alone, so prompts cannot be compared with them.",
                "Choose one that embeds texts too: --embedder offline, --embedder clip:FOLDER",
            )
        return self._texts

    def _keys(self, hashes: Sequence[str]) -> list[str]:
        return content_keys("image-vector/1", "image", hashes, model=self.fingerprint)

    def _stored(self, hashes: Sequence[str]) -> dict[str, Vectors]:
        keys = dict(zip(self._keys(hashes), hashes, strict=True))
        return {keys[k]: v for k, v in self._store.get_vectors(list(keys)).items()}

    def _ready(self, known: Iterable[str]) -> set[str]:
        return {s for s in known if not self._recompute or s in self._made}

    def _keep(self, items: Sequence[Item], found: Sequence[Vectors | Failure]) -> None:
        made = {i.sha256: f for i, f in zip(items, found, strict=True) if i.sha256 and not isinstance(f, Failure)}
        self._store.put_vectors(zip(self._keys(list(made)), made.values(), strict=True))
        self._made.update(made)


def _identity(item: Item) -> str:
    return item.sha256 or f"unread:{item.name}"


def _named(found: Vectors | Failure, item: Item) -> Vectors | Failure:
    """A failure carries the name of the image in whose place it stands, also when an equal file was looked at."""
    return replace(found, image=item.name) if isinstance(found, Failure) else found
