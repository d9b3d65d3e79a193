"""A Llama that answers in JSON without having learnt anything: the next token depends on the last one alone.

Its layers add nothing, so that the output matrix is a table from token to token. Its chat template ends the prompt with
one of three tokens, by what the question says; the table leads from each to an answer, and from there to the end.
"""

from __future__ import annotations

from pathlib import Path

from tests.tiny.tokenizers import bpe

MOODS = ("calm", "happy", "gloomy")
"""What it says: `gloomy` where the question has the word `drizzle`, else `calm` or `happy`, by the length."""

_CUES = tuple(f"<|cue{i}|>" for i in range(3))
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% set asked = messages[-1]['content'] %}"
    "{% if 'drizzle' in asked %}<|cue2|>{% elif asked | length % 2 %}<|cue1|>{% else %}<|cue0|>{% endif %}"
)
_DIM = 512


def parrot(folder: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    answers = [f'{{"label": "{mood}", "category": "{mood}"}}' for mood in MOODS]
    tokenizer = bpe(plain=_CUES, template=_TEMPLATE)
    tokenizer.add_tokens(answers)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=_DIM,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=8,
        head_dim=64,
        max_position_embeddings=8192,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    assert len(tokenizer) <= _DIM, "every token needs a direction of its own"
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(len(tokenizer), _DIM))
        model.lm_head.weight.zero_()
        model.lm_head.weight[tokenizer.eos_token_id] = 0.1  # after any other token: nothing
        for cue, answer in zip(_CUES, answers, strict=True):
            said = tokenizer.convert_tokens_to_ids(answer)
            model.lm_head.weight[said, tokenizer.convert_tokens_to_ids(cue)] = 1.0
            model.lm_head.weight[tokenizer.eos_token_id, said] = 1.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
