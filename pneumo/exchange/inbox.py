"""Received objects waiting to be read: in memory only, bounded in number and in bytes."""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from pneumo.exchange.status import Status


@dataclass(frozen=True, repr=False, eq=False)  # a printed one would tell whose it is; each is one of its own
class Received:
    data: bytes  # a DICOM Part 10 file
    status: "Future[Status]" = field(default_factory=Future)  # for its sender, who waits for it


class Inbox:
    """A queue between the threads that receive and the one that reads. When it is full, the sender keeps the object."""

    def __init__(self, max_objects: int = 64, max_bytes: int = 512 * 2**20):
        self._max_objects, self._max_bytes = max_objects, max_bytes
        self._waiting: deque[Received] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def offer(self, received: Received) -> bool:
        """Take it in; False when there is no room, or no more is taken."""
        with self._changed:
            full = len(self._waiting) >= self._max_objects or self._bytes + len(received.data) > self._max_bytes
            if full or self._closed:
                return False
            self._waiting.append(received)
            self._bytes += len(received.data)
            self._changed.notify()
            return True

    def take(self, timeout: float) -> Received | None:
        """The oldest; None when nothing came within `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, timeout):
                return None
            received = self._waiting.popleft()
            self._bytes -= len(received.data)
            return received

    def withdraw(self, received: Received) -> bool:
        """Let go of one that still waits; False when it has been taken to be read."""
        with self._changed:
            if received not in self._waiting:
                return False
            self._waiting.remove(received)
            self._bytes -= len(received.data)
            return True

    def close(self) -> None:
        """Take nothing in any more."""
        with self._changed:
            self._closed = True

    def __len__(self) -> int:
        return len(self._waiting)
