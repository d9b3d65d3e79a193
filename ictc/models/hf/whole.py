"""A model of transformers with all of its weights, or an error that names those that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ictc.errors import SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.hf.loading import errors_alone, part
from ictc.models.hf.spec import Source

_SHOWN = 3


def whole(auto: Any, source: Source, options: ModelOptions, spare: Sequence[str] = (), **more: Any) -> Any:
    """The model, with every weight from the files: transformers fills missing ones with random numbers and a warning,
    which nobody would see in what it gives. `spare`: beginnings of the names of weights that are not used.

    Raises:
        SpecError: it cannot be loaded, or some weight is in no file.
    """
    with errors_alone():
        made, told = part(auto, source, options, use_safetensors=True, output_loading_info=True, **more)
    missing = sorted(name for name in told["missing_keys"] if not name.startswith(tuple(spare)))
    if missing:
        rest = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise SpecError(
            f"{source.spec} lacks weights that its config.json asks for: {', '.join(missing[:_SHOWN])}{rest}.",
            "Copy or save the folder again; with random numbers in their place, vectors would mean nothing.",
        )
    return made
