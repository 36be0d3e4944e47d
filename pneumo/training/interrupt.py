"""Handle SIGINT and SIGTERM.

Python can lose a KeyboardInterrupt, such as one raised in a destructor. So the signal is also stored, and checked after each batch.
"""

import signal
import threading
from types import FrameType

_interrupted = threading.Event()


def handle_signals() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt in the main thread and set the flag of `raise_if_interrupted`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)


def raise_if_interrupted() -> None:
    """Raises KeyboardInterrupt after a signal."""
    if _interrupted.is_set():
        raise KeyboardInterrupt


def _on_signal(number: int, frame: FrameType | None) -> None:
    _interrupted.set()
    raise KeyboardInterrupt
