"""CLIP, SigLIP, SigLIP 2 and ALIGN of random weights, with their files as the hub has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tiny.tokenizers import bpe, wordpiece

_SMALL = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2}
_SIDE = {"height": 28, "width": 28}


def clip(folder: Path) -> None:
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    t = bpe(template=None)
    config = CLIPConfig(
        text_config={**_SMALL, **_ends(t), "max_position_embeddings": 24},
        vision_config={**_SMALL, "image_size": 28, "patch_size": 14},
        projection_dim=16,
    )
    _ended(t)
    images = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=_SIDE)
    _save(folder, CLIPModel(config), t, images, "CLIPImageProcessor", "CLIPProcessor")


def siglip(folder: Path) -> None:
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    t = bpe(template=None)
    config = SiglipConfig(
        text_config={**_SMALL, **_ends(t), "max_position_embeddings": 64, "projection_size": 32},
        vision_config={**_SMALL, "image_size": 28, "patch_size": 14},
    )
    _save(folder, SiglipModel(config), t, SiglipImageProcessorPil(size=_SIDE), "SiglipImageProcessor", "")


def siglip2(folder: Path) -> None:
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model

    t = bpe(plain=("<unk>",), template=None)
    config = Siglip2Config(
        text_config={**_SMALL, **_ends(t), "max_position_embeddings": 64, "projection_size": 32},
        vision_config={**_SMALL, "patch_size": 14, "num_patches": 16},
    )
    images = Siglip2ImageProcessorPil(patch_size=14, max_num_patches=16)
    _save(folder, Siglip2Model(config), t, images, "Siglip2ImageProcessor", "")


def align(folder: Path) -> None:
    from transformers import AlignConfig, AlignModel, EfficientNetImageProcessorPil

    t = wordpiece()
    config = AlignConfig(
        text_config={**_SMALL, "vocab_size": len(t), "max_position_embeddings": 64},
        vision_config={
            "image_size": 32,
            "kernel_sizes": [3],
            "in_channels": [32],
            "out_channels": [16],
            "depthwise_padding": [],
            "strides": [1],
            "num_block_repeats": [1],
            "expand_ratios": [1],
            "hidden_dim": 32,
            "width_coefficient": 1.0,
            "depth_coefficient": 1.0,
        },
        projection_dim=16,
    )
    images = EfficientNetImageProcessorPil(size={"height": 32, "width": 32})
    _save(folder, AlignModel(config), t, images, "EfficientNetImageProcessor", "AlignProcessor")


DUAL = {"clip": clip, "siglip": siglip, "siglip2": siglip2, "align": align}


def _ends(tokenizer: Any) -> dict[str, int]:
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    return {"vocab_size": len(tokenizer), **ids}


def _ended(tokenizer: Any) -> None:
    """CLIP reads what stands at the end sign, so every text needs one."""
    from tokenizers.processors import TemplateProcessing

    begin, end = tokenizer.bos_token, tokenizer.eos_token
    ids = [(begin, tokenizer.bos_token_id), (end, tokenizer.eos_token_id)]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{begin} $A {end}", special_tokens=ids)


def _save(folder: Path, model: Any, tokenizer: Any, images: Any, kind: str, processor: str) -> None:
    for _, weight in model.named_parameters():
        if weight.dim() > 1:
            weight.data.mul_(5)  # weights of .02 would leave nothing of what is shown
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings = {**images.to_dict(), "image_processor_type": kind}
    if processor:
        settings["processor_class"] = processor
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
