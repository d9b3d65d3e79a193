"""Where images lie in the embedding lane: their vectors, their prompts, and both fused and looked at as one view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ictc.embed.cached import CachedEmbedder
from ictc.embed.images import CachedImages
from ictc.errors import StepError, UsageError
from ictc.interfaces import Vectors
from ictc.lane.evening import View, view_of
from ictc.lane.fusion import fused
from ictc.lane.pairing import likeness_to, paired
from ictc.lane.rows import check_rows
from ictc.lane.strategies import GROUPED, IMAGE_ONLY, TASK, prompts_of
from ictc.means import Lane
from ictc.reasoners.spherical import Index
from ictc.types import Description


@dataclass(frozen=True)
class Placed:
    """`images` [n, d] unit; `rows` [n, m] as they are clustered, in `view`. Where there are prompts: `texts` [k, d],
    `names` [k] what each stands for, `nearest` [n] the prompt nearest to each image, and `anchors` [k, m] where a text
    lies among `rows`. `test` [n]: images whose truth was not shown (pairing `label`), unless that holds for all."""

    images: Vectors
    rows: Vectors
    view: View
    texts: Vectors | None = None
    names: tuple[str, ...] = ()
    nearest: Index | None = None
    anchors: Vectors | None = None
    test: NDArray[np.bool_] | None = None


class Placer:
    """Makes `Placed` from what is stored; never runs a model on images. With an embedder of texts alone (`sbert:`),
    or of images that were described elsewhere, descriptions take the place of images."""

    def __init__(self, embedder: CachedImages | CachedEmbedder, lane: Lane, *, texts_only: bool = False) -> None:
        self.embedder = embedder
        self._lane = lane
        self.texts_only = texts_only

    def images(self, descriptions: Sequence[Description]) -> Vectors:
        """Rows [n, d], of unit length where the embedder's are.

        Raises:
            StepError: an image was not embedded. InputError: a vector has no direction, where texts are compared.
        """
        if self.texts_only or not isinstance(self.embedder, CachedImages):
            rows = self.embedder.embed_texts([d.text for d in descriptions])
        else:
            found = self.stored(descriptions)
            if found is None:
                raise StepError(
                    "Some images have no vector in the store, or one of another width.",
                    "Run the same `ictc cluster` command again with --recompute.",
                )
            rows = found
        check_rows(rows, [d.image for d in descriptions], zeros=self._alone)
        return rows

    @property
    def _alone(self) -> bool:
        """Whether images are embedded, and nothing else is: zeros then say that nothing was found in one."""
        return not self.texts_only and isinstance(self.embedder, CachedImages) and not self.embedder.joint

    def stored(self, descriptions: Sequence[Description]) -> Vectors | None:
        """The vectors of the images themselves, where all are in the store."""
        if not isinstance(self.embedder, CachedImages):
            return None
        return self.embedder.recall([d.sha256 for d in descriptions])

    def place(self, descriptions: Sequence[Description], criterion: str, names: Sequence[str] = ()) -> Placed:
        """`names`: of a first clustering, for prompts made of the criterion where no file names classes.

        Raises:
            UsageError: the strategy and pairing do not fit the prompts or the embedder, or nobody said the truth.
        """
        lane, images = self._lane, self.images(descriptions)
        prompts = prompts_of(lane.prompt_set, lane.strategy, criterion, names)
        shown = prompts or (lane.prompt_set and prompts_of(lane.prompt_set, TASK, criterion, ()))
        if not shown:
            view = view_of(images, lane.space)
            return Placed(images, view.of(images), view)
        texts = self.embedder.embed_texts(shown)
        nearest: Index = likeness_to(images, texts).argmax(1)
        test = None
        mixed = partners = images
        if prompts:
            truth = None
            if lane.pairing == "label":
                truth, test = self._shown(descriptions)
            partners = paired(images, texts, lane.pairing, truth)
            mixed = fused(images, partners, lane.fusion, lane.weight)
        view = view_of(mixed if test is None else mixed[~test], lane.space)
        anchors = None
        if lane.fusion != "concat" or not prompts:
            apart = texts - (partners if prompts else texts).mean(0, dtype=np.float64).astype(np.float32)
            anchors = view.turned(apart)
        return Placed(images, view.of(mixed), view, texts, self._names(names), nearest, anchors, test)

    def more(self, placed: Placed, images: Vectors) -> Vectors:
        """Where other images [m, d] lie among those that were `placed`: rows in the same view, fused in the same way,
        each with its nearest prompt where the pairing is by the truth."""
        lane = self._lane
        if placed.texts is None or lane.strategy == IMAGE_ONLY:
            return placed.view.of(images)
        pairing = "best" if lane.pairing == "label" else lane.pairing
        return placed.view.of(fused(images, paired(images, placed.texts, pairing), lane.fusion, lane.weight))

    def _names(self, names: Sequence[str]) -> tuple[str, ...]:
        """What each prompt stands for."""
        given = self._lane.prompt_set
        if given is None:
            return tuple(names)
        return tuple(given.groups[c] for c in given.classes) if self._lane.strategy == GROUPED else given.classes

    def _shown(self, descriptions: Sequence[Description]) -> tuple[Index, NDArray[np.bool_] | None]:
        """The true class of each image that is shown it, -1 elsewhere; and which images are the test.

        Raises:
            UsageError: no truth is known.
        """
        given, shown = self._lane.prompt_set, self._lane.shown
        assert given is not None
        if not shown:
            raise UsageError(
                "Which images were shown their true class is not known: this run was made by an earlier ictc.",
                "Type its `ictc cluster` command again, with the same --truth.",
            )
        place = {name: i for i, name in enumerate(given.classes)}
        found = np.asarray([place[shown[d.image]] if d.image in shown else -1 for d in descriptions], dtype=np.intp)
        return found, found < 0 if (found >= 0).any() else None
