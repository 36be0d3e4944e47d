"""Received objects: what their senders are answered, and their queue, in memory only, limited in number and bytes."""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from pydicom.dataset import Dataset


@dataclass(frozen=True)
class Status:
    """A C-STORE response: a status code of PS3.4 B.2.3 and, for failures, a reason. Neither identifies the patient."""

    code: int
    comment: str = ""  # at most 64 characters (0000,0902)

    @property
    def data_set(self) -> Dataset:
        response = Dataset()
        response.Status = self.code
        if self.comment:
            response.ErrorComment = self.comment
        return response


SUCCESS = Status(0x0000)
BUSY = Status(0xA700, "No room now, or the node is stopping. Send it again later.")
NOT_STORED = Status(0xA700, "The archive did not take the results. Send it again later.")
TOO_LARGE = Status(0xC000, "The object is larger than any X-ray that is accepted.")
UNREADABLE = Status(0xC000, "The image cannot be read, or no result can be filed for it.")
FAULT = Status(0x0110, "Reading the image failed unexpectedly. See the node's log.")


@dataclass(frozen=True, repr=False, eq=False)  # no repr: it would show patient data; eq by identity: equal bytes may arrive twice
class Received:
    data: bytes  # a DICOM Part 10 file
    status: Future[Status] = field(default_factory=Future)  # the answer that its sender waits for


class Inbox:
    """Queue between the receiving threads and the reading thread. If it is full, the object stays with its sender."""

    def __init__(self, max_objects: int = 64, max_bytes: int = 512 * 2**20):
        self._max_objects, self._max_bytes = max_objects, max_bytes
        self._waiting: deque[Received] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def offer(self, received: Received) -> bool:
        """Add an object; False if the inbox is full or closed."""
        with self._changed:
            full = len(self._waiting) >= self._max_objects or self._bytes + len(received.data) > self._max_bytes
            if full or self._closed:
                return False
            self._waiting.append(received)
            self._bytes += len(received.data)
            self._changed.notify()
            return True

    def take(self, timeout: float) -> Received | None:
        """Remove and return the oldest object; None if there is none within `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, timeout):
                return None
            received = self._waiting.popleft()
            self._bytes -= len(received.data)
            return received

    def withdraw(self, received: Received) -> bool:
        """Remove an object that is still queued; False if it is already being read."""
        with self._changed:
            if received not in self._waiting:
                return False
            self._waiting.remove(received)
            self._bytes -= len(received.data)
            return True

    def close(self) -> None:
        """Accept no more objects."""
        with self._changed:
            self._closed = True

    def __len__(self) -> int:
        return len(self._waiting)
