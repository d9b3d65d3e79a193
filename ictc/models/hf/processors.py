"""Processors (tokenizer and image preparation in one) also where torchvision is not installed.

Many families' processors also hold a video processor, which needs torchvision; pictures do not. So where the library's
own way fails for want of it, the same processor class is put together without its video part.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ictc.errors import SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.hf.loading import part
from ictc.models.hf.spec import Source

_DECLARING = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
_SAME_WITHOUT_VIDEO = {"SmolVLMProcessor": "Idefics3Processor"}  # SmolVLM's also wants num2words, for its frames


def processor(source: Source, options: ModelOptions) -> Any:
    """The processor of an image-text model.

    Raises:
        SpecError: it cannot be made, or not without torchvision.
    """
    from transformers import AutoProcessor

    try:
        return part(AutoProcessor, source, options)
    except (ImportError, SpecError) as error:
        if find_spec("torchvision") and find_spec("num2words"):
            raise
        try:
            return part(_without_video(_class_of(source)), source, options)
        except (ImportError, SpecError, AttributeError, LookupError):
            raise SpecError(
                f"hf:{source.place} ({source.model_type}) cannot prepare pictures here: {error}",
                "If that names torchvision, run: pip install torchvision",
            ) from error


def _class_of(source: Source) -> Any:
    """The class that the model's files declare, else the one of its kind."""
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    name = next(filter(None, (_declared(source, file) for file in _DECLARING)), None)
    name = name or PROCESSOR_MAPPING_NAMES[source.model_type]
    return getattr(transformers, _SAME_WITHOUT_VIDEO.get(name, name))


def _declared(source: Source, file: str) -> str | None:
    from transformers.utils import cached_file

    found = cached_file(
        source.place, file, revision=source.revision or None, _raise_exceptions_for_missing_entries=False
    )
    return json.loads(Path(found).read_text("utf-8")).get("processor_class") if found else None


def _without_video(base: Any) -> Any:
    """`base`, loaded and checked as ever, but with None for its video processor."""
    from transformers import AutoImageProcessor, AutoTokenizer

    loaders = {"image_processor": AutoImageProcessor, "tokenizer": AutoTokenizer}

    class Still(base):  # type: ignore[misc]
        @classmethod
        def _get_arguments_from_pretrained(cls, place: Any, processor_dict: Any = None, **kwargs: Any) -> list[Any]:
            kwargs.pop("subfolder", None)
            names = [name for name in cls.get_attributes() if name != "video_processor"]
            made = {name: loaders[name].from_pretrained(place, **kwargs) for name in names}
            return [made.get(name) for name in cls.get_attributes()]

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if argument_name == "video_processor":
                return None
            return super().check_argument_for_proper_class(argument_name, argument)

    Still.__name__ = base.__name__
    return Still
