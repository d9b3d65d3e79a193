"""From a source to weights on a device: safetensors only, no foreign code unless asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ictc.errors import IctcError, MissingExtra, SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.hf.memory import ran_out
from ictc.models.hf.spec import Source

_CODE = "runs code that comes with the model"
_REASON = 400  # characters of a library's message that are shown; some list every model there is


def device_for(asked: str | None) -> str:
    """`asked`, or the best there is: cuda, then mps, then cpu.

    Raises:
        SpecError: torch knows no such device, or this machine has none.
    """
    import torch

    if asked:
        try:
            kind = torch.device(asked).type
        except RuntimeError as e:
            raise SpecError(
                f"--device {asked}: torch knows no such device.", "Give one of: cpu, cuda, cuda:1, mps"
            ) from e
        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not there.get(kind, True):
            raise SpecError(f"--device {asked}: torch finds none on this machine.", "Leave it away, or: --device cpu")
        return asked
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def model(auto: Any, source: Source, options: ModelOptions) -> Any:
    """The model that the class `auto` makes of `source`, ready to answer.

    float32 on a CPU, where answers then do not depend on what else is in the batch; elsewhere as stored (mostly
    bfloat16). `cuda` without a number is spread over all cards by accelerate.
    """
    device = device_for(options.device)
    extra: dict[str, Any] = {"device_map": "auto" if device == "cuda" else {"": device}}
    if source.bits:
        extra["quantization_config"] = _quantization(source.bits, device)
    dtype = "float32" if device == "cpu" else "auto"
    quiet()
    made = part(auto, source, options, use_safetensors=True, dtype=dtype, **extra)
    return made.eval()


def part(auto: Any, source: Source, options: ModelOptions, **more: Any) -> Any:
    """`auto.from_pretrained` of `source`, with errors that say what to type.

    Raises:
        SpecError: it cannot be loaded, or would run code of its own without leave.
    """
    trust = options.trust_remote_code
    revision = {"revision": source.revision} if source.revision else {}
    try:
        return auto.from_pretrained(source.place, trust_remote_code=trust, **revision, **more)
    except (IctcError, ImportError):
        raise
    except Exception as error:  # files may be damaged in any way, and each library has its own errors for it
        reason = str(error).strip()
        if "trust_remote_code" in reason and not trust:
            raise remote_code(source) from error
        if "ignore_mismatched_sizes" in reason:
            reason = "its weights have other sizes than its config.json says."
        name = str(getattr(auto, "__name__", "")).removeprefix("Auto")
        raise SpecError(f"{source.spec} cannot be loaded ({name}): {reason[:_REASON]}", _hint(source, error)) from error


def _hint(source: Source, error: Exception) -> str:
    if ran_out(error) and source.embeds:
        return "Choose a smaller model or another --device."
    if ran_out(error):
        return f"Load it smaller ({source.kind}:...,4bit), or choose a smaller model or another --device."
    if "Unrecognized configuration class" in str(error) and not source.embeds:
        return "Choose a model that answers in words, about texts or pictures; docs/backends.md names families."
    if Path(source.place).is_dir():
        return "Copy or save the folder again; all files of the model belong in it."
    return f"Where there is a network, run: hf download {source.place}    or give a folder: {source.kind}:FOLDER"


def quiet() -> None:
    """No progress bars of the library's among ours."""
    from transformers.utils import logging

    logging.disable_progress_bar()


@contextmanager
def errors_alone() -> Iterator[None]:
    """Of what the library says: not its table of spare weights, nor how far its Trainer is, which are told here."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def check_code(source: Source, options: ModelOptions) -> None:
    """Refuse a model that needs code of its own, before anything of it is loaded.

    Raises:
        SpecError: it does, and that was not asked for.
    """
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    if options.trust_remote_code or source.model_type in CONFIG_MAPPING_NAMES:
        return
    if source.brings_code:
        raise remote_code(source)
    raise SpecError(
        f"{source.spec} is of a kind that the installed transformers does not know ('{source.model_type}').",
        "Run: pip install --upgrade transformers",
    )


def remote_code(source: Source) -> SpecError:
    if source.embeds:
        return SpecError(
            f"{source.spec} {_CODE}, which embedders never do.",
            "Choose another, or embed elsewhere and bring the vectors: --embedder vectors:FILE",
        )
    return SpecError(
        f"{source.spec} {_CODE}, which is refused unless asked for.",
        "Read that code; if you trust it, add: --trust-remote-code",
    )


def _quantization(bits: int, device: str) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise MissingExtra(f"{bits}-bit loading", "quantized")
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    compute = torch.float32 if device == "cpu" else torch.bfloat16
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)
