"""Memory of a process of many threads: not held without use, not looked through without need. malloc's part: Linux with glibc."""

import ctypes
import functools
import gc
import sys

# From malloc.h.
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8


def hold_little() -> None:
    """Once, early: few heaps for all threads, and pictures in maps of their own, which the system has back as soon as they go.

    Six X-rays on the Diagnose page: the app takes 371 MB instead of 496 MB.
    """
    if mallopt := _libc("mallopt"):
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, 256 << 10)


@functools.cache
def set_aside() -> None:
    """Once, when all is loaded and no X-ray is here yet: what exists now is never looked through for garbage again.

    Streamlit looks through everything after each run of a page, which took a third of a page's time.
    """
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Pages that were freed and are still held. Loading resnet50 frees 160 MB of them, nearly half of it all."""
    if trim := _libc("malloc_trim"):
        trim(0)


def _libc(name: str) -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None  # musl has none of them
