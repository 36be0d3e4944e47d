"""Read many files: paths -> findings, in order. A bad file becomes an `error` finding."""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from pneumo.errors import ImageError
from pneumo.imaging.decoding.archive import HEAD, Member, is_image, is_zip, open_archive, refused
from pneumo.imaging.decoding.decode import image_bytes
from pneumo.imaging.decoding.pool import DecoderPool, shared_pool
from pneumo.inference.finding import Finding, Opened, answer_file, open_file, read
from pneumo.inference.predictor import Predictor
from pneumo.labels import Status

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()  # the hash of a file whose bytes could not be fetched
OnSkipped = Callable[[str, int], None]  # called with an archive or folder and its number of files that are no images


def _quietly(source: str, count: int) -> None:
    pass


def files_below(paths: Sequence[str], on_skipped: OnSkipped = _quietly) -> Iterator[str]:
    """Files as they are; for a folder every image and zip archive below it, sorted.

    Images are known by name or first bytes, as DICOM exports often have no suffix. The unreadable is included, to be reported.
    """
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        closed: list[OSError] = []
        every = [Path(folder, name) for folder, _, names in os.walk(path, onerror=closed.append) for name in names]
        selected = [path for path in every if _is_wanted(path)]
        yield from map(str, sorted([*selected, *(Path(error.filename) for error in closed)]))
        if skipped := len(every) - len(selected):
            on_skipped(path, skipped)


def read_files(
    paths: Iterable[str],
    predictor: Predictor,
    on_skipped: OnSkipped = _quietly,
    folder: str = "",
    decoders: DecoderPool | None = None,
) -> Iterator[tuple[str, Finding]]:
    """(path, finding) of each file, in order; one that cannot be opened is an `error` finding.

    Relative paths start in `folder`, default the current one; `decoders` default to the shared pool. The next files are decoded
    while the network runs, few enough to bound memory. A zip archive is read member by member, each as "archive.zip/member".
    """
    decoders = decoders or shared_pool()
    size = decoders.size
    waiting: deque[tuple[str, Future[Opened] | str]] = deque()
    with ThreadPoolExecutor(size) as threads:
        for path, member in _members(paths, on_skipped, folder):
            try:
                waiting.append((path, threads.submit(open_file, member.load(), decoders)))
            except ImageError as error:
                waiting.append((path, str(error)))
            if len(waiting) > size:
                yield _next(waiting, predictor)
        while waiting:
            yield _next(waiting, predictor)


def _next(waiting: "deque[tuple[str, Future[Opened] | str]]", predictor: Predictor) -> tuple[str, Finding]:
    path, file = waiting.popleft()
    return path, unread(file, predictor) if isinstance(file, str) else answer_file(file.result(), predictor)


def _members(paths: Iterable[str], on_skipped: OnSkipped, folder: str) -> Iterator[tuple[str, Member]]:
    """Each file and each archive member with the path to report; the archive stays open while its members are read."""
    for path in paths:
        place = os.path.join(folder, path)
        if not is_zip(_head(place)):
            yield path, Member(path, partial(image_bytes, place))
            continue
        try:
            with open(place, "rb") as source:
                contents = open_archive(source)
                for member in contents.members:
                    yield f"{path}/{member.name}", member
        except (ImageError, OSError) as error:
            reason = f"The file cannot be opened: {error.strerror or error}." if isinstance(error, OSError) else str(error)
            yield path, refused(path, reason)
            continue
        if contents.skipped:
            on_skipped(path, contents.skipped)


def read_member(member: Member, predictor: Predictor) -> Finding:
    """Load a member and `read` it; an `error` finding if it cannot be loaded."""
    try:
        return read(member.load(), predictor)
    except ImageError as error:
        return unread(str(error), predictor)


def unread(reason: str, predictor: Predictor) -> Finding:
    """The `error` finding of a file whose bytes could not be loaded, with the hash of no bytes."""
    card = predictor.card
    return Finding(Status.ERROR, (reason,), (), EMPTY_SHA256, card.id, card.sha256, 0.0)


def _is_wanted(path: Path) -> bool:
    """Whether a file in a folder is an image, an archive, or unreadable (which is to be reported)."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:  # a broken link
        head = b""
    except OSError:
        return True
    return path.suffix.lower() == ".zip" or is_image(path.name, head)


def _head(path: str) -> bytes:
    if not os.path.isfile(path):  # bytes read from a pipe here would be lost
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""  # reported when the file is read
