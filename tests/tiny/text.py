"""A Llama of 130,000 random weights; `head_dim` 64 is the least that vLLM takes on a CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny.tokenizers import bpe


def text_config(kind: str, tokenizer: Any, **more: Any) -> dict[str, Any]:
    """The language part, in every family alike."""
    return {
        "model_type": kind,
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": 64,
        "max_position_embeddings": 8192,
        "initializer_range": 0.4,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **more,
    }


def terse(model: Any, tokenizer: Any) -> None:
    """Random weights, but an answer ends after a few words: about every second token is the end."""
    model.get_output_embeddings().weight.data[tokenizer.eos_token_id] *= 6


def llama(folder: Path, template: bool = True, brief: bool = False, **more: Any) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = bpe() if template else bpe(template=None)
    model = LlamaForCausalLM(LlamaConfig(**text_config("llama", tokenizer, **more)))
    if brief:
        terse(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
