"""One look at each image: decode, measure, run the network; kept in the store, so that nobody looks twice.

Several threads each take a chunk of images through all three, with one torch thread each: no thread ever waits for
another, which on few cores is faster than decoding beside a network that uses all of them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version

from PIL import Image

from ictc.images.decode import SIZE as ORIGINAL_SIZE
from ictc.images.decode import ImageFault, open_rgb
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.efficientnet import BATCH, CLASSES, DIM, SIDE, EfficientNetLite0, Head, side_for
from ictc.store import Store, content_key, encode_json, encode_vector
from ictc.types import Failure, Item
from step1.attributes import VERSION, Measured, from_json, measure
from step1.squares import squares

PREPROCESSING = f"draft,upright,squash,bicubic,gap2/2,pillow=={version('pillow')},torch=={version('torch')}"
"""From file to pixels: to be changed with every change that can give other pixels. Part of every stored key."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one image: the network's features float32 [1280], and the measured attributes."""

    features: Vectors
    measured: Measured


_Looked = list[tuple[Item, Seen | Failure]]


class Eyes:
    """`look` computes what the store lacks; `recall` only reads."""

    def __init__(self, store: Store, net: EfficientNetLite0) -> None:
        self._store = store
        self._net = net
        self._head: Head | None = None

    @property
    def fingerprint(self) -> str:
        return f"{self._net.fingerprint},attributes/{VERSION},{PREPROCESSING}"

    def look(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Seen | Failure]:
        """In the order of `items`. Equal files are looked at once. `tick` counts images as they become known."""
        known: dict[str, Seen | Failure] = dict(self._stored([i.sha256 for i in items if i.sha256]))
        missing = {_identity(i): i for i in reversed(items) if _identity(i) not in known}
        todo = [i for i in items if missing.get(_identity(i)) is i]
        tick(len(items) - len(todo))
        for looked in self._compute(todo):
            self._keep([(item, seen) for item, seen in looked if isinstance(seen, Seen)])
            known.update((_identity(item), seen) for item, seen in looked)
            tick(len(looked))
        return [_named(known[_identity(i)], i) for i in items]

    def recall(self, hashes: Sequence[str]) -> list[Seen] | None:
        """What was seen of the images with these hashes, or None when one of them was never seen."""
        known = self._stored(hashes)
        return [known[h] for h in hashes] if all(h in known for h in hashes) else None

    def head(self) -> Head:
        """The network's last layer, from the store where it was kept beside the features (no torch needed)."""
        if self._head is None:
            weight, bias = (content_key("head/1", model=self._net.fingerprint, part=p) for p in ("weight", "bias"))
            kept = self._store.get_vectors([weight, bias])
            if len(kept) == 2:
                self._head = Head(kept[weight].reshape(DIM, CLASSES), kept[bias])
            else:
                self._head = self._net.head()
                self._store.put_vectors([(weight, self._head.weight.ravel()), (bias, self._head.bias)])
        return self._head

    def _stored(self, hashes: Sequence[str]) -> dict[str, Seen]:
        distinct = list(dict.fromkeys(hashes))
        features = self._store.get_vectors([self._feature_key(h) for h in distinct])
        measured = self._store.get_json([_measured_key(h) for h in distinct])
        return {
            h: Seen(features[self._feature_key(h)], from_json(measured[_measured_key(h)]))
            for h in distinct
            if self._feature_key(h) in features and _measured_key(h) in measured
        }

    def _keep(self, seen: Sequence[tuple[Item, Seen]]) -> None:
        """All of a chunk in one commit: a kill leaves both of an image's entries or none."""
        hashed = [(i.sha256, s) for i, s in seen if i.sha256]
        measured = [(_measured_key(h), encode_json(s.measured.to_json())) for h, s in hashed]
        self._store.put_many([*measured, *((self._feature_key(h), encode_vector(s.features)) for h, s in hashed)])

    def _feature_key(self, sha256: str) -> str:
        return content_key("features/1", model=self._net.fingerprint, preprocessing=PREPROCESSING, image=sha256)

    def _compute(self, items: Sequence[Item]) -> Iterator[_Looked]:
        """Chunk by chunk, in order; at most two chunks a thread are under way."""
        if not items:
            return
        import torch

        chunks = deque(items[i : i + BATCH] for i in range(0, len(items), BATCH))
        workers = max(1, min(len(chunks), os.cpu_count() or 1))
        threads = torch.get_num_threads()
        pool = ThreadPoolExecutor(workers, "eyes", initializer=torch.set_num_threads, initargs=(1,))
        try:
            ahead: deque[Future[_Looked]] = deque()
            while chunks or ahead:
                while chunks and len(ahead) < 2 * workers:
                    ahead.append(pool.submit(self._look_at, chunks.popleft()))
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)

    def _look_at(self, chunk: Sequence[Item]) -> _Looked:
        opened = [_open(item) for item in chunk]
        found: list[Seen | Failure | None] = [o if isinstance(o, Failure) else None for o in opened]
        images = {i: o for i, o in enumerate(opened) if not isinstance(o, Failure)}
        for side in {side_for(*image.size) for image in images.values()}:
            places = [i for i, image in images.items() if side_for(*image.size) == side]
            pixels = squares([images[i] for i in places], side)
            sizes = [images[i].info[ORIGINAL_SIZE] for i in places]
            features = self._net.features(pixels)
            for i, row, measured in zip(places, features, measure(pixels, sizes), strict=True):
                found[i] = Seen(row, measured)
        return [(item, f) for item, f in zip(chunk, found, strict=True) if f is not None]


def _open(item: Item) -> Image.Image | Failure:
    if item.path is None:
        return Failure(item.name, "image", "missing-file", "There is no image file, only a description.")
    try:
        return open_rgb(item.path, hint=(SIDE, SIDE))
    except ImageFault as fault:
        return fault.failure(item.name)


def _identity(item: Item) -> str:
    return item.sha256 or f"unread:{item.name}"


def _named(seen: Seen | Failure, item: Item) -> Seen | Failure:
    """A failure carries the name of the image in whose place it stands, also when an equal file was looked at."""
    return replace(seen, image=item.name) if isinstance(seen, Failure) else seen


def _measured_key(sha256: str) -> str:
    return content_key("measured/1", version=VERSION, preprocessing=PREPROCESSING, image=sha256)
