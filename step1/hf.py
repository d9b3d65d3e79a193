"""`hf:REPO_OR_DIR[,4bit|,8bit]` as a describer: what the model can do decides how it is asked."""

from __future__ import annotations

from pathlib import Path

from ictc import registry
from ictc.asking import StoredModel
from ictc.errors import SpecError
from ictc.interfaces import Describer, Model
from ictc.models.hf import read
from ictc.models.hf.spec import Source
from ictc.models.trained import FACTS, read_trained
from ictc.registry import DescriberContext
from step1 import vlm
from step1.caption import TUNED, captioner
from step1.vqa import answerer


def create(argument: str, context: DescriberContext) -> Describer:
    """The entry point `hf`: BLIP and BLIP-2 caption, ViLT answers, all others are asked in full (`vlm`).

    Raises:
        SpecError: there is no such model, or it reads text only.
    """
    spec = f"hf:{argument}"
    source = read(argument)
    if not source.sees:
        raise SpecError(
            f"{spec} reads text only; step 1 needs a model that sees.",
            "Give it as --reasoner, and as --describer an image-text model, BLIP, BLIP-2, ViLT, or: offline",
        )
    if source.family == "caption":
        return captioner(_model(spec, context), spec, TUNED if is_tuned(source) else source.model_type)
    if source.family == "vqa":
        return answerer(_model(spec, context), spec)
    return vlm.create(spec, context)


def is_tuned(source: Source) -> bool:
    """Whether it is a captioner that `ictc train` made."""
    folder = Path(source.place)
    return (folder / FACTS).is_file() and read_trained(folder).kind == TUNED


def _model(spec: str, context: DescriberContext) -> Model:
    if context.open_model is not None:
        return context.open_model(spec)
    return StoredModel(registry.model(spec, context.options), context.store)
