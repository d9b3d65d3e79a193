"""A loaded dual encoder: pixels and texts in, unit rows out. What its family has to have is told apart here.

Only PIL image processors are used, also where torchvision is installed: they are the ones the models were published
with, and vectors then do not depend on what else is installed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image

from ictc.embedders.encoder import Pixels, Tower
from ictc.embedders.folder import check_folder
from ictc.errors import SpecError, Told
from ictc.interfaces import Vectors
from ictc.modeloptions import ModelOptions
from ictc.models.hf.loading import check_code, device_for, part, quiet
from ictc.models.hf.spec import Source
from ictc.models.hf.whole import whole

_MOST_TOKENS = 512
_FEWEST_WORDS = 100
_SHOWN = 60
_CHARS = 16 * _MOST_TOKENS  # spares tokenizers megabytes of text that would be cut anyway


class TwoTowers(Tower, Protocol):
    """A loaded dual encoder. Rows are of unit length; zeros where the model gave no usable vector."""

    dim: int

    def texts(self, texts: Sequence[str]) -> Vectors: ...


class Towers:
    """Implements `TwoTowers`. Loads the weights: seconds.

    Raises:
        SpecError: it is incomplete, cannot be loaded, would run code of its own, or is no dual encoder.
    """

    def __init__(self, source: Source, options: ModelOptions) -> None:
        import torch
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        check_code(source, options)
        _check_dual(source)
        check_folder(source, sees=True)
        self.device = device_for(options.device)
        quiet()
        dtype = "float32" if self.device == "cpu" else "float16"
        model = whole(AutoModel, source, options, dtype=dtype)
        self._model = model.to(self.device).eval()
        self._source = source
        self._cut_told = False
        self._images = part(AutoImageProcessor, source, options, backend="pil")
        self._tokenizer = part(AutoTokenizer, source, options)
        if len(self._tokenizer) < _FEWEST_WORDS:  # where its files are missing, the library makes an empty one
            raise SpecError(f"{source.spec} has no tokenizer.", "Copy tokenizer.json and its like into the folder too.")
        self._tokenizer.padding_side = "right"
        self._places = places_of(self._model)
        with torch.inference_mode():
            self.dim = self.texts(["a"]).shape[1]

    @property
    def hint(self) -> tuple[int, int] | None:
        return hint_of(self._images)

    def pixels(self, image: Image.Image) -> Pixels:
        return dict(self._images(image, return_tensors="np"))

    def images(self, batch: Sequence[Pixels]) -> Vectors:
        import torch

        inputs = {name: torch.from_numpy(np.concatenate([p[name] for p in batch])) for name in batch[0]}
        rows = self._features(self._model.get_image_features, inputs)
        if rows.shape[1] != self.dim:
            raise _not_dual(self._source)
        return rows

    def texts(self, texts: Sequence[str]) -> Vectors:
        readable, limit = readable_by(self._source, texts), min(self._places, self._tokenizer.model_max_length)
        inputs = tokenized(self._tokenizer, self._source, readable, limit)
        if not self._cut_told:
            self._tell_cut(texts, [len(ids) for ids in self._tokenizer(readable, verbose=False)["input_ids"]], limit)
        return self._features(self._model.get_text_features, dict(inputs))

    def _tell_cut(self, texts: Sequence[str], tokens: Sequence[int], limit: int) -> None:
        """Once, since a run may have many long texts."""
        if long := [text for text, n in zip(texts, tokens, strict=True) if n > limit]:
            said = f"{self._source.spec} reads {limit} tokens of a text, and not the end of: {long[0][:_SHOWN]}..."
            warnings.warn(said, Told, stacklevel=3)
            self._cut_told = True

    def _features(self, tower: Any, inputs: Mapping[str, Any]) -> Vectors:
        import torch

        there = {
            name: value.to(self.device, self._model.dtype if value.is_floating_point() else None)
            for name, value in inputs.items()
        }
        with torch.inference_mode():
            given = tower(**there)
            rows = getattr(given, "pooler_output", given)  # transformers 5 wraps what 4 gave as it is
            if not isinstance(rows, torch.Tensor) or rows.dim() != 2:
                raise _not_dual(self._source)
            return unit_rows(rows)


def places_of(model: Any) -> int:
    """How many tokens it has places for, of those that anybody would need."""
    text = getattr(model.config, "text_config", model.config)
    return min(getattr(text, "max_position_embeddings", _MOST_TOKENS), _MOST_TOKENS)


def readable_by(source: Source, texts: Sequence[str]) -> list[str]:
    """The texts as the family was trained with."""
    readable = [text[:_CHARS].encode("utf-8", "replace").decode() for text in texts]  # no lone surrogates
    return [text.lower() for text in readable] if _is_sigmoid(source) else readable


def tokenized(tokenizer: Any, source: Source, readable: Sequence[str], limit: int) -> Any:
    """Tensors by argument of the text tower."""
    sigmoid = _is_sigmoid(source)
    return tokenizer(
        readable,
        padding="max_length" if sigmoid else "longest",  # SigLIP has only ever seen texts padded to the end,
        truncation=True,
        max_length=limit,
        return_attention_mask=not sigmoid,  # and read the padding too
        return_tensors="pt",
    )


def _is_sigmoid(source: Source) -> bool:
    return source.model_type.startswith("siglip")


def unit_rows(rows: Any) -> Vectors:
    """A tensor [n, d] on any device as unit rows; zeros where a number is not finite."""
    import torch

    unit: Vectors = torch.nn.functional.normalize(rows.float(), dim=1).cpu().numpy()
    unit[~np.isfinite(unit).all(axis=1)] = 0
    return unit


def hint_of(processor: Any) -> tuple[int, int] | None:
    """Twice the side that a model looks at; None where its preparation does not say."""
    size = dict(getattr(processor, "size", None) or {})
    side = max((v for v in size.values() if isinstance(v, int)), default=0)
    return (2 * side, 2 * side) if side else None


def class_of(source: Source) -> Any:
    """What `AutoModel` would make of it, told before any weight is read; None where it knows no such kind."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    name = MODEL_MAPPING_NAMES.get(source.model_type, "")
    return getattr(transformers, name if isinstance(name, str) else name[0], None)


def _check_dual(source: Source) -> None:
    kind = class_of(source)
    if not all(hasattr(kind, tower) for tower in ("get_image_features", "get_text_features")):
        raise _not_dual(source)


def _not_dual(source: Source) -> SpecError:
    return SpecError(
        f"{source.spec} ('{source.model_type}') is no dual encoder: it does not put images and texts into one space.",
        "Choose a CLIP, SigLIP, AltCLIP or ALIGN; for texts alone: sbert:FOLDER",
    )
