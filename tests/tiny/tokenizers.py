"""Tokenizers made of a few sentences: byte-level BPE, and WordPiece for BERT's relatives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SENTENCES = [
    "The image shows a small grey cat that sleeps on a red sofa near the window.",
    "A truck carries wood on a road in the rain; the mood is calm and the light is soft.",
    "What is the mood of this picture? Answer in one or two words, without a reason.",
    "The criterion is the dominant colour. The labels are red, green and blue.",
    'Reply with JSON such as {"label": "happy"} and with nothing else.',
]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}IMAGE{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_BASE = {"bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "<pad>"}


def bpe(extra: Mapping[str, str] | None = None, plain: tuple[str, ...] = (), template: str | None = CHATML) -> Any:
    """Any text in, the same text out. `extra`: named control tokens (`image_token`: `<image>`), `plain`: unnamed."""
    from transformers import PreTrainedTokenizerFast

    extra = dict(extra or {})
    controls = list(dict.fromkeys([*_BASE.values(), "<|im_start|>", *extra.values(), *plain]))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=controls, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **_BASE, extra_special_tokens=extra, chat_template=template, padding_side="right"
    )


def wordpiece() -> Any:
    """BERT's way, with the words of the sentences and all letters; not trained, which would order it by chance."""
    from transformers import BertTokenizer

    controls = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]"]
    words = sorted({w for sentence in SENTENCES for w in re.findall(r"[a-z]+", sentence.lower())})
    signs = [c for c in map(chr, range(33, 127)) if not c.isupper()]
    vocabulary = dict.fromkeys([*controls, *signs, *(f"##{c}" for c in signs), *words])
    return BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}, bos_token="[DEC]")
