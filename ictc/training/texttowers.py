"""Networks of texts whose last layers are tuned: the embedded MiniLM, and that of a dual encoder of transformers.

Only what is tuned is in a state dict: a checkpoint does not carry the rest, which is where it was read from.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ictc.embedders.folder import source_of
from ictc.embedders.towers import places_of, readable_by, tokenized
from ictc.embedders.trained.lit import weights_sha256
from ictc.errors import UsageError
from ictc.modeloptions import ModelOptions
from ictc.models.hf.loading import part, quiet
from ictc.models.hf.spec import Source
from ictc.models.hf.whole import whole
from ictc.models.minilm import DIM, mean_pooled, opened, padded, tokens_of

DUAL = ("clip", "siglip", "hf")
"""Embedders that are dual encoders of transformers: their own text tower is tuned."""
_LAYER = re.compile(r"\.(\d+)\.")
_NAMED = "ictc_weights_sha256"
"""In config.json, of all weights: `folder_digest` reads their two ends alone, and what is tuned lies between."""
_SEEING = ("vision", "visual")  # how the parts that see begin
_KEPT = (".json", ".txt", ".model", ".jinja")  # tokenizer, preparation and configuration


class SentenceTower(nn.Module):
    """MiniLM and a linear map into `width` numbers. Tuned: the map and the last `layers` of its layers."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self._tokenizer, bert = opened()
        _check_layers(layers, bert.layers)
        first = bert.layers - layers
        self._bert = bert
        self.text = nn.Module()
        for name, weight in bert.weights.items():
            layer = _LAYER.search(name)
            tuned = layer is not None and int(layer[1]) >= first
            self.text.register_parameter(_slashed(name), nn.Parameter(weight.clone(), requires_grad=tuned))
        self.projection = nn.Linear(DIM, width, bias=False)

    def inputs(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens and mask [n, longest]."""
        return padded(tokens_of(self._tokenizer, texts))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit rows [n, width]."""
        own: dict[str, Tensor] = {name.replace("/", "."): weight for name, weight in self.text.named_parameters()}
        pooled = mean_pooled(replace(self._bert, weights=own), ids, mask)
        return normalize(self.projection(normalize(pooled.float(), dim=1)).float(), dim=1)

    def tuned(self) -> dict[str, Tensor]:
        """The weights that are not as published, by the checkpoint's names, and `projection.weight`."""
        own = {n.replace("/", "."): w for n, w in self.text.named_parameters() if w.requires_grad}
        return {f"text.{name}": weight for name, weight in own.items()} | {"projection.weight": self.projection.weight}


class DualTower(nn.Module):
    """The text tower of a dual encoder. Tuned: the last `layers` of its layers and what comes after them."""

    def __init__(self, source: Source, options: ModelOptions, layers: int) -> None:
        from transformers import AutoModel, AutoTokenizer

        super().__init__()
        quiet()
        self._source, self._options = source, options
        self.model = whole(AutoModel, source, options, dtype="float32")
        self._tokenizer = part(AutoTokenizer, source, options)
        self._tokenizer.padding_side = "right"
        self._limit = min(places_of(self.model), self._tokenizer.model_max_length)
        self.scale = float(self.model.logit_scale.detach().exp()) if hasattr(self.model, "logit_scale") else None
        for name in [n for n, _ in self.model.named_children() if n.startswith(_SEEING)]:
            delattr(self.model, name)  # it is locked: images are embedded already
        found = [(name, _LAYER.search(name)) for name, _ in self.model.named_parameters()]
        depth = 1 + max((int(layer[1]) for _, layer in found if layer), default=-1)
        _check_layers(layers, depth)
        for (name, layer), weight in zip(found, self.model.parameters(), strict=True):
            after = layer is None and "embedding" not in name and not name.startswith("logit_")
            weight.requires_grad_(after or (layer is not None and int(layer[1]) >= depth - layers))
        self._freeze_spare()

    def inputs(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens and mask [n, longest]; where the family reads its padding too, the mask is of ones."""
        found = tokenized(self._tokenizer, self._source, readable_by(self._source, texts), self._limit)
        return found["input_ids"], found.get("attention_mask", torch.ones_like(found["input_ids"]))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit rows [n, width]."""
        given = self.model.get_text_features(input_ids=ids, attention_mask=mask)
        return normalize(getattr(given, "pooler_output", given).float(), dim=1)

    def _freeze_spare(self) -> None:
        """What does not bear on a text's vector (ALIGN's pooler): training on several devices would wait for it."""
        self(*self.inputs(["a"])).sum().backward()
        for weight in self.model.parameters():
            weight.requires_grad_(weight.grad is not None)
            weight.grad = None

    def write(self, folder: Path, scale: float) -> None:
        """The whole dual encoder, its image tower as it was, as a folder like the one it came from; float32."""
        from transformers import AutoModel

        model = whole(AutoModel, self._source, self._options, dtype="float32")
        own = dict(model.named_parameters())
        with torch.no_grad():
            for name, weight in self.model.named_parameters():
                if weight.requires_grad:
                    own[name].copy_(weight)
            if "logit_scale" in own and "logit_bias" not in own:  # SigLIP's two belong together, and to its own loss
                model.logit_scale.fill_(scale).log_()
        part_ = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part_, ignore_errors=True)
        model.save_pretrained(part_)
        config = json.loads((part_ / "config.json").read_text("utf-8")) | {_NAMED: weights_sha256(part_)}
        (part_ / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
        for file in sorted(_place(self._source).iterdir()):
            if file.suffix in _KEPT and not file.name.endswith(".index.json") and not (part_ / file.name).exists():
                shutil.copyfile(file, part_ / file.name)
        shutil.rmtree(folder, ignore_errors=True)
        part_.rename(folder)


def open_tower(spec: str, width: int, layers: int, seed: int) -> SentenceTower | DualTower:
    """The text tower for images as the embedder `spec` has them, vectors of `width` numbers.

    Raises:
        UsageError: it has fewer layers. SpecError: it cannot be loaded.
    """
    torch.manual_seed(seed)
    kind, _, argument = spec.partition(":")
    if kind not in DUAL:
        return SentenceTower(width, layers)
    source, options = source_of(argument, kind, ModelOptions(device="cpu"))
    return DualTower(source, options, layers)


def keep_tuned(module: nn.Module) -> None:
    """From now on its state dict has the parameters that are tuned alone, and is taken back like that."""
    frozen = {name for name, one in module.named_parameters() if not one.requires_grad}

    def drop(_module: Any, state: dict[str, Any], prefix: str, _meta: Any) -> None:
        for name in frozen:
            state.pop(prefix + name, None)

    def there(_module: Any, keys: Any) -> None:
        keys.missing_keys[:] = [name for name in keys.missing_keys if name not in frozen]

    hooked: Any = module
    hooked.register_state_dict_post_hook(drop)
    hooked.register_load_state_dict_post_hook(there)


def check_layers(spec: str, layers: int) -> None:
    """Before anything is embedded, where the configuration says how many there are.

    Raises:
        UsageError: the text tower of `spec` has fewer. SpecError: there is no such model.
    """
    from transformers import AutoConfig

    kind, _, argument = spec.partition(":")
    if kind not in DUAL:
        _check_layers(layers, opened()[1].layers)
        return
    source, options = source_of(argument, kind, ModelOptions(device="cpu"))
    config = part(AutoConfig, source, options)
    depth = getattr(getattr(config, "text_config", config), "num_hidden_layers", None)
    if depth is not None:
        _check_layers(layers, depth)


def _check_layers(layers: int, depth: int) -> None:
    if not 0 <= layers <= depth:
        raise UsageError(f"--layers {layers}: the text tower has {depth}.", f"Give from 0 to {depth}.")


def _slashed(name: str) -> str:
    return name.replace(".", "/")  # torch allows no dots


def _place(source: Source) -> Path:
    """Its folder; that of the cache, of a repository of the hub."""
    if Path(source.place).is_dir():
        return Path(source.place)
    from huggingface_hub import snapshot_download

    files = [f"*{suffix}" for suffix in _KEPT]
    return Path(snapshot_download(source.place, revision=source.revision or None, allow_patterns=files))
