"""Searches for what must not be there: a patient's name in any encoding, pieces of a file, any picture, temporary files."""

import base64
import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote, quote_plus

MAGIC = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG\r\n",
    "DICOM": b"\0\0\0\0DICM",
    "NumPy": b"\x93NUMPY",
    "PDF": b"%PDF-",
    "zip": b"PK\3\4",
}
PIECE = 48  # bytes; so many do not occur elsewhere by chance


def writings(name: str) -> dict[str, bytes]:
    """`name` in the encodings that a log, a database or a URL may use."""
    plain = name.encode()
    forms = {
        "utf-8": plain,
        "latin-1": name.encode("latin-1"),
        "utf-16-le": name.encode("utf-16-le"),
        "utf-16-be": name.encode("utf-16-be"),
        "percent": quote(name).encode(),
        "percent and plus": quote_plus(name).encode(),
        "json": json.dumps(name)[1:-1].encode(),
        "hex": plain.hex().encode(),
    }
    for before in range(3):  # base64 depends on the bytes before, and its ends on the neighbours
        coded = base64.b64encode(b"x" * before + plain)
        forms[f"base64, {before} before"] = coded[4 * (before > 0) : len(coded) // 4 * 4 - 4]
    return forms


def pieces(data: bytes) -> dict[str, bytes]:
    """Pieces of the bytes of a file or image, plain and in base64."""
    cuts = [data[len(data) * part // 8 :][:PIECE] for part in (2, 4, 6)]
    samples = {f"piece {number}": cut for number, cut in enumerate(cuts)}
    for before in range(3):
        start = len(data) // 2 // 3 * 3 + before
        samples[f"piece in base64, {before}"] = base64.b64encode(data[start : start + PIECE])
    return samples


def traces(folder: Path, needles: Iterable[bytes]) -> list[str]:
    """Every file below `folder` that holds one of `needles`, has one in its name, or has a picture in it."""
    leaks, needles = [], set(needles)
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder)).encode()
        data = path.read_bytes() if path.is_file() else b""
        leaks += [f"{path}: {needle!r}" for needle in needles if needle in data or needle in name]
        leaks += [f"{path}: a {kind}" for kind, magic in MAGIC.items() if magic in data]
    return leaks


def deleted_files(process: int) -> set[str]:
    """Deleted or nameless files that a process holds open, as the kernel lists them. Memory (memfd) does not count."""
    folder, targets = Path(f"/proc/{process}/fd"), set()
    with contextlib.suppress(OSError):  # it has ended, or is not our process
        for number in os.listdir(folder):
            with contextlib.suppress(OSError):  # closed meanwhile
                targets.add(os.readlink(folder / number))
    return {path for path in targets if path.endswith(" (deleted)") and not path.startswith("/memfd:")}


@dataclass
class Watch:
    """Looks for such files, and for any below `temporary`, a hundred times a second. It may miss files open only for a moment."""

    processes: Callable[[], set[int]]
    temporary: Path
    found: set[str] = field(default_factory=set)
    _left: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._left.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._left.wait(0.01):
            self.found |= {path for process in self.processes() for path in deleted_files(process)}
            self.found |= {str(path) for path in self.temporary.rglob("*")}
