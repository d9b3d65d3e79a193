"""Processors (tokenizer and image preparation in one) also where torchvision is not installed.

Many families' processors also hold a video processor, which needs torchvision; pictures do not. So where the library's
own way fails for want of it, the same processor class is put together without its video part.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from ictc.errors import SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.hf.loading import part
from ictc.models.hf.spec import Source

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
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    name = PROCESSOR_MAPPING_NAMES[source.model_type]
    return getattr(transformers, _SAME_WITHOUT_VIDEO.get(name, name))


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
