"""The contract of embedders: of images, of texts, and of both in one space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from ictc.contracts.ground import ABSENT, BAD, holds, pictures
from ictc.interfaces import Embedder, ImageEmbedder, JointEmbedder, Vectors
from ictc.types import Failure

Make = Callable[[], ImageEmbedder | Embedder]
TEXTS = ["a cat on a red sofa", "a truck", "", "a truck \ud800", "a cat on a red sofa", "words " * 3000, "犬"]


def rows_of(found: Sequence[Vectors | Failure]) -> Vectors:
    """float32 [n, d] of those that did not fail."""
    return np.stack([f for f in found if not isinstance(f, Failure)])


def _images(made: object) -> ImageEmbedder | None:
    """`made` as one that embeds images, None where it does not."""
    return made if isinstance(made, ImageEmbedder) else None


def _texts(made: object) -> Embedder | None:
    """`made` as one that embeds texts, None where it does not."""
    return cast(Embedder, made) if hasattr(made, "embed_texts") else None


def image_rows_in_order_and_failures_in_place(make: Make, folder: Path) -> None:
    made, again, items = _images(make()), _images(make()), pictures(folder)
    if made is None or again is None:
        return
    found = made.embed_images(items)
    holds(len(found) == len(items), "one vector or Failure for each image")
    failed = [n for n, f in enumerate(found) if isinstance(f, Failure)]
    holds(failed == [BAD, ABSENT], f"images that cannot be read are Failures in their place; failed: {failed}")
    for n in failed:
        failure = found[n]
        told = isinstance(failure, Failure) and failure.image == items[n].name and failure.code and failure.message
        holds(bool(told), f"a Failure says which image, a code and a message: {failure}")
    rows = rows_of(found)
    holds(rows.dtype == np.float32 and rows.ndim == 2, "a vector is float32 [d], d the same for all")
    holds(bool(np.isfinite(rows).all()), "vectors are finite")
    if _texts(made):
        unit = np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        holds(unit, "where texts are embedded too, rows have length 1")
    backwards = rows_of(again.embed_images(items[::-1]))[::-1]
    holds(np.allclose(backwards, rows, atol=1e-5), "a vector does not depend on the other images")


def the_same_call_gives_the_same_bits_also_anew(make: Make, folder: Path) -> None:
    made, again, items = make(), make(), pictures(folder)
    if (one := _images(made)) and (other := _images(again)):
        same = np.array_equal(rows_of(one.embed_images(items)), rows_of(other.embed_images(items)))
        holds(same, "the same images, opened anew: the same bits")
    if (first := _texts(made)) and (second := _texts(again)):
        same = np.array_equal(first.embed_texts(TEXTS[:2]), second.embed_texts(TEXTS[:2]))
        holds(same, "the same texts, opened anew: the same bits")


def progress_counts_everything_once(make: Make, folder: Path) -> None:
    made, items = make(), pictures(folder)
    if isinstance(made, ImageEmbedder):
        for images in (items, items[:1], []):
            done: list[int] = []
            holds(len(made.embed_images(images, done.append)) == len(images), "one answer for each image")
            holds(sum(done) == len(images), f"tick counted {sum(done)} of {len(images)} images (failed ones count)")
    if of_texts := _texts(made):
        for texts in (TEXTS[:4], []):
            done = []
            of_texts.embed_texts(texts, done.append)
            holds(sum(done) == len(texts), f"tick counted {sum(done)} of {len(texts)} texts")


def the_fingerprint_does_not_change_by_use(make: Make, folder: Path) -> None:
    made, items = make(), pictures(folder)
    before = made.fingerprint
    if isinstance(made, ImageEmbedder):
        made.embed_images(items)
    if of_texts := _texts(made):
        of_texts.embed_texts(TEXTS[:2])
    holds(isinstance(before, str) and before != "", "the fingerprint is a text")
    holds(made.fingerprint == before == make().fingerprint, "use or opening anew does not change the fingerprint")


def texts_are_unit_rows_in_order(make: Make, folder: Path) -> None:
    made = _texts(make())
    if made is None:
        return
    rows = made.embed_texts(TEXTS)
    holds(rows.dtype == np.float32, "texts are float32 [n, d]")
    length = [0 if not t.strip() else 1 for t in TEXTS]
    holds(
        np.allclose(np.linalg.norm(rows, axis=1), length, atol=1e-5), "rows have length 1, an empty text is all zeros"
    )
    holds(np.allclose(rows[0], rows[4], atol=1e-6), "equal texts get equal vectors")
    holds(
        np.allclose(made.embed_texts(TEXTS[:1])[0], rows[0], atol=1e-5), "a vector does not depend on the other texts"
    )
    holds(bool(np.abs(rows[0] - rows[1]).max() > 1e-3), "other texts get other vectors")
    holds(made.embed_texts([]).shape == (0, rows.shape[1]), "no texts are no rows of the same width")
    if isinstance(made, JointEmbedder):
        of_image = rows_of(made.embed_images(pictures(folder)[:1]))
        holds(of_image.shape[1] == rows.shape[1], "images and texts lie in one space")


EMBEDDER = (
    image_rows_in_order_and_failures_in_place,
    the_same_call_gives_the_same_bits_also_anew,
    progress_counts_everything_once,
    the_fingerprint_does_not_change_by_use,
    texts_are_unit_rows_in_order,
)
