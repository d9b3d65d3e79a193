"""English spelling that more than one room needs."""

from __future__ import annotations

_SINGULAR_ENDINGS = ("ss", "us", "is")


def singular(word: str) -> str:
    """The word with its plural ending off, by spelling alone; equal to `word` where it does not look like a plural."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(_SINGULAR_ENDINGS):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    return word[:-1]
