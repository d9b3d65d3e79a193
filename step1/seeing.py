"""One look at each image: decode, measure, run the network; kept in the store, so that nobody looks twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise

from PIL import Image

from ictc.engine import Compute, Engine
from ictc.engine.alike import check_alike
from ictc.engine.local import LOCAL
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

    def __init__(self, store: Store, net: EfficientNetLite0, engine: Engine = LOCAL) -> None:
        self._store = store
        self._net = net
        self._engine = engine
        self._head: Head | None = None
        self._coming: Iterator[_Looked] = iter(())
        self._failed: dict[str, Failure] = {}

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self._net)

    def look(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Seen | Failure]:
        """In the order of `items`. Equal files are looked at once. `tick` counts images as they become known."""
        known: dict[str, Seen | Failure] = dict(self._stored([i.sha256 for i in items if i.sha256]))
        known.update((name, self._failed[name]) for name in map(_identity, items) if name in self._failed)
        missing = {_identity(i): i for i in reversed(items) if _identity(i) not in known}
        todo = [i for i in items if missing.get(_identity(i)) is i]
        tick(len(items) - len(todo))
        asked = set(missing)
        for looked in self._looked(todo):
            self._keep([(item, seen) for item, seen in looked if isinstance(seen, Seen)])
            known.update((_identity(item), seen) for item, seen in looked)
            tick(sum(_identity(item) in asked for item, _ in looked))
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

    def foresee(self, items: Sequence[Item]) -> None:
        """`look` will be asked about these, in parts: computed in one go where the engine takes long to start."""
        self._failed = {}
        self._coming = self._foreseen(items) if self._engine.at_once else iter(())

    def _foreseen(self, items: Sequence[Item]) -> Iterator[_Looked]:
        known = self._stored([i.sha256 for i in items if i.sha256]).keys()
        yield from self._compute([i for i in items if _identity(i) not in known])

    def _looked(self, todo: Sequence[Item]) -> Iterator[_Looked]:
        """What is coming as far as `todo` needs it, then the rest of `todo`."""
        wanted = {_identity(i): i for i in todo}
        while wanted and (looked := next(self._coming, None)):
            self._failed.update((_identity(item), seen) for item, seen in looked if isinstance(seen, Failure))
            for item, _ in looked:
                wanted.pop(_identity(item), None)
            yield looked
        if wanted:
            yield from self._compute(list(wanted.values()))

    def _compute(self, items: Sequence[Item]) -> Iterator[_Looked]:
        """Chunk by chunk, in order."""
        first = CHUNK // 2  # so that two threads decode, which is mostly Python, by turns and not at the same time
        cuts = [0, *range(first, len(items), CHUNK), len(items)]
        chunks = (items[start:end] for start, end in pairwise(cuts) if start < end)
        yield from self._engine.map(Looking(self._net, self.fingerprint), chunks)


@dataclass(frozen=True, slots=True)
class Looking:
    """Implements `Work`."""

    net: EfficientNetLite0
    fingerprint: str
    side_by_side = True

    def open(self) -> Compute[Item, tuple[Item, Seen | Failure]]:
        check_alike("The vision model", self.fingerprint, fingerprint_of(self.net))
        return self._look_at

    def lost(self, row: Item, code: str, message: str) -> tuple[Item, Seen | Failure]:
        return row, Failure(row.name, "describe", code, message, retryable=True)

    def _look_at(self, chunk: Sequence[Item], _tick: Tick = no_tick) -> _Looked:
        opened = [_open(item) for item in chunk]
        found: list[Seen | Failure | None] = [o if isinstance(o, Failure) else None for o in opened]
        images = {i: o for i, o in enumerate(opened) if not isinstance(o, Failure)}
        for side in {side_for(*image.size) for image in images.values()}:
            places = [i for i, image in images.items() if side_for(*image.size) == side]
            pixels = squares([images[i] for i in places], side)
            sizes = [images[i].info[ORIGINAL_SIZE] for i in places]
            features = self.net.features(pixels)
            for i, row, measured in zip(places, features, measure(pixels, sizes), strict=True):
                found[i] = Seen(row, measured)
        return [(item, f) for item, f in zip(chunk, found, strict=True) if f is not None]


def fingerprint_of(net: EfficientNetLite0) -> str:
    """Of everything between a file and what is seen in it."""
    return f"{net.fingerprint},attributes/{VERSION},{PREPROCESSING}"


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
