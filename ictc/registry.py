"""From a describer's spec, `NAME` or `NAME:ARGUMENT`, to the describer, through entry points (group `ictc.describers`).

The built-in describers are registered the same way as those of third parties: an entry point NAME that names a
function `create(argument: str, context: DescriberContext) -> Describer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from ictc.errors import IctcError, SpecError
from ictc.interfaces import Describer, Embedder
from ictc.store import Store

GROUP = "ictc.describers"


@dataclass(frozen=True, slots=True)
class DescriberContext:
    """What a describer may use: the run's store for everything it computes, and the run's text embedder."""

    store: Store
    embedder: Embedder


def describers() -> dict[str, EntryPoint]:
    """What is installed, by name."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name)}


def describer(spec: str, context: DescriberContext) -> Describer:
    """The describer that `spec` names.

    Raises:
        SpecError: no such describer is installed, or it cannot be loaded or made.
    """
    name, _, argument = spec.partition(":")
    known = describers()
    if name not in known:
        raise SpecError(f"Unknown describer '{name}'.", f"Known here: {', '.join(known) or 'none'}. See: ictc doctor")
    entry = known[name]
    try:
        made: Describer = entry.load()(argument, context)
    except IctcError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise SpecError(
            f"The describer '{name}' ({entry.value}) cannot be used: {reason}.", "See: ictc doctor"
        ) from error
    return made
