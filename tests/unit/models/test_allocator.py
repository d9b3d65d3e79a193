"""Keeping freed memory: what it does is seen in the pages that the kernel has to clear."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ictc.models.allocator import keep_freed_memory

_TAKEN_AND_FREED = """
import ctypes, resource, sys
from ictc.models.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
size = 16 << 20
def once():
    blocks = [libc.malloc(size) for _ in range(4)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks:
        libc.free(block)
for _ in range(3):
    once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not keep_freed_memory(), reason="The C library here is not glibc.")
def test_memory_that_was_freed_is_used_again_without_clearing_pages() -> None:
    faults = {}
    for how in ("kept", "as it is"):
        done = subprocess.run(
            [sys.executable, "-c", _TAKEN_AND_FREED, how], capture_output=True, text=True, check=True, timeout=60
        )
        faults[how] = int(done.stdout)
    assert faults["kept"] * 10 < faults["as it is"]
