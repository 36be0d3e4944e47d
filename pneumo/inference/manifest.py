"""What is finished of a long `predict`, file by file, so that an interrupted one goes on where it stood.

JSON lines, appended only. The first says what asked (model, weights, card, operating point, heatmap folder); each other is one
file that was answered: {"path", "size", "mtime_ns", "rows": [the rows that were printed for it]}, of an archive all its images'. A
file is the same as long as path, size and time of change are; where a line came twice, the last one counts.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from pneumo.errors import ConfigError, DataError
from pneumo.inference.finding import Finding
from pneumo.labels import Status

Row = dict[str, Any]

VERSION = 1
SYNC_EVERY = 64  # lines: what a power cut, unlike a killed process, may cost
_NOTHING = sha256(b"").hexdigest()  # the hash in the row of a file whose bytes were never had
_HEADER_BYTES = 1 << 16


@dataclass
class _Turn:
    """A path whose rows come next. `stamp` is None where there is no such file, `noted` the place of its line in the manifest."""

    path: str
    stamp: tuple[int, int] | None
    noted: int | None
    rows: list[Row] = field(default_factory=list)


class Manifest:
    """One open manifest; held by one process at a time."""

    def __init__(self, path: Path, asks: dict[str, Any]):
        """Open or begin it. `asks` is what must be the same on each start, by name.

        Raises ConfigError where it differs or another process holds the file, DataError where the file is no manifest. A file
        that is no manifest is left as it is; of a manifest, the last line is cut off where it is torn.
        """
        header = json.dumps({"manifest": VERSION, **asks}).encode() + b"\n"
        try:
            self._file: BinaryIO = open(path, "a+b")  # noqa: SIM115  # closed by __exit__
        except OSError as error:
            raise ConfigError(f"The manifest {path} cannot be opened: {error.strerror or error}. Name another file.") from error
        self._lock = FileLock(f"{path}.lock", timeout=0)
        self._unsynced = 0
        try:
            self._lock.acquire()
            self._check(path, header)
            self._places = self._read(path)
        except Timeout:
            self._close()
            raise ConfigError(f"Another process works with the manifest {path}. Wait for it, or name another file.") from None
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._sync()
        self._close()

    def rows(
        self,
        paths: Iterable[str],
        ask: Callable[[Iterable[str]], Iterator[tuple[str, Finding]]],
        row: Callable[[str, Finding], Row],
    ) -> Iterator[Row]:
        """The row of every image of `paths`, in their order, each path once however often it is named.

        `ask` is an engine: it is given the paths that are not noted yet, and gives (name, finding) in the same order, the images
        of an archive as "archive/name in it"; `row` makes a finding's row. What is asked is noted when the next path's turn
        comes; a file that could not be opened never is, so that the next start tries it again.
        """
        turns: deque[_Turn] = deque()
        for name, finding in ask(self._unasked(paths, turns)):
            while not _is_of(name, turns[0].path):
                yield from self._finished(turns.popleft())
            turns[0].rows.append(row(name, finding))
            yield turns[0].rows[-1]
        while turns:
            yield from self._finished(turns.popleft())

    def _unasked(self, paths: Iterable[str], turns: deque[_Turn]) -> Iterator[str]:
        """The paths to ask; all of them, in order, are also put into `turns`."""
        seen: set[str] = set()
        for path in paths:
            if path in seen:
                continue
            seen.add(path)
            stamp = _stamp(path)  # before the file is read: should it change meanwhile, the next start asks again
            place = self._places.get(path)
            same = place is not None and _stamp_in(self._entry(place)) == stamp
            turns.append(_Turn(path, stamp, place if same else None))
            if not same:
                yield path

    def _finished(self, turn: _Turn) -> list[Row]:
        """Rows that were not given yet: those noted by an earlier start."""
        if turn.noted is not None:
            noted: list[Row] = self._entry(turn.noted)["rows"]
            return noted
        unopened = any(
            row["status"] == Status.ERROR and row["sha256"] == _NOTHING and row["file"] == turn.path for row in turn.rows
        )
        if turn.stamp and turn.rows and not unopened:
            self._note(turn.path, turn.stamp, turn.rows)
        return []

    def _entry(self, place: int) -> dict[str, Any]:
        self._file.seek(place)
        entry: dict[str, Any] = json.loads(self._file.readline())
        return entry

    def _note(self, path: str, stamp: tuple[int, int], rows: list[Row]) -> None:
        line = {"path": path, "size": stamp[0], "mtime_ns": stamp[1], "rows": rows}
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        self._unsynced += 1
        if self._unsynced >= SYNC_EVERY:
            self._sync()

    def _check(self, path: Path, header: bytes) -> None:
        """Write the header of a new file, or compare the one there is."""
        self._file.seek(0)
        found = self._file.readline(_HEADER_BYTES)
        if not found.endswith(b"\n") and header.startswith(found):  # new, or torn in its very first line
            self._file.truncate(0)
            self._file.write(header)
            self._sync()
            return
        try:
            old, new = json.loads(found), json.loads(header)
            version = old["manifest"]
        except (ValueError, TypeError, KeyError):
            raise DataError(f"{path} is not a manifest of `predict`. It was left as it is; name another file.") from None
        if version != VERSION:
            raise DataError(f"The manifest {path} has version {version}; expected {VERSION}. Name another file.")
        differing = [f"{name.replace('_', ' ')} {old.get(name)!r}, now {new[name]!r}" for name in new if old.get(name) != new[name]]
        if differing:
            raise ConfigError(
                f"The manifest {path} was begun with {'; '.join(differing)}. Ask as it was begun, or name another file."
            )

    def _read(self, path: Path) -> dict[str, int]:
        """Where the line of each path begins. The rest stays on the disk: there may be millions."""
        places = {}
        self._file.seek(0)
        at = len(self._file.readline())
        for line in self._file:
            if not line.endswith(b"\n"):  # torn: what was written last when the machine stopped
                self._file.truncate(at)
                break
            try:
                entry = json.loads(line)
                if not {"path", "size", "mtime_ns", "rows"} <= set(entry):
                    raise ValueError(line)
                places[entry["path"]] = at
            except (ValueError, TypeError):
                raise DataError(f"The manifest {path} is damaged at byte {at}. Restore it, or begin another.") from None
            at += len(line)
        return places

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unsynced = 0

    def _close(self) -> None:
        self._file.close()
        self._lock.release()


def _is_of(name: str, path: str) -> bool:
    return name == path or name.startswith(path + "/")


def _stamp_in(entry: dict[str, Any]) -> tuple[int, int]:
    return entry["size"], entry["mtime_ns"]


def _stamp(path: str) -> tuple[int, int] | None:
    """(bytes, time of change in nanoseconds) of a file; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
