"""The offline text embedder, that embeds the same texts once in all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pytest

from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.minilm import MiniLM


class Remembering(MiniLM):
    """The same vectors as ever: other batches of the same texts would differ in their last bits."""

    known: ClassVar[dict[tuple[str, ...], Vectors]] = {}
    one: ClassVar[MiniLM] = MiniLM()

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        if (key := tuple(texts)) not in self.known:
            self.known[key] = self.one.embed_texts(texts)
        tick(len(texts))
        return self.known[key].copy()


@pytest.fixture(scope="module", autouse=True)
def remembering() -> Iterator[None]:
    """For commands in this process: most of what a small run takes is the vocabulary's vectors (3 s)."""
    with pytest.MonkeyPatch.context() as patch:
        for room in ("ictc.backends", "ictc.embedders.opening"):
            patch.setattr(f"{room}.MiniLM", Remembering)
        yield
