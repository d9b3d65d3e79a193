"""What tokenizers write for nothing: such tokens are no words, though models of fixed answers pick them."""

from __future__ import annotations

import re

_NAMES = r"pad|unk|cls|sep|mask|bos|eos|s|blank|null|none|(?:extra_id_|unused|reserved[\w ]*?)\d+"
_SPECIAL = re.compile(rf"\[(?:{_NAMES})\]|</?(?:{_NAMES})>|<\|[^|<>\n]{{1,40}}\|>", re.IGNORECASE)
_WORD = re.compile(r"\w")


def without_specials(text: str) -> str:
    """`text` without `[PAD]`, `[UNK]`, `<unk>`, `</s>`, `<|endoftext|>` and their like; "" where no word is left."""
    left = " ".join(_SPECIAL.sub(" ", text).split()) if _SPECIAL.search(text) else text.strip()
    return left if _WORD.search(left) else ""
