"""One look at each image: decode, measure, run the network; kept in the store, so that nobody looks twice.

Several threads each take a chunk of images through all three, with one torch thread each: no thread ever waits for
another, which on few cores is faster than decoding beside a network that uses all of them.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version

from PIL import Image

from ictc.images.decode import SIZE as ORIGINAL_SIZE
from ictc.images.decode import ImageFault, open_rgb
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.efficientnet import CLASSES, DIM, SIDE, EfficientNetLite0, Head, side_for
from ictc.store import Store, content_key, content_keys, encode_json, encode_vector
from ictc.types import Failure, Item
from step1.attributes import VERSION, Measured, from_json, measure
from step1.squares import squares

CHUNK = 64
"""Images that a thread takes at a time, and that are kept in one commit."""

_SWITCH = 0.0005
"""Seconds until a thread in Python makes way for one that comes back from a layer of the network. By default it is
5 ms, which a layer of a few hundred microseconds waits for again and again."""

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
        feature_keys, measured_keys = self._feature_keys(distinct), _measured_keys(distinct)
        features, measured = self._store.get_vectors(feature_keys), self._store.get_json(measured_keys)
        return {
            h: Seen(features[f], from_json(measured[m]))
            for h, f, m in zip(distinct, feature_keys, measured_keys, strict=True)
            if f in features and m in measured
        }

    def _keep(self, seen: Sequence[tuple[Item, Seen]]) -> None:
        """All of a chunk in one commit: a kill leaves both of an image's entries or none."""
        hashed = [(i.sha256, s) for i, s in seen if i.sha256]
        hashes = [h for h, _ in hashed]
        measured = zip(_measured_keys(hashes), (encode_json(s.measured.to_json()) for _, s in hashed), strict=True)
        features = zip(self._feature_keys(hashes), (encode_vector(s.features) for _, s in hashed), strict=True)
        self._store.put_many([*measured, *features])

    def _feature_keys(self, hashes: Sequence[str]) -> list[str]:
        model = self._net.fingerprint
        return content_keys("features/1", "image", hashes, model=model, preprocessing=PREPROCESSING)

    def _compute(self, items: Sequence[Item]) -> Iterator[_Looked]:
        """Chunk by chunk, in order; at most two chunks a thread are under way."""
        if not items:
            return
        import torch

        first = CHUNK // 2  # so that two threads decode, which is mostly Python, by turns and not at the same time
        chunks = deque([items[:first], *(items[i : i + CHUNK] for i in range(first, len(items), CHUNK))])
        workers = max(1, min(len(chunks), os.cpu_count() or 1))
        threads, switch = torch.get_num_threads(), sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH)
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
            sys.setswitchinterval(switch)

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


def _measured_keys(hashes: Sequence[str]) -> list[str]:
    return content_keys("measured/1", "image", hashes, version=VERSION, preprocessing=PREPROCESSING)
