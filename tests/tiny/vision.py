"""Image-text models of random weights, one function a family, with their files as the hub has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tiny.text import terse, text_config
from tests.tiny.tokenizers import CHATML, bpe

_CLIP = {
    "model_type": "clip_vision_model",
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_SIGLIP = {**_CLIP, "model_type": "siglip_vision_model"}


def llava(folder: Path, brief: bool = False) -> None:
    from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration

    t = bpe({"image_token": "<image>"})
    config = LlavaConfig(
        vision_config=_CLIP,
        text_config=text_config("llama", t),
        image_token_index=_id(t, "<image>"),
        image_seq_length=4,
    )
    images = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = {
        "processor_class": "LlavaProcessor",
        "patch_size": 14,
        "vision_feature_select_strategy": "default",
        "image_token": "<image>",
        "num_additional_image_tokens": 1,
    }
    model = LlavaForConditionalGeneration(config)
    if brief:
        terse(model, t)
    _save(folder, model, t, images, "CLIPImageProcessor", processor, "<image>\n")


def llava_next(folder: Path) -> None:
    from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration, LlavaNextImageProcessorPil

    t = bpe({"image_token": "<image>"})
    pinpoints = [[28, 56], [56, 28], [56, 56]]
    config = LlavaNextConfig(
        vision_config=_CLIP,
        text_config=text_config("llama", t),
        image_token_index=_id(t, "<image>"),
        image_grid_pinpoints=pinpoints,
        image_seq_length=4,
    )
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, image_grid_pinpoints=pinpoints
    )
    processor = {
        "processor_class": "LlavaNextProcessor",
        "patch_size": 14,
        "vision_feature_select_strategy": "default",
        "image_token": "<image>",
        "num_additional_image_tokens": 1,
    }
    _save(
        folder, LlavaNextForConditionalGeneration(config), t, images, "LlavaNextImageProcessor", processor, "<image>\n"
    )


def idefics3(folder: Path, smol: bool = False) -> None:
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessorPil,
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
    )

    t = bpe(
        {"image_token": "<image>"},
        ("<fake_token_around_image>", "<end_of_utterance>", "<global-img>", "<row_1_col_1>", "<row_1_col_2>"),
    )
    kind, made = (
        (SmolVLMConfig, SmolVLMForConditionalGeneration) if smol else (Idefics3Config, Idefics3ForConditionalGeneration)
    )
    vision = {**_CLIP, "model_type": "smolvlm_vision" if smol else "idefics3_vision", "image_size": 56}
    config = kind(
        vision_config=vision,
        text_config=text_config("llama", t),
        image_token_id=_id(t, "<image>"),
        scale_factor=2,
        pad_token_id=t.pad_token_id,
    )
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": 112}, max_image_size={"longest_edge": 56}, do_image_splitting=True
    )
    name = "SmolVLM" if smol else "Idefics3"
    processor = {"processor_class": f"{name}Processor", "image_seq_len": 4}
    _save(folder, made(config), t, images, f"{name}ImageProcessor", processor, "<image>")


def smolvlm(folder: Path) -> None:
    idefics3(folder, smol=True)


def qwen2_vl(folder: Path) -> None:
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    vision = {"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "patch_size": 14}
    _qwen(folder, Qwen2VLConfig, Qwen2VLForConditionalGeneration, vision, "Qwen2VLProcessor")


def qwen2_5_vl(folder: Path) -> None:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "patch_size": 14,
        "out_hidden_size": 64,
        "fullatt_block_indexes": [1],
        "window_size": 56,
    }
    _qwen(folder, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, vision, "Qwen2_5_VLProcessor")


def _qwen(folder: Path, kind: Any, made: Any, vision: dict[str, Any], processor: str) -> None:
    from transformers import Qwen2VLImageProcessorPil

    ends = ("<|vision_start|>", "<|vision_end|>")
    t = bpe({"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"}, ends)
    rope = {"rope_type": "default", "mrope_section": [8, 12, 12], "rope_theta": 10000.0}
    text = text_config(kind.model_type + "_text", t, rope_parameters=rope)
    config = kind(
        vision_config=vision,
        text_config=text,
        image_token_id=_id(t, "<|image_pad|>"),
        video_token_id=_id(t, "<|video_pad|>"),
        vision_start_token_id=_id(t, ends[0]),
        vision_end_token_id=_id(t, ends[1]),
    )
    images = Qwen2VLImageProcessorPil(patch_size=14, min_pixels=28 * 28, max_pixels=56 * 56)
    shown = "<|vision_start|><|image_pad|><|vision_end|>"
    _save(folder, made(config), t, images, "Qwen2VLImageProcessor", {"processor_class": processor}, shown)


def gemma3(folder: Path) -> None:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil

    t = bpe(
        {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"},
    )
    config = Gemma3Config(
        text_config=text_config("gemma3_text", t, query_pre_attn_scalar=64, sliding_window=64),
        vision_config=_SIGLIP,
        mm_tokens_per_image=4,
        tie_word_embeddings=False,
        boi_token_index=_id(t, "<start_of_image>"),
        eoi_token_index=_id(t, "<end_of_image>"),
        image_token_index=_id(t, "<image_soft_token>"),
    )
    images = Gemma3ImageProcessorPil(size={"height": 28, "width": 28})
    processor = {"processor_class": "Gemma3Processor", "image_seq_length": 4}
    model = Gemma3ForConditionalGeneration(config)
    _save(folder, model, t, images, "Gemma3ImageProcessor", processor, "<start_of_image>")


def internvl(folder: Path) -> None:
    from transformers import GotOcr2ImageProcessorPil, InternVLConfig, InternVLForConditionalGeneration

    names = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    t = bpe(names)
    vision = {
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": [28, 28],
        "patch_size": [14, 14],
    }
    config = InternVLConfig(
        vision_config=vision,
        text_config=text_config("qwen2", t),
        image_token_id=_id(t, "<IMG_CONTEXT>"),
        image_seq_length=1,
    )
    images = GotOcr2ImageProcessorPil(size={"height": 28, "width": 28}, max_patches=4)
    processor = {"processor_class": "InternVLProcessor", "image_seq_length": 1}
    model = InternVLForConditionalGeneration(config)
    _save(folder, model, t, images, "GotOcr2ImageProcessor", processor, "<IMG_CONTEXT>\n")


FAMILIES = {
    "llava": llava,
    "llava-next": llava_next,
    "idefics3": idefics3,
    "smolvlm": smolvlm,
    "qwen2-vl": qwen2_vl,
    "qwen2.5-vl": qwen2_5_vl,
    "gemma3": gemma3,
    "internvl": internvl,
}


def _id(tokenizer: Any, token: str) -> int:
    return int(tokenizer.convert_tokens_to_ids(token))


def _see_better(model: Any) -> None:
    """Weights of .02 would leave nothing of a picture; with these, other pictures give other answers."""
    for name, weight in model.named_parameters():
        if weight.dim() > 1 and "language_model" not in name and "lm_head" not in name:
            weight.data.mul_(10) if weight.any() else weight.data.normal_(0, 0.3)


def _save(
    folder: Path, model: Any, tokenizer: Any, images: Any, kind: str, processor: dict[str, Any], shown: str
) -> None:
    """`shown`: what the chat template writes where a picture stands."""
    _see_better(model)
    model.save_pretrained(folder)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    settings = {**images.to_dict(), "image_processor_type": kind, "processor_class": processor["processor_class"]}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    (folder / "processor_config.json").write_text(json.dumps(processor))
    (folder / "chat_template.jinja").write_text(CHATML.replace("IMAGE", shown))
