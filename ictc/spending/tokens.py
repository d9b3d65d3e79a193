"""How many tokens a text is, about: for budgets and estimates, where no tokenizer of the model is at hand."""

from __future__ import annotations

import json
import math

from ictc.types import Request

_CJK = 0x2E80  # from here on: Han, kana, Hangul and what is written with them


def text_tokens(text: str) -> int:
    """Characters / 4 for Latin text (OpenAI's rule of thumb), / 2 for other alphabets, 1 for each CJK character."""
    if text.isascii():
        return math.ceil(len(text) / 4)
    cjk = sum(ord(c) >= _CJK for c in text)
    latin = sum(ord(c) < 0x250 for c in text)
    return math.ceil(latin / 4 + (len(text) - cjk - latin) / 2 + cjk)


def request_tokens(request: Request) -> int:
    """Input tokens of a request without its picture; 8 are added for the roles, as chat formats take."""
    schema = json.dumps(request.schema) if request.schema else ""
    return 8 + text_tokens(request.system) + text_tokens(request.user) + text_tokens(schema)
