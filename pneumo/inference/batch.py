"""Paths -> findings, one after the other, whatever becomes of any of them."""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pneumo.errors import ImageError
from pneumo.imaging.decoding.archive import HEAD, Member, is_image, is_zip, open_archive, refused
from pneumo.imaging.decoding.image_file import image_bytes
from pneumo.imaging.decoding.pool import Decoders, shared
from pneumo.inference.finding import Finding, Opened, answered, opened, read
from pneumo.inference.predictor import Predictor
from pneumo.labels import Status

NEVER_HAD = hashlib.sha256(b"").hexdigest()  # the hash of a file whose bytes could not be fetched
OnSkipped = Callable[[str, int], None]  # told of an archive or a folder, and how many files in it are no images


def _quietly(where: str, count: int) -> None:
    pass


def files_below(paths: Sequence[str], on_skipped: OnSkipped = _quietly) -> Iterator[str]:
    """Files as given; of a folder every image and zip archive below it, in order, joined to the folder's name.

    Images are told by name or, as DICOM exports often have no suffix, by their first bytes. A folder or a file that cannot be
    looked at is given too, so that its turn tells why.
    """
    for given in paths:
        if not os.path.isdir(given):
            yield given
            continue
        closed: list[OSError] = []
        every = [Path(folder, name) for folder, _, names in os.walk(given, onerror=closed.append) for name in names]
        wanted = [path for path in every if _is_wanted(path)]
        yield from map(str, sorted([*wanted, *(Path(error.filename) for error in closed)]))
        if skipped := len(every) - len(wanted):
            on_skipped(given, skipped)


def read_files(
    paths: Iterable[str],
    predictor: Predictor,
    on_skipped: OnSkipped = _quietly,
    folder: str = "",
    decoders: Decoders | None = None,
) -> Iterator[tuple[str, Finding]]:
    """(path, finding) of each file, in order; one that cannot be opened is an `error` finding.

    Relative paths begin in `folder`, by default the current one; `decoders` are this process's shared ones where none are given.

    While the network answers for one file the next ones are being decoded, few enough that memory does not grow with their
    number. A zip archive is read member by member, each under "archive.zip/name in it"; `on_skipped` is told of an archive in
    which files were no images, and how many.
    """
    decoders = decoders or shared()
    size = decoders.size
    waiting: deque[tuple[str, Future[Opened] | str]] = deque()
    with ThreadPoolExecutor(size) as threads:
        for path, member in _members(paths, on_skipped, folder):
            try:
                waiting.append((path, threads.submit(opened, member.load(), decoders)))
            except ImageError as error:
                waiting.append((path, str(error)))
            if len(waiting) > size:
                yield _next(waiting, predictor)
        while waiting:
            yield _next(waiting, predictor)


def _next(waiting: "deque[tuple[str, Future[Opened] | str]]", predictor: Predictor) -> tuple[str, Finding]:
    path, file = waiting.popleft()
    return path, unread(file, predictor) if isinstance(file, str) else answered(file.result(), predictor)


def _members(paths: Iterable[str], on_skipped: OnSkipped, folder: str) -> Iterator[tuple[str, Member]]:
    """Each file, and each image of each archive, under the path it is reported by; an archive is open while they are taken."""
    for path in paths:
        place = os.path.join(folder, path)
        if not is_zip(_head(place)):
            yield path, Member(path, partial(image_bytes, place))
            continue
        try:
            with _file(place) as source:
                contents = open_archive(source)
                for member in contents.members:
                    yield f"{path}/{member.name}", member
        except ImageError as error:
            yield path, refused(path, str(error))
            continue
        if contents.skipped:
            on_skipped(path, contents.skipped)


def read_member(member: Member, predictor: Predictor) -> Finding:
    """`read`, of a file whose bytes are fetched only now; where they cannot be, that is its finding."""
    try:
        return read(member.load(), predictor)
    except ImageError as error:
        return unread(str(error), predictor)


def unread(reason: str, predictor: Predictor) -> Finding:
    """The `error` finding of a file whose bytes were never had; with the hash of nothing."""
    card = predictor.card
    return Finding(Status.ERROR, (reason,), (), NEVER_HAD, card.id, card.sha256, 0.0)


def _is_wanted(path: Path) -> bool:
    """Whether a file of a folder is read, or at least named: by its name and its first bytes, and where these cannot be had."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:  # a link that leads nowhere
        head = b""
    except OSError:
        return True
    return path.suffix.lower() == ".zip" or is_image(path.name, head)


def _head(path: str) -> bytes:
    if not os.path.isfile(path):  # of a pipe, the bytes taken here would be missing later
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""  # the reason is told when its turn comes


@contextmanager
def _file(path: str) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise ImageError(f"The file cannot be opened: {error.strerror or error}.") from error
