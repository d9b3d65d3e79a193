"""What a prompts file of the embedding lane says, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PromptSet:
    """What a prompts file says. `prompts`: per strategy one prompt a class, in the order of `classes`; strategies that
    need groups are missing where there are none. `groups`: class -> group. `criterion`: a template of the person's own.
    """

    classes: tuple[str, ...]
    prompts: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, str] = field(default_factory=dict)
    criterion: str = ""

    @property
    def group_names(self) -> tuple[str, ...]:
        """The groups, in the order of the classes."""
        return tuple(dict.fromkeys(self.groups[c] for c in self.classes)) if self.groups else ()

    def to_json(self) -> dict[str, Any]:
        """How run.json keeps it, so that a run does not depend on the file any more."""
        return {
            "classes": list(self.classes),
            "prompts": {strategy: list(texts) for strategy, texts in self.prompts.items()},
            "groups": dict(self.groups),
            "criterion": self.criterion,
        }


def prompt_set_from_json(stored: Mapping[str, Any]) -> PromptSet:
    """The reverse of `PromptSet.to_json`."""
    prompts = {strategy: tuple(texts) for strategy, texts in stored["prompts"].items()}
    return PromptSet(tuple(stored["classes"]), prompts, dict(stored["groups"]), stored["criterion"])
