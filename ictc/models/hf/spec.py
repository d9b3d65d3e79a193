"""`REPO_OR_DIR[,4bit|,8bit]`: which model it is, told from its `config.json` before any weight is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ictc.errors import SpecError
from ictc.models.weights import cached_commit, fetched, folder_digest

Family = Literal["chat", "caption", "vqa"]

_BITS = {"4bit": 4, "8bit": 8}
_CAPTIONERS = frozenset({"blip", "blip-2"})
_PICKLES = ("*.bin", "*.pt", "*.pth")


@dataclass(frozen=True, slots=True)
class Source:
    """Weights, tokenizer and chat template in one place. `bits` 0 is as stored. `revision` "" is the newest. `kind`:
    the spec's first word, and `embeds`: whether vectors are wanted of it, for what is said to the person."""

    place: str
    bits: int
    config: dict[str, Any]
    revision: str = ""
    kind: str = "hf"
    embeds: bool = False

    @property
    def spec(self) -> str:
        return f"{self.kind}:{self.place}"

    @property
    def model_type(self) -> str:
        return str(self.config.get("model_type", ""))

    @property
    def architecture(self) -> str:
        return str(next(iter(self.config.get("architectures") or []), ""))

    @property
    def brings_code(self) -> bool:
        return bool(self.config.get("auto_map"))

    @property
    def family(self) -> Family:
        """`vqa` answers a short question, `caption` goes on with a text about a picture, `chat` is everything else."""
        if self.model_type == "vilt" or self.architecture.endswith("ForQuestionAnswering"):
            return "vqa"
        return "caption" if self.model_type in _CAPTIONERS else "chat"

    @property
    def sees(self) -> bool:
        """Whether a picture can be asked about. Every vision-language configuration has a part for its vision."""
        return self.family != "chat" or any(k.startswith("vision") or k == "vq_config" for k in self.config)

    @property
    def digest(self) -> str:
        return f"{folder_digest(self.place, self.revision)},{self.bits or 'full'}"


def read(argument: str, kind: str = "hf", *, embeds: bool = False) -> Source:
    """The source that the spec `KIND:ARGUMENT` names.

    Raises:
        SpecError: it is nothing that can be loaded; the hint says what to type.
    """
    place, bits = _parsed(argument, kind, embeds)
    folder = Path(place).expanduser()
    if folder.is_dir():
        _check_weights(folder)
        return Source(str(folder), bits, _config(folder / "config.json", place), kind=kind, embeds=embeds)
    if folder.is_absolute() or place.startswith((".", "~")) or place.count("/") > 1:
        raise SpecError(
            f"There is no folder {place}.", f"Type {kind}:FOLDER or {kind}:OWNER/NAME of the Hugging Face hub."
        )
    return Source(place, bits, _config(fetched(place, kind), place), cached_commit(place), kind, embeds)


def _parsed(argument: str, kind: str, embeds: bool) -> tuple[str, int]:
    place, comma, word = argument.rpartition(",")
    if not comma:
        place, word = argument, ""
    if not place or (comma and word not in _BITS):
        raise SpecError(
            f"'{kind}:{argument}' names no model.",
            f"Type {kind}:OWNER/NAME or {kind}:FOLDER{'.' if embeds else ', then ,4bit or ,8bit if wanted.'}",
        )
    return place, _BITS.get(word, 0)


def _config(file: Path, place: str) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(
            f"{place} holds no model: its config.json cannot be read ({error}).",
            "Give a folder as transformers saves it.",
        ) from error
    if not isinstance(config, dict):
        raise SpecError(
            f"{place} holds no model: its config.json is no object.", "Give a folder as transformers saves it."
        )
    return config


def _check_weights(folder: Path) -> None:
    if any(folder.glob("*.safetensors")) or not (folder / "config.json").exists():
        return
    if any(file for pattern in _PICKLES for file in folder.glob(pattern)):
        raise SpecError(
            f"{folder} has its weights as pickle only; pickle runs code when it is loaded, so it is never opened.",
            "Save it again as safetensors where you trust it: model.save_pretrained(FOLDER), or take another copy.",
        )
    raise SpecError(f"{folder} has a config.json but no weights (*.safetensors).", "Copy the weight files there too.")
