"""`described:DESCRIBER[,TEXTS]`: an image's vector is that of what a describer says about it.

Captions or answers to a question, through an embedder of texts (the embedded MiniLM, or TEXTS: `sbert:FOLDER` and
others), are vectors that follow a criterion: another one, asked of the same images, moves them. Prompts lie in the same
space. An image about which nothing was said has no vector: special tokens are no text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ictc import registry
from ictc.embed.cached import CachedEmbedder
from ictc.errors import IctcError, ModelGone, SpecError
from ictc.interfaces import Describer, Embedder, Tick, Vectors, no_tick
from ictc.means import SHOWN
from ictc.models.trained import seen_by
from ictc.registry import DescriberContext, EmbedderContext
from ictc.replies.specials import without_specials
from ictc.store import Store, content_key, content_keys
from ictc.types import GONE, Description, Failure, Item

NAME = "described"
_VERSION = "described/1"
"""To be changed with every change here that can give other vectors."""

_EXAMPLE = "described:hf:Salesforce/blip-image-captioning-base, or with texts embedded by: described:...,sbert:FOLDER"


def create(argument: str, context: EmbedderContext) -> Described:
    """The entry point `described`. Nothing is loaded before it is needed.

    Raises:
        SpecError: it names no describer, or texts are to be embedded by what embeds none, or cannot be made.
    """
    who, texts = parts_of(argument)
    embedder = _texts(texts, context)
    return Described(f"{NAME}:{argument}", lambda: _describer(who, context), embedder, context, seen_by(who))


def parts_of(argument: str) -> tuple[str, str]:
    """`DESCRIBER` and `TEXTS` of `DESCRIBER,TEXTS`; "" for TEXTS where what follows the last comma is no embedder.

    Raises:
        SpecError: there is no describer.
    """
    who, comma, texts = argument.rpartition(",")
    if not comma or texts.partition(":")[0] not in registry.embedders():
        who, texts = argument, ""
    name, known = who.partition(":")[0], dict.fromkeys([*registry.describers(), *registry.models()])
    if name not in known:
        said = f": '{name}' is no describer" if name else " names no describer"
        raise SpecError(f"'{NAME}:{argument}'{said}.", f"Known here: {', '.join(known)}. For example {_EXAMPLE}")
    return who, texts


class Described:
    """Implements `JointEmbedder`, `Telling` and `Trained`: unit vectors of descriptions, and of texts.

    Of a finished run (`context.kept`) nothing is opened until another image is to be described, which then has to be
    done as the run's were.
    """

    def __init__(
        self,
        spec: str,
        describer: Callable[[], Describer],
        texts: Embedder,
        context: EmbedderContext,
        seen: frozenset[str] = frozenset(),
    ) -> None:
        self._spec = spec
        self._open = describer
        self._texts = texts
        self._store: Store = context.store
        self._criterion = context.criterion or SHOWN
        self._kept = context.kept
        self.seen: frozenset[str] = seen | getattr(texts, "seen", frozenset())

    @property
    def fingerprint(self) -> str:
        return self._kept or self._own

    @cached_property
    def _own(self) -> str:
        """Of the describer, of what it is asked under the criterion, and of the embedder of texts."""
        asks = getattr(self._describer, "asks", None)  # by what the criterion decides, where the describer says so
        asked = asks(self._criterion) if asks else self._criterion
        return content_key(_VERSION, describer=self._describer.fingerprint, asked=asked, texts=self._texts.fingerprint)

    @cached_property
    def _describer(self) -> Describer:
        return self._open()

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        return self._texts.embed_texts(texts, tick)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        """Raises ModelGone, BudgetSpent: the model answers nothing more; what it answered is kept."""
        if changed := self._changed():
            tick(len(items))
            return [Failure(i.name, "describe", "no-vector", changed) for i in items]
        described = [_said(d) for d in self._describer.describe(items, self._criterion, tick)]
        gone = [d for d in described if isinstance(d, Failure) and d.code in GONE]
        if gone:
            raise ModelGone(
                f"{self._spec}: {gone[0].message} ({gone[0].code}; {len(gone)} of the images were not asked).",
                "What was answered is kept. Mend it and run the same command again: only the rest is asked.",
            )
        texts = [d.text for d in described if isinstance(d, Description)]
        self._keep({i.sha256: d.text for i, d in zip(items, described, strict=True) if isinstance(d, Description)})
        rows = iter(self._texts.embed_texts(texts) if texts else np.zeros((0, 1), np.float32))
        return [d if isinstance(d, Failure) else _row(d, next(rows)) for d in described]

    def told(self, items: Sequence[Item]) -> list[str]:
        """What was said of images that were embedded: stored, as the answers are from which it is found again."""
        keys = self._keys([i.sha256 for i in items])
        known = self._store.get_json(keys)
        missing = [i for i, key in zip(items, keys, strict=True) if key not in known]
        found = iter(self._describer.describe(missing, self._criterion) if missing else ())
        said = (_said(next(found)) if key not in known else known[key]["text"] for key in keys)
        return [s if isinstance(s, str) else s.text if isinstance(s, Description) else "" for s in said]

    def _keep(self, texts: dict[str, str]) -> None:
        known = [sha for sha in texts if sha]
        self._store.put_json([(k, {"text": texts[s]}) for k, s in zip(self._keys(known), known, strict=True)])

    def _keys(self, hashes: Sequence[str]) -> list[str]:
        return content_keys("described-text/1", "image", hashes, model=self.fingerprint)

    def _changed(self) -> str:
        """Why images cannot be described as those of the finished run were; "" where they can."""
        if not self._kept:
            return ""
        try:
            same = self._own == self._kept
        except IctcError as error:
            return error.message
        return "" if same else f"{self._spec} has changed since the run was made, so its vectors would not fit in."


def _said(found: Description | Failure) -> Description | Failure:
    """A description with a word in it."""
    if isinstance(found, Failure):
        return found
    text = without_specials(found.text)
    if not text:
        message = f"The describer said nothing about the image: '{found.text.strip()[:80]}'"
        return Failure(found.image, "describe", "empty", message)
    return Description(found.image, text, found.model, found.sha256)


def _row(described: Description, row: Vectors) -> Vectors | Failure:
    if row.any():
        return row
    return Failure(described.image, "describe", "not-finite", "The description has no usable vector.")


def _describer(spec: str, context: EmbedderContext) -> Describer:
    own = DescriberContext(
        context.store, context.text, context.prompts, context.options, context.open_model, engine=context.engine
    )
    return registry.describer(registry.describing(spec), own)


def _texts(spec: str, context: EmbedderContext) -> Embedder:
    if not spec:
        return context.text
    made: Any = registry.embedder(spec, context)
    if not hasattr(made, "embed_texts"):
        raise SpecError(f"{spec} embeds images, not texts.", f"For example {_EXAMPLE}")
    return context.text if made is context.text else CachedEmbedder(made, context.store)
