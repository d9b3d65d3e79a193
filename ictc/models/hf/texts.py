"""Between texts and tokens: no control token of a model enters by data or leaves in an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ictc.types import Reply


def control_tokens(tokenizer: Any, *others: str | None) -> list[str]:
    """The texts that a tokenizer reads as commands, longest first. `<think>` and the like are no special tokens."""
    special = {str(t.content) for t in tokenizer.added_tokens_decoder.values() if t.special}
    special.update(map(str, tokenizer.all_special_tokens))
    return sorted((t for t in {*special, *(o for o in others if o)} if t.strip()), key=lambda t: (-len(t), t))


def defused(text: str, controls: Sequence[str]) -> str:
    """`text` with every control token broken by a space, so that data is read as data: `<image>` as `< image>`."""
    text = text.encode("utf-8", "replace").decode()  # no lone surrogates: tokenizers refuse them
    for token in controls:
        if token in text:
            text = text.replace(token, f"{token[0]} {token[1:]}" if len(token) > 1 else " ")
    return text


def cleaned(text: str, controls: Sequence[str]) -> str:
    """`text` without control tokens and the space around it."""
    for token in controls:
        text = text.replace(token, "")
    return text.strip()


def reply(
    tokenizer: Any, ids: Sequence[int], stops: frozenset[int], controls: Sequence[str], asked: int, most: int
) -> Reply:
    """The answer in `ids`, generated after a prompt of `asked` tokens: up to the first stop, or cut at `most`."""
    end = next((i for i, token in enumerate(ids) if token in stops), None)
    said = list(ids[:end])[:most]
    text = cleaned(tokenizer.decode(said, skip_special_tokens=True), controls)
    return Reply(text, "length" if end is None and len(said) >= most else "stop", asked, len(said))
