"""End a decoding process when its app ends or its time is up, even in the middle of a computation.

Linux: the app holds the write end of a pipe. The decoding process holds the read end and asks the kernel for SIGKILL when
the write end closes, which happens however the app ends. PR_SET_PDEATHSIG does not work here: it follows the *thread* that
started the process, and a page's thread ends with its answer. For the time limit, every POSIX system has an alarm.
"""

import contextlib
import functools
import os
import select
import signal
import sys
from collections.abc import Iterator


@functools.cache
def inherited_pipe() -> tuple[int, ...]:
    """Read end for the child, as `pass_fds` and argument; both ends stay open until this process ends. Empty except on Linux."""
    return os.pipe()[:1] if sys.platform == "linux" else ()


def kill_with_parent(pipe: int) -> None:
    """Have this process killed when the holder of the other end of `pipe` ends, or exit now if it has. Needs /proc."""
    if sys.platform != "linux":
        return
    import fcntl

    try:  # reopened: an open file signals one process only, and the inherited one is shared with the app and its other children
        own = os.open(f"/proc/self/fd/{pipe}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    os.close(pipe)
    fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(own, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    events = select.poll()
    events.register(own, 0)  # a closed pipe is reported even with an empty mask
    if events.poll(0):
        os._exit(1)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End the process if the block takes longer, even inside a C decoder. Windows has no such alarm: no limit there."""
    if sys.platform == "win32":
        yield
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
