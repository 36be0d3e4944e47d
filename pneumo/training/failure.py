"""Explain why a run ended and what to do."""

import errno

from pneumo.errors import PneumoError

_RESUME = "Press Resume to continue (on the command line: --resume)."
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FULL_WORDS = ("no space left", "file too large", "disk quota")  # h5py and TensorFlow give the system error only as text


def is_shortage(error: BaseException) -> bool:
    """Whether memory or disk ran out, on any backend."""
    exhausted = "resourceexhausted" in type(error).__name__.lower() or "RESOURCE_EXHAUSTED" in str(error)
    return isinstance(error, MemoryError | OSError) or exhausted


def explain(error: BaseException) -> str:
    """One or two sentences: what happened and what to do."""
    text = str(error)
    if isinstance(error, PneumoError):
        return text
    if isinstance(error, KeyboardInterrupt):
        return f"Cancelled. What was trained so far is kept. {_RESUME}"
    if is_shortage(error) and (getattr(error, "errno", None) in _FULL or any(words in text.lower() for words in _FULL_WORDS)):
        return f"The disk is full; make room. The last good checkpoint is kept. {_RESUME}"
    if is_shortage(error) and not isinstance(error, OSError):
        return "Memory ran out. Use a smaller batch size or image size. The last good checkpoint is kept."
    if isinstance(error, OSError):
        return f"A file could not be read or written: {text}. The last good checkpoint is kept."
    return f"{type(error).__name__}: {text[:500]}"
