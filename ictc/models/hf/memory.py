"""Out of memory, however a device says so."""

from __future__ import annotations

import gc

_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def ran_out(error: BaseException) -> bool:
    """Whether memory was what `error` lacked. CUDA and MPS have a class for it, the CPU's allocator only words."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).casefold() for word in _WORDS)


def give_back() -> None:
    """Hand back what a failed batch still holds. To be called where its exception is no longer alive."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
