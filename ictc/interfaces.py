"""The interfaces that parts of ictc keep with each other. Batch first; same order out as in.

An item that fails comes back as a `Failure` value in its place, never as an exception that kills the batch.
Calls are synchronous on the outside; concurrency stays inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ictc.types import Assignment, Description, Failure, Item, Label, Reply, Request, Taxonomy

Vectors = NDArray[np.float32]
"""float32 [n, d], rows of unit Euclidean length (a row that cannot be normalised is all zeros)."""

Tick = Callable[[int], None]
"""Called with the number of items that were finished since the last call."""


def no_tick(_done: int) -> None:
    """The default progress callback: nobody is watching."""


class Model(Protocol):
    """A language or vision model behind one method. `fingerprint` changes whenever the same request could be answered
    otherwise: the model's name or weights, where it is served, how pictures are prepared, its decoding defaults. A
    model may have a `text_fingerprint` besides: the same without what bears on pictures alone.

    `generate` takes requests lazily, no more than it works on at once (there may be a million), and gives every answer
    as soon as it is known, with the number of its request (from 0): in any order, each exactly once. A request that
    cannot be answered is a `Failure` with `image` "" and one of the codes of docs/backends.md. After a failure whose
    code is in `GONE`, the remaining requests, also those of later calls, get that failure without being asked.
    """

    @property
    def fingerprint(self) -> str: ...

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]: ...


class Describer(Protocol):
    """Step 1. `fingerprint` changes whenever the same image and criterion could give another text."""

    @property
    def fingerprint(self) -> str: ...

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]: ...


@runtime_checkable
class Evidence(Protocol):
    """A describer that measured more than words: vectors per image, chosen by the criterion.

    Returns unit rows [n, d] in the order of `descriptions`, or None when nothing measured bears on this criterion
    (or any row is not in the store). Never runs a model: it reads what `describe` stored.
    """

    def evidence(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None: ...


@runtime_checkable
class Appearance(Protocol):
    """A describer that knows what images look like as a whole, whatever their groups: for finding those unlike all
    others, which a map made for grouping (`Evidence`) draws in. Same shape, order and None as there."""

    def appearance(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None: ...


@runtime_checkable
class Noted(Protocol):
    """A describer that knows what it cannot tell: sentences for the person, with what to use instead; mostly none."""

    def notes(self, criterion: str) -> list[str]: ...


class Embedder(Protocol):
    """Texts to unit vectors. `fingerprint` changes whenever the same text could give another vector."""

    @property
    def fingerprint(self) -> str: ...

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors: ...


@runtime_checkable
class ImageEmbedder(Protocol):
    """Images to vectors float32 [d], in the order given; a failed image is a `Failure` in its place. Of unit length
    where texts are embedded too; else as defined, zeros where nothing is found."""

    @property
    def fingerprint(self) -> str: ...

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]: ...


@runtime_checkable
class Foreseeing(Protocol):
    """An embedder of images that wants to know all images of a call before the first chunk of them comes: names are
    matched with those of a file, and what one of them means depends on the others."""

    def foresee(self, items: Sequence[Item]) -> None: ...


@runtime_checkable
class Telling(Protocol):
    """An embedder of images that goes by words: what they were, of images that it embedded; "" where it cannot say."""

    def told(self, items: Sequence[Item]) -> list[str]: ...


@runtime_checkable
class Trained(Protocol):
    """An embedder that was trained here. `seen`: the SHA-256 of the images that it was trained on; scores on these say
    little of others."""

    @property
    def seen(self) -> frozenset[str]: ...


@runtime_checkable
class JointEmbedder(Protocol):
    """Images and texts as unit vectors float32 [d] of one space: their cosine says how well a text fits an image
    (CLIP; Radford et al., ICML 2021). It is an `ImageEmbedder` and an `Embedder` with one fingerprint."""

    @property
    def fingerprint(self) -> str: ...

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]: ...

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors: ...


class Reasoner(Protocol):
    """Steps 2a, 2b and 3 of IC|TC.

    `label` gives one label per description. `merge` gives exactly `k` distinct names (or chooses k when None)
    from the labels of all images, repeats included. `assign` gives every description one of the taxonomy's
    names, or None.
    """

    @property
    def fingerprint(self) -> str: ...

    def label(
        self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick
    ) -> list[Label | Failure]: ...

    def merge(
        self,
        descriptions: Sequence[Description],
        labels: Sequence[Label],
        criterion: str,
        k: int | None,
    ) -> Taxonomy: ...

    def assign(
        self,
        descriptions: Sequence[Description],
        taxonomy: Taxonomy,
        criterion: str,
        tick: Tick = no_tick,
    ) -> list[Assignment | Failure]: ...


class Clusterer(Protocol):
    """Any scikit-learn estimator with `fit_predict`: vectors [n, d] in, integer cluster [n] out (-1: outlier)."""

    def fit_predict(self, X: Vectors) -> NDArray[np.intp]: ...
