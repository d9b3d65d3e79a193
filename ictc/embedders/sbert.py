"""`sbert:[REPO_OR_DIR]`: texts through a sentence-transformers model, without that package.

Such a folder says in `modules.json` what comes after the transformer: pooling (mean, class token, maximum, or last
token, as its configuration has it) and mostly normalising, which is done either way (Reimers and Gurevych, EMNLP 2019).
A folder without it is pooled by the mean. `sbert:` alone is the embedded MiniLM.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ictc.embedders.folder import check_folder
from ictc.errors import SpecError
from ictc.interfaces import Embedder, Tick, Vectors, no_tick
from ictc.modeloptions import ModelOptions
from ictc.models.hf.loading import check_code, device_for, part, quiet
from ictc.models.hf.spec import Source, read
from ictc.models.hf.whole import whole
from ictc.registry import EmbedderContext

_VERSION = "sbert/1"
"""To be changed with every change here that can give other vectors."""

_BATCH = 32
_MOST_TOKENS = 512
_CHARS = 16 * _MOST_TOKENS  # spares tokenizers megabytes of text that would be cut anyway
_POOLING = {"mean_tokens": "mean", "cls_token": "cls", "max_tokens": "max", "lasttoken": "lasttoken"}
_KNOWN = ("Transformer", "Pooling", "Normalize")


def create(argument: str, context: EmbedderContext) -> Embedder:
    """The entry point `sbert`. Reads the configuration; libraries and weights are loaded when first needed.

    Raises:
        SpecError: there is no such model, or it has modules that are not known here.
    """
    if not argument:
        return context.text
    source = read(argument, "sbert", embeds=True)
    if source.bits:
        raise SpecError(f"{source.spec} cannot be loaded in {source.bits} bits.", f"Write: {source.spec}")
    return SentenceEncoder(source, replace(context.options, trust_remote_code=False))


class SentenceEncoder:
    """Implements `Embedder`. float32 on a CPU, half precision elsewhere."""

    portable = True

    def __init__(self, source: Source, options: ModelOptions) -> None:
        self._source = source
        self._options = options
        self._pooling = _pooling(source)
        self._limit = int(_settings(source, "sentence_bert_config.json").get("max_seq_length") or _MOST_TOKENS)
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    @cached_property
    def fingerprint(self) -> str:
        return f"{_VERSION}:{self._source.digest},{self._pooling},{self._limit},transformers=={version('transformers')}"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        """Unit rows [n, d]. A text without words is a row of zeros; of a long one the start is read."""
        tokenizer, model = self._load()
        rows = np.zeros((len(texts), model.config.hidden_size), np.float32)
        place = sorted((i for i, t in enumerate(texts) if t.strip()), key=lambda i: (len(texts[i]), texts[i]))
        tick(len(texts) - len(place))
        for start in range(0, len(place), _BATCH):
            some = place[start : start + _BATCH]
            with self._lock:
                rows[some] = self._embedded(tokenizer, model, [texts[i] for i in some])
            tick(len(some))
        return rows

    def _embedded(self, tokenizer: Any, model: Any, texts: Sequence[str]) -> Vectors:
        import torch

        readable = [text[:_CHARS].encode("utf-8", "replace").decode() for text in texts]  # no lone surrogates
        limit = min(self._limit, tokenizer.model_max_length)
        inputs = tokenizer(readable, padding=True, truncation=True, max_length=limit, return_tensors="pt")
        inputs = {name: value.to(model.device) for name, value in inputs.items()}
        with torch.inference_mode():
            hidden = model(**inputs).last_hidden_state.float()
            mask = inputs["attention_mask"][:, :, None]
            if self._pooling == "mean":
                pooled = (hidden * mask).sum(1) / mask.sum(1)
            elif self._pooling == "max":
                pooled = hidden.masked_fill(mask == 0, -torch.inf).amax(1)
            elif self._pooling == "cls":
                pooled = hidden[:, 0]
            else:
                pooled = hidden[torch.arange(len(hidden)), mask[:, :, 0].sum(1) - 1]
            unit: Vectors = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        unit[~np.isfinite(unit).all(axis=1)] = 0
        return unit

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                from transformers import AutoModel, AutoTokenizer

                check_code(self._source, self._options)
                check_folder(self._source, sees=False)
                quiet()
                device = device_for(self._options.device)
                dtype = "float32" if device == "cpu" else "float16"
                model = whole(AutoModel, self._source, self._options, ("pooler.",), dtype=dtype)
                tokenizer = part(AutoTokenizer, self._source, self._options)
                tokenizer.padding_side = "right"
                self._loaded = tokenizer, model.to(device).eval()
            return self._loaded


def _pooling(source: Source) -> str:
    """How a text's token vectors become one."""
    modules = _settings(source, "modules.json") or []
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if strange := [kind for kind in kinds if kind not in _KNOWN]:
        raise _unknown(source, f"a module {strange[0]}")
    where = next((m["path"] for m, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), None)
    if where is None:
        return "mean"
    settings = _settings(source, f"{where}/config.json")
    chosen = settings.get("pooling_mode") or [
        mode for name, mode in _POOLING.items() if settings.get(f"pooling_mode_{name}")
    ]
    modes = [chosen] if isinstance(chosen, str) else list(chosen)
    if len(modes) != 1 or modes[0] not in _POOLING.values():
        raise _unknown(source, f"the pooling {'+'.join(modes) or 'of no known kind'}")
    return str(modes[0])


def _unknown(source: Source, what: str) -> SpecError:
    return SpecError(
        f"{source.spec} has {what}, which is not known here.",
        "Embed the texts with sentence-transformers, and bring the vectors: ictc embed import FILE -o RUN",
    )


def _settings(source: Source, file: str) -> Any:
    """A JSON file of the model; {} where it has none."""
    from transformers.utils import cached_file

    found = cached_file(
        source.place, file, revision=source.revision or None, _raise_exceptions_for_missing_entries=False
    )
    return json.loads(Path(found).read_text("utf-8")) if found else {}
