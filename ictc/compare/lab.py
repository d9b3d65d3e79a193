"""The feature lab, what `ictc compare --features` does where nobody says otherwise: features that need no download, the
clusterers that they are published with, one seed for everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec

from ictc.embedders.classical import NEEDS
from ictc.errors import SpecError
from ictc.features.classical import FEATURES
from ictc.lane.automatic import KNEE

ALL = "all"
SEED = 782
CLUSTERERS = ("kmeans", "dbscan", "agglomerative")
EPS = "1"
"""Of DBSCAN, where it is fixed. Vectors are centred and of unit length (`lane.evening`), so each is 1 away from the
mean of all: two are neighbours where they are nearer to each other than to it (60 degrees; unrelated ones are at 90).
"""
_CLASSICAL = "classical"


def features_of(given: Sequence[str]) -> tuple[str, ...]:
    """The embedders meant, each once: `all` stands for those that are installed and need no download.

    Raises:
        SpecError: no classical feature has the name, or the word `classical:` is missing before it.
    """
    for spec in given:
        if spec in FEATURES and spec != ALL:
            raise SpecError(f"Unknown feature '{spec}'.", f"Type: --features {_CLASSICAL}:{spec}")
        kind, _, name = spec.partition(":")
        if kind == _CLASSICAL and name not in FEATURES:
            near = get_close_matches(name, FEATURES, 1)
            known = ", ".join(f"{_CLASSICAL}:{one}" for one in FEATURES)
            hint = f"Type: --features {_CLASSICAL}:{near[0]}" if near else f"Those there are: {known}"
            raise SpecError(f"'{spec}' names no feature.", hint)
    there = () if lacking() else tuple(f"{_CLASSICAL}:{name}" for name in FEATURES)
    every = (*there, "lite0", "offline")
    return tuple(dict.fromkeys(one for spec in given for one in (every if spec == ALL else (spec,))))


def lacking() -> str:
    """What `all` leaves out since it is not installed, with what installs it; "" where that is nothing."""
    if all(find_spec(module) for module in NEEDS):
        return ""
    return "--features all leaves the classical features out, which need an extra: pip install 'ictc[classical]'"


def with_both_eps(params: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Parameters by clusterer, DBSCAN's with a fixed eps (that given, else EPS) beside the one by the knee."""
    found = {clusterer: dict(own) for clusterer, own in params.items()}
    own = found["dbscan"]
    fixed = own.get("eps", EPS)
    own["eps"] = fixed if KNEE in fixed.split(",") else f"{fixed},{KNEE}"
    return found
