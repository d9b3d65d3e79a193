"""Whether a model's folder is whole: told by name what is missing, before anything is loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ictc.errors import SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.hf.spec import Source, read

_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_PREPARATION = ("preprocessor_config.json", "processor_config.json")
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")


def source_of(argument: str, kind: str, options: ModelOptions) -> tuple[Source, ModelOptions]:
    """The model that the embedder `KIND:ARGUMENT` names, and how it is loaded: as it is, without code of its own.

    Raises:
        SpecError: it is nothing that can be loaded, or asked for in fewer bits.
    """
    source = read(argument, kind, embeds=True)
    if source.bits:
        raise SpecError(
            f"{source.spec} is asked for in {source.bits} bits, but embedders are loaded as they are.",
            f"Write: {source.spec}",
        )
    return source, replace(options, trust_remote_code=False)


def fingerprint(made_by: str, source: Source) -> str:
    """Of vectors that `made_by`, a version of one of our rooms, makes with a model."""
    packages = ",".join(f"{p}=={version(p)}" for p in ("transformers", "pillow"))
    return f"{made_by}:{source.digest},{packages}"


def check_folder(source: Source, *, sees: bool, reads: bool = True) -> None:
    """Of a repository of the hub nothing is asked: it is fetched whole. `sees`: images are to be prepared, `reads`:
    texts are.

    Raises:
        SpecError: weights, tokenizer or preparation are missing, or weights are cut off.
    """
    folder = Path(source.place)
    if not folder.is_dir():
        return
    for file in _weights(source, folder):
        _check_file(source, folder / file)
    if sees and not any((folder / name).is_file() for name in _PREPARATION):
        raise _missing(source, _PREPARATION[0], "which says how images are prepared")
    if reads and not any(found for pattern in _TOKENIZERS for found in folder.glob(pattern)):
        raise SpecError(f"{source.spec} has no tokenizer.", "Copy tokenizer.json and its like into the folder too.")


def _weights(source: Source, folder: Path) -> Sequence[str]:
    """The names of the files of weights."""
    if (folder / _WEIGHTS).is_file():
        return [_WEIGHTS]
    if not (folder / _INDEX).is_file():
        raise _missing(source, f"{_WEIGHTS} or {_INDEX}", "which hold the weights or say where they are")
    try:
        return sorted(set(json.loads((folder / _INDEX).read_text("utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SpecError(f"{folder / _INDEX} cannot be read: {error}", "Copy it again.") from error


def _check_file(source: Source, file: Path) -> None:
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        raise _missing(source, file.name, "a part of its weights")
    try:
        with safe_open(file, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        raise SpecError(
            f"{file} is damaged, or was not copied whole ({file.stat().st_size:,} bytes): {error}", "Copy it again."
        ) from error


def _missing(source: Source, file: str, what: str) -> SpecError:
    return SpecError(f"{source.spec} has no {file}, {what}.", "Copy it into the folder too, from where the model is.")
