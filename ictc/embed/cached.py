"""An embedder that remembers: vectors are kept in the run's store by content, so nothing is embedded twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ictc.embed.work import EmbeddingTexts, Itself
from ictc.engine import Engine
from ictc.engine.local import LOCAL
from ictc.interfaces import Embedder, Tick, Vectors, no_tick
from ictc.store import Store, content_key

CHUNK = 512  # texts a commit: a second or two of work, what a killed run loses at most


class CachedEmbedder:
    """Wraps any `Embedder` with the store. A call whose texts are all stored touches neither the model nor torch.

    What is missing is embedded by length in chunks of a fixed size, one commit a chunk. The last bits of a vector
    depend on the batch it was computed in, and a run that was killed and started again makes the same chunks: those
    committed were the first ones, and the rest is cut at the same places. With `recompute`, what is stored is made anew
    (once: the second call for a text reads it).
    """

    def __init__(
        self,
        embedder: Embedder,
        store: Store,
        *,
        recompute: bool = False,
        engine: Engine = LOCAL,
        made: Callable[[], Embedder] | None = None,
    ) -> None:
        """`engine` embeds what is more than one chunk, with what `made` gives (by default `embedder` itself)."""
        self._embedder = embedder
        self._engine = engine
        self._made_by = made or Itself(embedder)
        self._store = store
        self._recompute = recompute
        self._made: set[str] = set()

    @property
    def fingerprint(self) -> str:
        return self._embedder.fingerprint

    @property
    def seen(self) -> frozenset[str]:
        """See `interfaces.Trained`; of an embedder that was not trained here, none."""
        found: frozenset[str] = getattr(self._embedder, "seen", frozenset())
        return found

    def missing_texts(self, texts: Sequence[str]) -> list[str]:
        """Those without a vector, copies too, of which `embed_texts` embeds one."""
        keys = self._keys(texts)
        known = self._known(keys.values())
        return [text for text in texts if keys[text] not in known]

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        """float32 [n, d] in the order of `texts`; `tick` counts the rows that are ready."""
        keys = self._keys(texts)
        known = self._known(keys.values())
        missing = sorted((t for t, key in keys.items() if key not in known), key=lambda t: (len(t), t))
        tick(len(texts) - len(missing))
        parts = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
        engine = self._engine if len(parts) > 1 else LOCAL
        work = EmbeddingTexts(self._made_by, self.fingerprint)
        for part, rows in zip(parts, engine.map(work, parts), strict=True):
            fresh = list(zip((keys[t] for t in part), rows, strict=True))
            self._store.put_vectors(fresh)
            known.update(fresh)
            if self._recompute:
                self._made.update(key for key, _ in fresh)
            tick(len(part))
        if not texts:
            return self._embedder.embed_texts([])
        return np.stack([known[keys[t]] for t in texts])

    def _keys(self, texts: Sequence[str]) -> dict[str, str]:
        model = self.fingerprint
        return {t: content_key("text-vector/1", model=model, text=t) for t in dict.fromkeys(texts)}

    def _known(self, keys: Iterable[str]) -> dict[str, Vectors]:
        return self._store.get_vectors([key for key in keys if not self._recompute or key in self._made])
