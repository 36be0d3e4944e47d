"""The files dropped on the worklist and not read yet; members of archives are extracted when their turn comes.

No streamlit here, for the tests. A file's bytes are kept until it is read, an archive's until its last member is.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable

from pneumo.imaging.decoding.archive import HEAD, Member, is_image, is_zip
from pneumo.ui.shell.quota import NOT_TAKEN, offered

_PAUSE = 5.0  # seconds; a longer gap between two files means that the page was left


class Intake:
    """The queue of one batch, with its clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._waiting: deque[Member] = deque()
        self._forget_batch()
        self.skipped = 0  # files in archives and folders that are not images
        self.cancelled = 0  # files of the last batch left unread when the user cancelled
        self.repeated = 0  # files that already have a row

    def _forget_batch(self) -> None:
        self._read, self._spent, self._ticked = 0, 0.0, 0.0

    def add(self, files: Iterable[tuple[str, bytes]], from_folder: bool = False) -> None:
        """Queue dropped files; of a folder only those that look like an image or an archive."""
        if not self._waiting:
            self._forget_batch()
            self._ticked, self.cancelled = self._clock(), 0
        for name, data in files:
            if from_folder and data != NOT_TAKEN and not is_zip(data[:HEAD]) and not is_image(name, data[:HEAD]):
                self.skipped += 1
                continue
            contents = offered(name, data)
            self.skipped += contents.skipped
            self._waiting.extend(contents.members)

    @property
    def head(self) -> Member | None:
        """The next file. It stays in the queue until `done`, so that an interrupted run loses none."""
        return self._waiting[0] if self._waiting else None

    def done(self) -> None:
        """The file at the head was read."""
        self._waiting.popleft()
        now = self._clock()
        self._spent += min(now - self._ticked, _PAUSE)
        self._ticked, self._read = now, self._read + 1

    def cancel(self) -> None:
        """Drop every file that was not read yet."""
        self.cancelled += len(self._waiting)
        self._waiting.clear()

    @property
    def holds(self) -> int:
        """Bytes of the files in the queue."""
        return sum(member.holds for member in self._waiting)

    @property
    def progress(self) -> tuple[int, int]:
        """(files read, all files) of the current batch."""
        return self._read, self._read + len(self._waiting)

    @property
    def seconds_left(self) -> float:
        """By the mean of the files read so far; NaN before the first."""
        return self._spent / self._read * len(self._waiting) if self._read else math.nan


def time_left(seconds: float) -> str:
    """In words, rounded up; empty for NaN."""
    if math.isnan(seconds):
        return ""
    if seconds < 60:
        return f", about {max(5, 5 * math.ceil(seconds / 5))} s left"
    return f", about {math.ceil(seconds / 60)} min left"
