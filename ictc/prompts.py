"""Prompts are files: `prompts/` at the top of the project, carried inside the package in a wheel.

prompts/offline/assign.txt    the sentence that is embedded for a cluster's name (step 3); {name} is the name
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ictc.errors import UsageError

_INSTALLED = Path(__file__).parent / "_prompts"
_CHECKOUT = Path(__file__).parent.parent / "prompts"


@cache
def load(name: str) -> str:
    """The text of a prompt file such as `offline/assign.txt`, without the line break at its end.

    Raises:
        UsageError: there is no such prompt.
    """
    folder = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    try:
        return (folder / name).read_text("utf-8").removesuffix("\n")
    except OSError as e:
        raise UsageError(f"The prompt {name} is missing from {folder}.", "Install ictc again.") from e


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a run: those of `folder`, where it holds a file of that name, before the built-in ones."""

    folder: Path | None = None
