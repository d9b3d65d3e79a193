"""From a spec, `NAME` or `NAME:ARGUMENT`, to a describer or a model, through entry points.

The built-in ones are registered the same way as those of third parties. Group `ictc.describers`: a function
`create(argument: str, context: DescriberContext) -> Describer`. Group `ictc.models`: a function
`create(argument: str, options: ModelOptions) -> Model`. Group `ictc.embedders`: a function
`create(argument: str, context: EmbedderContext) -> JointEmbedder | ImageEmbedder | Embedder`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ictc.engine import Engine
from ictc.engine.local import LOCAL
from ictc.errors import IctcError, SpecError
from ictc.interfaces import Describer, Embedder, ImageEmbedder, JointEmbedder, Model
from ictc.modeloptions import ModelOptions
from ictc.prompts import Prompts
from ictc.store import Store

DESCRIBERS = "ictc.describers"
MODELS = "ictc.models"
EMBEDDERS = "ictc.embedders"


@dataclass(frozen=True, slots=True)
class DescriberContext:
    """What a describer may use: the run's store for everything it computes, the run's text embedder, its prompts, and
    models by their spec (`open_model("openai:gpt-4o")`): stored, counted and within the budget like all others.
    `together`: the criteria that are to be answered in one pass, where there are several. `engine`: who computes what
    the store lacks, where it is not a model."""

    store: Store
    embedder: Embedder
    prompts: Prompts = field(default_factory=Prompts)
    options: ModelOptions = field(default_factory=ModelOptions)
    open_model: Callable[[str], Model] | None = None
    together: tuple[str, ...] = ()
    engine: Engine = LOCAL


@dataclass(frozen=True, slots=True)
class EmbedderContext:
    """What an embedder may use: the run's store for what it computes beside its vectors (these are kept around it by
    `embed.cached`), the offline text embedder, and the options of models in this process. `kept`: the fingerprint of
    the vectors that a finished run has of this spec, "" where it is not about a finished run. For those that ask a
    model about images: the `criterion`, and `prompts` and `open_model` as in `DescriberContext`. `engine`: as
    there, for those that compute something over the store themselves. An embedder that uses nothing of all this but
    `options` says so by `portable = True`: it can be made with a worker, from its spec."""

    store: Store
    text: Embedder
    options: ModelOptions = field(default_factory=ModelOptions)
    kept: str = ""
    criterion: str = ""
    prompts: Prompts = field(default_factory=Prompts)
    open_model: Callable[[str], Model] | None = None
    engine: Engine = LOCAL


def describers() -> dict[str, EntryPoint]:
    """What is installed, by name."""
    return _entries(DESCRIBERS)


def models() -> dict[str, EntryPoint]:
    """What is installed, by name."""
    return _entries(MODELS)


def embedders() -> dict[str, EntryPoint]:
    """What is installed, by name."""
    return _entries(EMBEDDERS)


def describer(spec: str, context: DescriberContext) -> Describer:
    """The describer that `spec` names.

    Raises:
        SpecError: no such describer is installed, or it cannot be loaded or made.
    """
    made: Describer = _made("describer", DESCRIBERS, spec, context)
    return made


def describing(spec: str) -> str:
    """The describer's spec that a person means by `spec`: a model is one through `vlm:`, unless one has its name."""
    name = spec.partition(":")[0]
    return f"vlm:{spec}" if name in models() and name not in describers() else spec


def model(spec: str, options: ModelOptions) -> Model:
    """The model that `spec` names.

    Raises:
        SpecError: no such kind of model is installed, or it cannot be loaded or made.
        MissingExtra: it needs a package that is not installed.
    """
    made: Model = _made("model", MODELS, spec, options)
    return made


def embedder(spec: str, context: EmbedderContext) -> JointEmbedder | ImageEmbedder | Embedder:
    """The embedder that `spec` names.

    Raises:
        SpecError: no such embedder is installed, or it cannot be loaded or made.
        MissingExtra: it needs a package that is not installed.
    """
    made: JointEmbedder | ImageEmbedder | Embedder = _made("embedder", EMBEDDERS, spec, context)
    return made


def _entries(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=group), key=lambda e: e.name)}


def _made(what: str, group: str, spec: str, context: object) -> Any:
    name, _, argument = spec.partition(":")
    known = _entries(group)
    if name not in known:
        raise SpecError(f"Unknown {what} '{name}'.", f"Known here: {', '.join(known) or 'none'}. See: ictc doctor")
    entry = known[name]
    try:
        return entry.load()(argument, context)
    except IctcError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise SpecError(f"The {what} '{name}' ({entry.value}) cannot be used: {reason}.", "See: ictc doctor") from error
