"""A worker must compute what this process would: the fingerprint of what it made is compared with the one wanted."""

from __future__ import annotations

from ictc.errors import StepError


def check_alike(what: str, wanted: str, found: str) -> None:
    """Raises StepError where they differ: other versions, other weights, another kind of processor."""
    if found != wanted:
        raise StepError(
            f"{what} is not the same here as where the run was started ({found}, not {wanted}).",
            "Install the same packages and weights on all machines.",
        )
