"""MATLAB's .mat files (versions 4 to 7.2), read by scipy: no code of the file is run."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from ictc.datasets.recipe import Place
from ictc.errors import InputError

_MOST = 1 << 28


def structs(place: Place, name: str, variable: str, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """The elements of an array of structs: the values of `fields`, in their order; single values are no arrays."""
    from scipy.io import loadmat

    data = place.read(name, _MOST)
    if data[:10] == b"MATLAB 7.3":
        raise InputError(
            f"{name} is a MATLAB file of version 7.3 (HDF5), which is not read.",
            "Write it again in MATLAB or Octave: load, then save -v7",
        )
    try:
        file: Any = io.BytesIO(data)  # the stubs know of paths alone
        found = loadmat(file, squeeze_me=True, variable_names=[variable])
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise InputError(
            f"{name} is no MATLAB file of a version up to 7.2: {error}.", "It was cut off or changed: get it again."
        ) from error
    values = np.atleast_1d(found.get(variable, np.empty(0)))
    if values.dtype.names is None or any(field not in values.dtype.names for field in fields):
        raise InputError(
            f"{name} has no array of structs '{variable}' with the fields {', '.join(fields)}.",
            "It is another file: get the one of this data set.",
        )
    return [tuple(_plain(element[field]) for field in fields) for element in values]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic | np.ndarray) and np.size(value) == 1 else value
