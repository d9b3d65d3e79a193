"""The C library's allocator, told to keep what a network frees: the next pass needs the same memory again.

By default glibc gives large freed blocks back to the system at once and takes them anew for the next layer, and the
kernel clears every page of them each time: a quarter of the time of a small network's forward passes on two threads.
"""

from __future__ import annotations

import ctypes
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
_KEPT = 256 << 20
_FROM_THE_HEAP = 32 << 20  # the largest that glibc takes: half of a thread's heap


@cache
def keep_freed_memory() -> bool:
    """For the whole process; False where the C library has no such setting (macOS, Windows, musl)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _FROM_THE_HEAP) and mallopt(_M_TRIM_THRESHOLD, _KEPT))
