"""`openclip:NAME[/PRETRAINED]`: models of open_clip (Cherti et al., CVPR 2023), such as `openclip:ViT-B-32/openai`.

NAME may be `hf-hub:OWNER/NAME` or `local-dir:FOLDER`, which need no PRETRAINED. It needs the packages open_clip_torch
and torchvision (`pip install 'ictc[openclip]'`). They are not among those this project is tested with: tested is that
this room calls open_clip's functions as documented, on a stand-in that has the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ictc.embedders.dual import DualEncoder
from ictc.embedders.encoder import Pixels
from ictc.embedders.towers import unit_rows
from ictc.errors import MissingExtra, SpecError
from ictc.interfaces import Vectors
from ictc.models.hf.loading import device_for
from ictc.models.weights import folder_digest
from ictc.registry import EmbedderContext

_VERSION = "openclip/1"
_MODULES = ("open_clip", "torchvision")
_WHOLE = ("hf-hub:", "local-dir:")
_REASON = 400  # characters of a library's message that are shown


def create(argument: str, context: EmbedderContext) -> DualEncoder:
    """The entry point `openclip`. Weights are loaded when first needed.

    Raises:
        MissingExtra: open_clip or torchvision is not installed.
        SpecError: the spec names no model.
    """
    name, _, pretrained = (argument, "", "") if argument.startswith(_WHOLE) else argument.partition("/")
    if not name or not (pretrained or name.startswith(_WHOLE)):
        hint = "Type openclip:NAME/PRETRAINED, such as openclip:ViT-B-32/openai"
        raise SpecError(f"'openclip:{argument}' names no trained model.", hint)
    if any(find_spec(module) is None for module in _MODULES):
        raise MissingExtra(f"openclip:{argument}", "openclip")
    load = partial(OpenClipTowers, name, pretrained, context.options.device)
    return DualEncoder(lambda: _fingerprint(name, pretrained), context.options, load)


class OpenClipTowers:
    """Implements `TwoTowers`. Loads the weights.

    Raises:
        SpecError: open_clip cannot make it.
    """

    def __init__(self, name: str, pretrained: str, device: str | None) -> None:
        import open_clip
        import torch

        self.device = device_for(device)
        precision = "fp32" if self.device == "cpu" else "fp16"
        try:
            self._model, _, self._prepare = open_clip.create_model_and_transforms(
                name, pretrained=pretrained or None, device=self.device, precision=precision
            )
            self._tokenizer = open_clip.get_tokenizer(name)
        except Exception as error:  # it has no error class of its own
            raise SpecError(
                f"openclip:{name} cannot be loaded: {str(error)[:_REASON]}",
                "See which there are: python -c 'import open_clip; print(open_clip.list_pretrained())'",
            ) from error
        self._model.eval()
        self._dtype = torch.float32 if self.device == "cpu" else torch.float16
        self.dim = self.texts(["a"]).shape[1]

    @property
    def hint(self) -> tuple[int, int] | None:
        size = getattr(getattr(self._model, "visual", None), "image_size", None)
        side = max(size) if isinstance(size, tuple) else size
        return (2 * side, 2 * side) if side else None

    def pixels(self, image: Image.Image) -> Pixels:
        return {"image": self._prepare(image)[None].numpy()}

    def images(self, batch: Sequence[Pixels]) -> Vectors:
        import torch

        pixels = torch.from_numpy(np.concatenate([p["image"] for p in batch]))
        return self._unit(self._model.encode_image, pixels.to(self.device, self._dtype))

    def texts(self, texts: Sequence[str]) -> Vectors:
        readable = [text.encode("utf-8", "replace").decode() for text in texts]  # no lone surrogates
        return self._unit(self._model.encode_text, self._tokenizer(readable).to(self.device))

    def _unit(self, tower: Any, inputs: Any) -> Vectors:
        import torch

        with torch.inference_mode():
            return unit_rows(tower(inputs))


def _fingerprint(name: str, pretrained: str) -> str:
    """A file or folder of weights counts by its content, a published name by the name."""
    place = name.removeprefix("local-dir:") if name.startswith("local-dir:") else ""
    weights = Path(pretrained)
    if weights.is_file():
        place = str(weights.parent)
    digest = f",{folder_digest(place)}" if place else ""
    try:
        installed = version("open_clip_torch")
    except PackageNotFoundError:
        installed = "unknown"
    return f"{_VERSION}:{name},{weights.name}{digest},open_clip=={installed},pillow=={version('pillow')}"
