"""ResNet, EfficientNet, ViT and DINOv2 of random weights: networks of images alone, with their files as the hub has
them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SMALL = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2}


def resnet(folder: Path) -> None:
    from transformers import ConvNextImageProcessorPil, ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    images = ConvNextImageProcessorPil(size={"shortest_edge": 32}, crop_pct=0.875)
    _save(folder, ResNetForImageClassification(config), images, "ConvNextImageProcessor")


def efficientnet(folder: Path) -> None:
    from transformers import EfficientNetConfig, EfficientNetForImageClassification, EfficientNetImageProcessorPil

    config = EfficientNetConfig(
        image_size=32,
        kernel_sizes=[3],
        in_channels=[32],
        out_channels=[16],
        depthwise_padding=[],
        strides=[1],
        num_block_repeats=[1],
        expand_ratios=[1],
        hidden_dim=1280,
        width_coefficient=1.0,
        depth_coefficient=1.0,
    )
    images = EfficientNetImageProcessorPil(size={"height": 32, "width": 32})
    _save(folder, EfficientNetForImageClassification(config), images, "EfficientNetImageProcessor")


def vit(folder: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    config = ViTConfig(**_SMALL, image_size=28, patch_size=14)
    images = ViTImageProcessorPil(size={"height": 28, "width": 28})
    _save(folder, ViTForImageClassification(config), images, "ViTImageProcessor")


def dinov2(folder: Path) -> None:
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14, mlp_ratio=2
    )
    images = BitImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28})
    _save(folder, Dinov2Model(config), images, "BitImageProcessor")


ENCODERS = {"resnet": resnet, "efficientnet": efficientnet, "vit": vit, "dinov2": dinov2}


def _save(folder: Path, model: Any, images: Any, kind: str) -> None:
    import torch

    for name, weight in model.named_parameters():
        if weight.dim() == 1 and name.endswith("weight"):
            torch.nn.init.ones_(weight)  # the library draws even those of normalisation
        elif weight.dim() > 1:
            torch.nn.init.kaiming_normal_(weight)  # weights of .02 would leave nothing of what is shown
    model.save_pretrained(folder)
    settings = {**images.to_dict(), "image_processor_type": kind}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
