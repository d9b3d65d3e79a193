"""From what a person says to an engine. Nothing of Ray is imported for the local one."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from ictc.engine import Engine
from ictc.engine.local import LOCAL
from ictc.errors import MissingExtra
from ictc.place import Place


def check_engine(place: Place) -> None:
    """Raises MissingExtra: Ray is not installed, or without Ray Data's needs."""
    if not place.local and any(find_spec(module) is None for module in ("ray", "pyarrow", "pandas")):
        raise MissingExtra(f"--engine {place.engine}", "ray")


@cache
def open_engine(place: Place) -> Engine:
    """One for all that is computed at a place, so that workers are shared. It connects when there is something to do.

    Raises:
        MissingExtra: Ray is not installed.
    """
    if place.local:
        return LOCAL
    check_engine(place)
    from ictc.remote.engine import RayEngine

    return RayEngine(place)
