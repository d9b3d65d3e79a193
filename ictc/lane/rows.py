"""What is asked of vectors before they are clustered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.errors import InputError, UsageError
from ictc.reasoners.spherical import BLOCK

_SHOWN = 5


def check_rows(rows: NDArray[np.floating], names: Sequence[str] = (), *, zeros: bool = False) -> None:
    """Every row of [n, d] is finite and, unless `zeros` may be, not zero. `names` [n] are what a message calls them.

    Looked at a block at a time: a million rows cost no memory.

    Raises:
        InputError: there is nothing to cluster, or there are rows that have no direction.
    """
    if rows.ndim != 2 or not rows.size or rows.dtype.kind != "f":
        raise InputError(
            f"There are no vectors to cluster: numbers of shape {rows.shape}, {rows.dtype}.",
            "Give one row of numbers per image, [images, width] in float32.",
        )
    bad: list[tuple[int, str]] = []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.einsum("ij,ij->i", block, block)
            if not (np.isfinite(total) & (total > 0)).all():  # seldom: perhaps only too large or small for float32
                total = np.einsum("ij,ij->i", block, block, dtype=np.float64)
        if not (np.isfinite(total) & (total > 0)).all():
            wrong = np.flatnonzero(~np.isfinite(total) | ((total <= 0) & (not zeros))).tolist()
            bad += [(start + i, "all zeros" if total[i] == 0 else "NaN or infinite") for i in wrong]
    if bad:
        shown = ", ".join(f"{names[i] if names else f'row {i}'} ({why})" for i, why in bad[:_SHOWN])
        more = f" and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
        raise InputError(
            f"{len(bad):,} of {len(rows):,} vectors cannot be clustered: {shown}{more}.",
            "Embed these images again (--recompute), or leave them out.",
        )


def distinct(rows: NDArray[np.floating], up_to: int) -> int:
    """How many different rows there are; counting stops at `up_to`, so it is quick where most differ."""
    seen: set[bytes] = set()
    for row in rows:
        seen.add((row + 0).tobytes())  # -0 is 0
        if len(seen) >= up_to:
            break
    return len(seen)


def check_k(k: int, rows: NDArray[np.floating]) -> None:
    """K groups can be made of these rows.

    Raises:
        UsageError: fewer than one is asked for, or more than there are images or different images.
    """
    if k < 1:
        raise UsageError(f"-k {k}: there must be at least one cluster.", "Give -k a number of 1 or more, or: -k auto")
    if k > len(rows):
        raise UsageError(
            f"-k {k:,} is more than the {len(rows):,} images.", f"Give -k {len(rows)} or less, or: -k auto"
        )
    found = distinct(rows, k)
    if found < k:
        raise UsageError(
            f"-k {k:,} is more than the {found:,} different vectors of the {len(rows):,} images: others are the same.",
            f"Give -k {found} or less, or: -k auto",
        )
