"""A process that ends with the one it works for, and with its time, whatever it computes then.

Linux: the app holds one end of a pipe, the process the other and asks the kernel to be killed when the app's end closes, as it does
however the app ends. Not PR_SET_PDEATHSIG, which follows the *thread* that started the process: a page's thread ends with
its answer. And on every POSIX system an alarm, which needs nobody else.
"""

import contextlib
import functools
import os
import select
import signal
import sys
from collections.abc import Iterator


@functools.cache
def _pipe() -> tuple[int, int]:
    """(to read, to write), kept until this process ends."""
    return os.pipe()


def to_pass_on() -> tuple[int, ...]:
    """What the process to start is given (`pass_fds`), and told as its argument; nothing but on Linux."""
    return _pipe()[:1] if sys.platform == "linux" else ()


def end_with(given: int) -> None:
    """Be killed when the process that holds the other end of `given` ends; now, where it did. Without /proc nothing happens."""
    if sys.platform != "linux":
        return
    import fcntl

    try:  # opened anew: whom to signal belongs to an open file, and the one given is shared with the app and its other processes
        own = os.open(f"/proc/self/fd/{given}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    os.close(given)
    fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(own, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    events = select.poll()
    events.register(own, 0)  # an end of the pipe is always told
    if events.poll(0):
        os._exit(1)


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """The process ends where the block takes longer, even within a decoder in C. Windows has no such alarm."""
    if sys.platform == "win32":
        yield
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
