"""Limit malloc arenas, freeze the garbage collector, and overwrite the memory of X-rays after use."""

import ctypes
import functools
import gc
import sys
from itertools import repeat

# From malloc.h.
_MMAP_THRESHOLD, _PERTURB, _ARENA_MAX = -3, -6, -8
# Bytes. Python's own heap keeps a free list for each of these sizes; the largest also gets the pages that no other size uses.
_SIZES = range(16, 513, 16)
MANY_BLOCKS, FEW_BLOCKS = 1 << 13, 1 << 9  # freed blocks of each size to overwrite: in the app; in a decoding process
_HEAD = sys.getsizeof(b"")


def limit_malloc() -> None:
    """Limit malloc to two arenas, map large blocks (images) separately so that they return to the system at once, and overwrite
    freed blocks. Call it once, early, in a process of many threads. No effect without glibc.

    With six X-rays on the Diagnose page the app takes 371 MB instead of 496 MB.
    """
    if mallopt := _libc("mallopt"):
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, 256 << 10)
        mallopt(_PERTURB, 0xFF)  # freed bytes become 0xFF, newly allocated ones 0


@functools.cache
def freeze_garbage_collector() -> None:
    """Exclude all existing objects from garbage collection. Call it once, when the server starts and before any session.

    Streamlit collects garbage after each run of a page; scanning all objects took a third of the page's time. Called later,
    an X-ray in a reference cycle would never be freed.
    """
    gc.collect()
    gc.freeze()


def collect_and_overwrite(freed: int) -> None:
    """After the last reference to an X-ray is gone: free reference cycles and overwrite `freed` blocks of each small size."""
    gc.collect()
    _overwrite(freed)
    _overwrite_thread()
    trim_heap()


def trim_heap() -> None:
    """Return freed heap pages to the system. After loading resnet50 these are 160 MB, nearly half of the process."""
    if trim := _libc("malloc_trim"):
        trim(0)


def _overwrite(freed: int) -> None:
    """Fill free blocks of Python's own heap with zeros: a freed small object, such as a file name, stays there until then."""
    for size in _SIZES:
        count = freed * 16 if size == _SIZES[-1] else freed
        if size < _HEAD:
            zeros: list[bytes | bytearray] = list(map(bytearray, repeat(size - 1, count)))  # its buffer is one byte longer
        else:
            zeros = list(map(bytes, repeat(size - _HEAD, count)))
        del zeros


def _overwrite_thread() -> None:
    """Overwrite the calling thread's malloc cache: the C library caches a few freed blocks of each small size per thread and
    does not overwrite them."""
    malloc, free = _libc("malloc"), _libc("free")
    if not malloc or not free:
        return
    malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    for size in range(24, 1033, 16):
        blocks = [malloc(ctypes.c_size_t(size)) for _ in range(8)]
        for block in filter(None, blocks):
            ctypes.memset(block, 0, size)
        for block in blocks:
            free(block)


def _libc(name: str) -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None  # None with musl
