"""BLIP, BLIP-2 and ViLT of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny.text import text_config
from tests.tiny.tokenizers import bpe, wordpiece

_SMALL = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2}
ANSWERS = ["red", "green", "blue", "happy", "calm", "a cat", "yes", "no"]


def blip(folder: Path, questions: bool = False, spread: float = 0.4) -> None:
    """`spread`: of the random weights; large ones say many things, small ones learn."""
    from transformers import (
        BlipConfig,
        BlipForConditionalGeneration,
        BlipForQuestionAnswering,
        BlipImageProcessorPil,
        BlipProcessor,
    )

    t = wordpiece()
    text = {
        **_SMALL,
        "vocab_size": len(t),
        "encoder_hidden_size": 32,
        "initializer_range": spread,
        "bos_token_id": t.bos_token_id,
        "sep_token_id": t.sep_token_id,
        "pad_token_id": t.pad_token_id,
        "eos_token_id": t.sep_token_id,
        "max_position_embeddings": 128,
    }
    vision = {**_SMALL, "image_size": 28, "patch_size": 14, "initializer_range": min(0.1, spread)}
    config = BlipConfig(text_config=text, vision_config=vision)
    kind: Any = BlipForQuestionAnswering if questions else BlipForConditionalGeneration
    kind(config).save_pretrained(folder)
    BlipProcessor(BlipImageProcessorPil(size={"height": 28, "width": 28}), t).save_pretrained(folder)


def blip_vqa(folder: Path) -> None:
    blip(folder, questions=True)


def blip_learner(folder: Path) -> None:
    blip(folder, spread=0.05)


def blip2(folder: Path) -> None:
    from transformers import Blip2Config, Blip2ForConditionalGeneration, Blip2Processor, BlipImageProcessorPil

    t = bpe(plain=("<image>",), template=None)
    processor = Blip2Processor(BlipImageProcessorPil(size={"height": 28, "width": 28}), t, num_query_tokens=4)
    text = text_config("opt", t, ffn_dim=96, word_embed_proj_dim=64, init_std=0.4)
    config = Blip2Config(
        vision_config={**_SMALL, "image_size": 28, "patch_size": 14, "initializer_range": 0.1},
        qformer_config={**_SMALL, "vocab_size": len(t), "encoder_hidden_size": 32},
        text_config=text,
        num_query_tokens=4,
        image_token_index=int(t.convert_tokens_to_ids("<image>")),
    )
    Blip2ForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)


def vilt(folder: Path) -> None:
    from transformers import ViltConfig, ViltForQuestionAnswering, ViltImageProcessorPil, ViltProcessor

    t = wordpiece()
    t.model_max_length = 40
    labels = dict(enumerate(ANSWERS))
    config = ViltConfig(
        **_SMALL,
        vocab_size=len(t),
        image_size=32,
        patch_size=8,
        initializer_range=0.4,
        id2label=labels,
        label2id={name: i for i, name in labels.items()},
    )
    ViltForQuestionAnswering(config).save_pretrained(folder)
    images = ViltImageProcessorPil(size={"shortest_edge": 32}, size_divisor=8)
    ViltProcessor(images, t).save_pretrained(folder)


CAPTIONERS = {"blip": blip, "blip2": blip2}
ANSWERERS = {"vilt": vilt, "blip-vqa": blip_vqa}
