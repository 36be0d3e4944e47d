"""Untrusted bytes are decoded in processes of their own: whatever a file does there, this one lives and says what happened."""

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
from pneumo.imaging.decoding.decode import MAX_BYTES, decode
from pneumo.imaging.decoding.decoded_file import Decoded, Refusal
from pneumo.imaging.decoding.lifeline import to_pass_on
from pneumo.imaging.decoding.protocol import WireError, receive, send_bytes
from pneumo.paths import HOME

# Of the app's environment, where passwords may stand: only what finds Python's libraries.
_KEPT = ("PYTHONHOME", "PYTHONUSERBASE", "HOME", "APPDATA", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True)
class Limits:
    """What one image may cost."""

    memory: int = 1536 << 20  # bytes; the largest image that is read, 50 million pixels, takes 1.0 GB
    seconds: float = 30.0  # on the clock; the largest image takes 2 s on an idle machine


LIMITS = Limits()
_STARTING = 60.0  # seconds more for its first file, to load libraries on a busy machine; its own alarm bounds what it reads


class Decoders:
    """Up to `size` reading processes, started as they are needed. Whoever asks first is served first."""

    def __init__(self, size: int, limits: Limits = LIMITS):
        self.size, self._limits = size, limits
        self._idle: queue.LifoQueue[subprocess.Popen[bytes]] = queue.LifoQueue()  # the warmest first
        self._turn = threading.Semaphore(size)
        self._begun = False
        self._age, self._returning = 0, threading.Lock()  # grows with `renew`
        self._answered: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()

    def decode(self, data: bytes) -> Decoded | Refusal:
        """The pictures of one file, or why there are none. Safe from every thread; waits while all processes read."""
        if not 0 < len(data) <= MAX_BYTES:
            return _refused_unread(data)
        with self._turn:
            age, child = self._age, self._child()
            found, alive = self._ask(child, data)
            with self._returning:
                if alive and age == self._age:
                    self._idle.put(child)
                elif alive:
                    _end(child)
        return found

    def start(self) -> None:
        """Begin to start the first process, where none was started yet, so that it is ready when the first file comes."""
        if not self._begun:
            self._idle.put(self._begin())

    def renew(self) -> None:
        """What a process still holds of the files it read ends with it: those that wait end now, the others after their file."""
        if self._begun:
            with self._returning:
                self._age += 1
                self.close()
            with contextlib.suppress(OSError):  # no room for a process now: the next file tries again
                self._idle.put(self._begin())

    def close(self) -> None:
        """End the processes that wait. What is asked afterwards starts new ones."""
        while not self._idle.empty():
            _end(self._idle.get())

    def _child(self) -> "subprocess.Popen[bytes]":
        try:
            child = self._idle.get_nowait()
        except queue.Empty:
            return self._begin()
        if child.poll() is None:
            return child
        _end(child)  # somebody ended it while it waited
        return self._begin()

    def _begin(self) -> "subprocess.Popen[bytes]":
        self._begun = True
        return _start(self._limits)

    def _ask(self, child: "subprocess.Popen[bytes]", data: bytes) -> tuple[Decoded | Refusal, bool]:
        """What the child says of the file, and whether it can be asked again."""
        assert child.stdin
        assert child.stdout
        late = threading.Event()

        def stop() -> None:
            late.set()
            child.kill()

        clock = threading.Timer(self._limits.seconds + (0.0 if child in self._answered else _STARTING), stop)
        clock.daemon = True
        clock.start()
        try:
            send_bytes(child.stdin, data)  # type: ignore[arg-type]  # opened in binary mode
            found = receive(child.stdout)  # type: ignore[arg-type]
            self._answered.add(child)
            return found, not late.is_set()
        except (OSError, WireError):
            _end(child)
            return ImageError(_LATE.format(self._limits.seconds) if late.is_set() else _CRASHED), False
        finally:
            clock.cancel()


_LATE = "Reading the image took longer than {:.0f} s and was stopped: the file is damaged or made to do harm."
_CRASHED = "Reading the image broke off: the file is damaged or made to do harm. Export the X-ray again."


def _refused_unread(data: bytes) -> Refusal:
    """Empty or too large: `decode` says so without looking at a byte."""
    try:
        decode(data)
    except ImageError as refusal:
        return refusal
    raise AssertionError("decode reads files of this size")


def environment() -> dict[str, str]:
    """Of a process that reads untrusted bytes."""
    path = os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH"))))
    # Threads of the linear algebra library would each map memory, and reading an image uses none of them.
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}


def _start(limits: Limits) -> "subprocess.Popen[bytes]":
    quiet: dict[str, Any] = {}
    if sys.platform == "win32":
        quiet["creationflags"] = subprocess.CREATE_NO_WINDOW
    pipe, told = to_pass_on(), [str(limits.memory), str(limits.seconds)]
    child = subprocess.Popen(  # -P: no library from the folder where the app was started
        [sys.executable, "-P", "-m", "pneumo.imaging.decoding.worker", *told, *map(str, pipe)], env=environment(), pass_fds=pipe,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, **quiet,
    )  # fmt: skip
    _widen(child)
    return child


def _widen(child: "subprocess.Popen[bytes]") -> None:
    """Linux: pipes that hold a megabyte, or each picture would take a hundred changes from one process to the other."""
    if sys.platform != "linux":
        return
    import fcntl

    for pipe in (child.stdin, child.stdout):
        if pipe:
            with contextlib.suppress(OSError):  # an administrator may allow less
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()


@functools.cache
def shared() -> Decoders:
    """This process's own, for all its sessions: two at least, so that one huge file does not hold up the rest."""
    pool = Decoders(max(2, os.cpu_count() or 1))
    atexit.register(pool.close)
    return pool
