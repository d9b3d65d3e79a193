"""What `ictc train` leaves in a folder, and how it is read: trained.json, the weights, and which images were seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.errors import SpecError
from ictc.models.weights import folder_digest

if TYPE_CHECKING:
    from torch import Tensor

_FORMATS = "ictc-trained/"
FORMAT = f"{_FORMATS}1"
FACTS, WEIGHTS, SEEN = "trained.json", "model.safetensors", "seen.txt"
_AGAIN = "Copy the folder again; or to train anew, add to the command that trained it: --restart"


@dataclass(frozen=True)
class TrainedFolder:
    """`made`: what the networks are made again from, without their weights. `recipe`: how it was trained. `digest`
    changes with the weights and all that decides what they give, `seen` are SHA-256 of the images trained on."""

    folder: Path
    kind: str
    made: Mapping[str, Any]
    recipe: Mapping[str, Any]
    facts: Mapping[str, Any]
    seen: frozenset[str]
    digest: str

    @property
    def spec(self) -> str:
        return f"trained:{self.folder}"

    def weights(self) -> dict[str, Tensor]:
        """All tensors, by name, on the CPU.

        Raises:
            SpecError: the file is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(self.folder / WEIGHTS)
        except (SafetensorError, OSError) as error:
            raise SpecError(f"{self.folder / WEIGHTS} is damaged, or was not copied whole: {error}", _AGAIN) from error

    def check_weights(self) -> None:
        """That the weights are there and whole, by their headers: of most trainings in the folder itself, of a dual
        encoder in the one within that `made` names, of a captioner in one file or several.

        Raises:
            SpecError: they are not.
        """
        from safetensors import SafetensorError, safe_open

        place = self.folder / str(self.made.get("folder") or "")
        files = sorted(place.glob("*.safetensors")) or [place / WEIGHTS]
        for file in files:
            try:
                with safe_open(file, "pt"):
                    pass
            except (SafetensorError, OSError) as error:
                raise SpecError(f"{file} is gone, or damaged: {error}", _AGAIN) from error


def seen_by(spec: str) -> frozenset[str]:
    """SHA-256 of the images that a model which describes (`hf:OUT`, `vlm:hf:OUT,4bit`) was trained on here."""
    name, _, argument = spec.removeprefix("vlm:").partition(":")
    place = argument.partition(",")[0]
    return seen_in(place) if name == "hf" and place else frozenset()


def seen_in(place: str) -> frozenset[str]:
    """SHA-256 of the images that a model of transformers was trained on here: its folder is that of a training
    (a captioner's), or the one in it that its trained.json names (the dual encoder's of `train lit`).

    Raises:
        SpecError: the training was by a newer version, or its folder was not copied whole.
    """
    folder = Path(place).expanduser().resolve()
    for training, within in ((folder, None), (folder.parent, folder.name)):
        try:
            told = json.loads((training / FACTS).read_text("utf-8"))
            ours = str(told["format"]).startswith(_FORMATS) and told["made"].get("folder") == within
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # there is none, or it is somebody else's
            continue
        if ours:
            return read_trained(training).seen
    return frozenset()


def read_trained(folder: Path) -> TrainedFolder:
    """What was trained into `folder`.

    Raises:
        SpecError: nothing was, or it was not finished, or by a newer version.
    """
    file = folder / FACTS
    if not file.is_file():
        known = "The training that began there is not finished" if (folder / "checkpoint").is_dir() else "There is no"
        raise SpecError(
            f"trained:{folder}: {known} {FACTS}.".replace("finished trained.json", "finished"),
            "Run the same `ictc train` again, which goes on; or give the folder that it was told with -o.",
        )
    try:
        told = json.loads(file.read_text("utf-8"))
        if not isinstance(told["made"], dict) or not isinstance(told["facts"], dict):
            raise TypeError("made and facts are JSON objects")
        if told["format"] != FORMAT:
            raise SpecError(
                f"{file} is of the format {told['format']}, this version of ictc reads {FORMAT}.", "Update ictc."
            )
        seen = frozenset((folder / SEEN).read_text("utf-8").split())
        if len(seen) != told["facts"]["seen"]:
            raise ValueError(f"{SEEN} has {len(seen)} images of {told['facts']['seen']}")
        return TrainedFolder(
            folder, told["kind"], told["made"], told["recipe"], told["facts"], seen, folder_digest(str(folder))
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpecError(
            f"{folder}: what it says of its training cannot be read: {type(error).__name__}: {error}",
            _AGAIN,
        ) from error
