"""Decode untrusted bytes in separate processes, so that a hostile file can neither crash nor read this one."""

import atexit
import contextlib
import functools
import os
import queue
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from typing import Any

from pneumo.errors import ImageError
from pneumo.imaging.decoding.decode import MAX_BYTES, Decoded, Refusal, decode_or_refuse
from pneumo.imaging.decoding.lifeline import inherited_pipe
from pneumo.imaging.decoding.protocol import ProtocolError, receive, send_bytes
from pneumo.paths import HOME

# The app's environment may hold passwords: children get only what Python needs to find its libraries.
_INHERITED = ("PYTHONHOME", "PYTHONUSERBASE", "HOME", "APPDATA", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True)
class Limits:
    """Limits for decoding one image."""

    memory: int = 1536 << 20  # bytes; the largest image accepted, 50 million pixels, takes 1.0 GB
    seconds: float = 30.0  # wall time; the largest image takes 2 s on an idle machine


LIMITS = Limits()
_STARTING = 60.0  # seconds more for a child's first file: it loads libraries first. Its own alarm still limits the decoding


class DecoderPool:
    """Up to `size` decoding processes, started on demand; files are decoded in the order of their calls."""

    def __init__(self, size: int, limits: Limits = LIMITS):
        self.size, self._limits = size, limits
        self._idle: queue.LifoQueue[subprocess.Popen[bytes]] = queue.LifoQueue()  # last in, first out: its caches are warm
        self._slots = threading.Semaphore(size)
        self._started = False
        self._generation, self._returning = 0, threading.Lock()  # the generation grows with `restart`
        self._answered: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()  # have decoded their first file

    def decode(self, data: bytes) -> Decoded | Refusal:
        """The decoded file, or why it was refused. Thread-safe; blocks while all processes are busy."""
        if not 0 < len(data) <= MAX_BYTES:
            return decode_or_refuse(data)  # refused before anything is parsed
        with self._slots:
            generation, child = self._generation, self._child()
            result, alive = self._ask(child, data)
            with self._returning:
                if alive and generation == self._generation:
                    self._idle.put(child)
                elif alive:
                    _end(child)
        return result

    def start(self) -> None:
        """Start the first process in the background, unless one was started already, to be ready for the first file."""
        if not self._started:
            self._idle.put(self._begin())

    def restart(self) -> None:
        """Replace all processes, so that no decoded file stays in their memory: idle ones now, busy ones after their file."""
        if self._started:
            with self._returning:
                self._generation += 1
                self.close()
            with contextlib.suppress(OSError):  # no process can be started now: the next file tries again
                self._idle.put(self._begin())

    def close(self) -> None:
        """End the idle processes. Later files start new ones."""
        while not self._idle.empty():
            _end(self._idle.get())

    def _child(self) -> "subprocess.Popen[bytes]":
        with contextlib.suppress(queue.Empty):
            child = self._idle.get_nowait()
            if child.poll() is None:
                return child
            _end(child)  # it died while idle
        return self._begin()

    def _begin(self) -> "subprocess.Popen[bytes]":
        self._started = True
        return _start(self._limits)

    def _ask(self, child: "subprocess.Popen[bytes]", data: bytes) -> tuple[Decoded | Refusal, bool]:
        """The child's answer, and whether it can decode another file."""
        assert child.stdin
        assert child.stdout
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            child.kill()

        clock = threading.Timer(self._limits.seconds + (0.0 if child in self._answered else _STARTING), stop)
        clock.daemon = True
        clock.start()
        try:
            send_bytes(child.stdin, data)  # type: ignore[arg-type]  # opened in binary mode
            result = receive(child.stdout)  # type: ignore[arg-type]
            self._answered.add(child)
            return result, not timed_out.is_set()
        except (OSError, ProtocolError):
            _end(child)
            return ImageError(_TIMED_OUT.format(self._limits.seconds) if timed_out.is_set() else _CRASHED), False
        finally:
            clock.cancel()


_TIMED_OUT = "Reading the image took longer than {:.0f} s and was stopped: the file is damaged or made to do harm."
_CRASHED = "Reading the image broke off: the file is damaged or made to do harm. Export the X-ray again."


def environment() -> dict[str, str]:
    """Environment of a decoding process."""
    path = os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH"))))
    # One OpenBLAS thread: each maps memory, and decoding uses none of them.
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}


def _start(limits: Limits) -> "subprocess.Popen[bytes]":
    quiet: dict[str, Any] = {}
    if sys.platform == "win32":
        quiet["creationflags"] = subprocess.CREATE_NO_WINDOW
    pipe, arguments = inherited_pipe(), [str(limits.memory), str(limits.seconds)]
    child = subprocess.Popen(  # -P: no library from the folder where the app was started
        [sys.executable, "-P", "-m", "pneumo.imaging.decoding.worker", *arguments, *map(str, pipe)],
        env=environment(),
        pass_fds=pipe,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        **quiet,
    )
    _widen(child)
    return child


def _widen(child: "subprocess.Popen[bytes]") -> None:
    """Linux: enlarge the pipes to a megabyte, to save context switches: each image would take about a hundred."""
    if sys.platform != "linux":
        return
    import fcntl

    for pipe in filter(None, (child.stdin, child.stdout)):
        with contextlib.suppress(OSError):  # the system may allow less
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for pipe in filter(None, (child.stdin, child.stdout)):
        pipe.close()


@functools.cache
def shared_pool() -> DecoderPool:
    """This process's own, for all its sessions: two at least, so that one huge file does not hold up the rest."""
    pool = DecoderPool(max(2, os.cpu_count() or 1))
    atexit.register(pool.close)
    return pool
