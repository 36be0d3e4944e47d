"""Memory of a process that reads X-rays: not held without use, not looked through without need, written over when it is freed."""

import ctypes
import functools
import gc
import sys
from itertools import repeat

# From malloc.h.
_MMAP_THRESHOLD, _PERTURB, _ARENA_MAX = -3, -6, -8
# Python's own heap has a list of free blocks for each of these sizes. The largest also takes the pages that no size uses.
_SIZES = range(16, 513, 16)
MANY_BLOCKS, FEW_BLOCKS = 1 << 13, 1 << 9  # blocks of each size that a program of many threads, or a small one, may have freed
_HEAD = sys.getsizeof(b"")


def limit_malloc() -> None:
    """Once, early, in a process of many threads: few heaps; pictures in maps of their own, which the system has back as soon as
    they go; whatever else is freed is written over. malloc's part: Linux with glibc.

    Six X-rays on the Diagnose page: the app takes 371 MB instead of 496 MB.
    """
    if mallopt := _libc("mallopt"):
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, 256 << 10)
        mallopt(_PERTURB, 0xFF)  # freed bytes become 0xFF, fresh ones 0


@functools.cache
def freeze_garbage_collector() -> None:
    """Once, when the server starts and nobody is there: what exists now is never looked through for garbage again.

    Streamlit looks through everything after each run of a page, which took a third of a page's time. Not later: an X-ray that
    something holds in a circle would stay for ever.
    """
    gc.collect()
    gc.freeze()


def collect_and_overwrite(freed: int) -> None:
    """After the last reference to an X-ray went: circles go too, and what all that left in memory is written over."""
    gc.collect()
    _overwrite(freed)
    _overwrite_thread()
    trim_heap()


def trim_heap() -> None:
    """Pages that were freed and are still held. Loading resnet50 frees 160 MB of them, nearly half of it all."""
    if trim := _libc("malloc_trim"):
        trim(0)


def _overwrite(freed: int) -> None:
    """A small thing that is gone, such as a file's name, stands in Python's own heap until another takes its block: zeros do."""
    for size in _SIZES:
        count = freed * 16 if size == _SIZES[-1] else freed
        if size < _HEAD:
            taken: list[bytes | bytearray] = list(map(bytearray, repeat(size - 1, count)))  # its buffer, which ends with one more
        else:
            taken = list(map(bytes, repeat(size - _HEAD, count)))
        del taken


def _overwrite_thread() -> None:
    """The C library sets a few freed blocks of each small size aside for the thread that freed them, and writes over none of them.
    Only the calling thread's can be had."""
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
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None  # musl has none of them
