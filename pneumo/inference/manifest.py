"""Resume an interrupted `predict`: a log of the finished files.

JSON lines, append-only. The first holds the settings (model, weights, card, operating point, heatmap folder), each other one a
finished file or archive: {"path", "size", "mtime_ns", "rows": [its printed rows]}. A file is unchanged if path, size and mtime
are; of duplicate lines the last counts.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from pneumo.errors import ConfigError, DataError
from pneumo.inference.batch import EMPTY_SHA256
from pneumo.inference.finding import Finding
from pneumo.labels import Status

Row = dict[str, Any]

VERSION = 1
SYNC_EVERY = 64  # lines between fsyncs: the most that a power cut loses
_HEADER_BYTES = 1 << 16


@dataclass
class _Turn:
    """A path whose rows come next. `stamp` is None for a missing file; `noted`: offset of its line in the manifest."""

    path: str
    stamp: tuple[int, int] | None
    noted: int | None
    rows: list[Row] = field(default_factory=list)


class Manifest:
    """One open manifest, locked by its process."""

    def __init__(self, path: Path, asks: dict[str, Any]):
        """Open or create it. `asks`: the settings, which must be the same on each start.

        Raises ConfigError if they differ or the file is in use, DataError if it is no manifest. A torn last line is removed.
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

    def __exit__(self, *_: object) -> None:
        self._sync()
        self._close()

    def rows(
        self,
        paths: Iterable[str],
        ask: Callable[[Iterable[str]], Iterator[tuple[str, Finding]]],
        row: Callable[[str, Finding], Row],
    ) -> Iterator[Row]:
        """The row of every image of `paths`, in order, without duplicate paths.

        `ask` is an engine: it takes the paths not yet in the manifest and yields (name, finding) in the same order, archive members
        as "archive/member"; `row` makes a finding's row. A path is logged once it is complete; a file that could not be opened is
        not, so that the next start tries again.
        """
        turns: deque[_Turn] = deque()
        for name, finding in ask(self._unasked(paths, turns)):
            while name != turns[0].path and not name.startswith(turns[0].path + "/"):
                yield from self._finished(turns.popleft())
            turns[0].rows.append(row(name, finding))
            yield turns[0].rows[-1]
        while turns:
            yield from self._finished(turns.popleft())

    def _unasked(self, paths: Iterable[str], turns: deque[_Turn]) -> Iterator[str]:
        """The paths to read; all paths are appended to `turns`."""
        earlier: set[str] = set()
        for path in paths:
            if path in earlier:
                continue
            earlier.add(path)
            stamp = _stamp(path)  # before reading: if the file changes meanwhile, the next start reads it again
            place = self._places.get(path)
            noted = {} if place is None else self._entry(place)
            same = stamp == (noted.get("size"), noted.get("mtime_ns"))
            turns.append(_Turn(path, stamp, place if same else None))
            if not same:
                yield path

    def _finished(self, turn: _Turn) -> list[Row]:
        """Log a finished path; return the stored rows of one finished earlier."""
        if turn.noted is not None:
            noted: list[Row] = self._entry(turn.noted)["rows"]
            return noted
        never_opened = (turn.path, Status.ERROR, EMPTY_SHA256)
        unopened = any((row["file"], row["status"], row["sha256"]) == never_opened for row in turn.rows)
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
        """Write the header of a new file, or compare an existing one."""
        self._file.seek(0)
        stored_header = self._file.readline(_HEADER_BYTES)
        if not stored_header.endswith(b"\n") and header.startswith(stored_header):  # new, or torn in the first line
            self._file.truncate(0)
            self._file.write(header)
            self._sync()
            return
        try:
            old, new = json.loads(stored_header), json.loads(header)
            version = old["manifest"]
        except (ValueError, TypeError, KeyError):
            raise DataError(f"{path} is not a manifest of `predict`. It was left as it is; name another file.") from None
        if version != VERSION:
            raise DataError(f"The manifest {path} has version {version}; expected {VERSION}. Name another file.")
        differing = [f"{name.replace('_', ' ')} {old.get(name)!r}, now {new[name]!r}" for name in new if old.get(name) != new[name]]
        if differing:
            remedy = "Ask as it was begun, or name another file."
            raise ConfigError(f"The manifest {path} was begun with {'; '.join(differing)}. {remedy}")

    def _read(self, path: Path) -> dict[str, int]:
        """Byte offset of each path's line. The rows stay on disk: there may be millions."""
        places = {}
        self._file.seek(0)
        at = len(self._file.readline())
        for line in self._file:
            if not line.endswith(b"\n"):  # torn: the machine stopped while writing
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


def _stamp(path: str) -> tuple[int, int] | None:
    """(bytes, mtime in ns) of a file; None if missing."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
