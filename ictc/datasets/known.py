"""The data sets that are installed: ours and those of other packages, through entry points."""

from __future__ import annotations

import difflib
from importlib.metadata import EntryPoint, entry_points

from ictc.datasets.recipe import Dataset
from ictc.errors import IctcError, UsageError

GROUP = "ictc.datasets"


def installed() -> dict[str, EntryPoint]:
    """What is registered, by name; nothing is loaded."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name)}


def dataset(name: str) -> Dataset:
    """The data set of that name (case and `_` for `-` do not matter).

    Raises:
        UsageError: there is none, or it cannot be loaded.
    """
    known = installed()
    plain = name.strip().lower().replace("_", "-")
    if plain not in known:
        close = difflib.get_close_matches(plain, known, 1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise UsageError(
            f"There is no data set '{name}'.", f"{meant}Known: {', '.join(known) or 'none'}. See: ictc data list"
        )
    entry = known[plain]
    try:
        made = entry.load()
    except IctcError:
        raise
    except Exception as error:
        raise UsageError(
            f"The data set '{plain}' ({entry.value}) cannot be loaded: {type(error).__name__}: {error}.",
            "It is registered by an installed package: update or remove that.",
        ) from error
    if not isinstance(made, Dataset):
        raise UsageError(f"The data set '{plain}' ({entry.value}) is no Dataset.", "See ictc/datasets/recipe.py.")
    return made
