"""`hf:REPO_OR_DIR[,4bit|,8bit]`: transformers in this process, for text, for pictures, and for captions of them."""

from __future__ import annotations

from ictc.modeloptions import ModelOptions
from ictc.models.hf.family import Family
from ictc.models.hf.loading import check_code
from ictc.models.hf.model import HfModel
from ictc.models.hf.spec import Source, read

__all__ = ["HfModel", "Source", "create", "read"]


def create(argument: str, options: ModelOptions) -> HfModel:
    """The entry point `hf`. Reads the configuration; libraries and weights are loaded at the first request.

    Raises:
        SpecError: there is no such model, its weights are pickles, or it needs code of its own and may not run it.
    """
    source = read(argument)
    return HfModel(source, options, lambda: _loaded(source, options))


def _loaded(source: Source, options: ModelOptions) -> Family:
    check_code(source, options)
    if source.family == "caption":
        from ictc.models.hf.caption import Captioner

        return Captioner(source, options)
    if source.family == "vqa":
        from ictc.models.hf.vqa import Answerer

        return Answerer(source, options)
    from ictc.models.hf.chat import Chat

    return Chat(source, options)
