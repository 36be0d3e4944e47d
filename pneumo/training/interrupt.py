"""Ctrl-C and a polite end of the process, which must not be lost.

Python raises KeyboardInterrupt wherever the main thread stands, and drops it where nobody can catch it, such as while an object is
being deleted: the run would go on for hours. So the wish is kept as well, and asked for at each batch.
"""

import signal
import threading
from types import FrameType

_asked = threading.Event()


def heed_signals() -> None:
    """From now on SIGINT and SIGTERM raise KeyboardInterrupt in this process' main thread, and `raise_if_asked` knows of them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ask)


def raise_if_asked() -> None:
    """Raises KeyboardInterrupt once a signal has come."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _ask(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
