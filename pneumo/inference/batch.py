"""Paths -> findings, one after the other, whatever becomes of any of them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from pneumo.errors import ImageError, PneumoError
from pneumo.imaging.archive import HEAD, Member, is_image, is_zip, open_archive
from pneumo.inference.finding import Finding, read
from pneumo.inference.predictor import Predictor


def files_below(paths: Sequence[str]) -> Iterator[str]:
    """Files as given; of a folder every image and zip archive below it, in order, joined to the folder's name.

    Images are told by name or, as DICOM exports often have no suffix, by their first bytes.
    """
    for given in paths:
        if Path(given).is_dir():
            below = sorted(path for path in Path(given).rglob("*") if path.is_file() and _is_wanted(path))
            yield from (str(Path(given) / path.relative_to(given)) for path in below)
        else:
            yield given


def read_files(
    paths: Iterable[str], predictor: Predictor, on_skipped: Callable[[str, int], None] = lambda archive, count: None
) -> Iterator[tuple[str, Finding]]:
    """(path, finding) of each file; one that cannot be opened is an `error` finding.

    A zip archive is read member by member, each under "archive.zip/name in it"; `on_skipped` is told of an archive in which
    files were no images, and how many.
    """
    for path in paths:
        if not is_zip(_head(path)):
            yield path, read_member(Member(path, lambda path=path: _bytes(path)), predictor)
            continue
        try:
            with open(path, "rb") as source:
                contents = open_archive(source)
                for member in contents.members:
                    yield f"{path}/{member.name}", read_member(member, predictor)
        except ImageError as error:
            yield path, unread(str(error), predictor)
            continue
        if contents.skipped:
            on_skipped(path, contents.skipped)


def read_member(member: Member, predictor: Predictor) -> Finding:
    """`read`, of a file whose bytes are fetched only now.

    It never raises PneumoError: whatever is wrong with one file, or with what the model said of it, becomes its finding.
    """
    data = b""
    try:
        data = member.load()
        return read(data, predictor)
    except PneumoError as error:
        return unread(str(error), predictor, data)


def unread(reason: str, predictor: Predictor, data: bytes = b"") -> Finding:
    """The `error` finding of a file that was not answered; with the hash of nothing where its bytes were never had."""
    card = predictor.card
    return Finding("error", (reason,), (), hashlib.sha256(data).hexdigest(), card.id, card.sha256, 0.0)


def _is_wanted(path: Path) -> bool:
    return path.suffix.lower() == ".zip" or is_image(path.name, _head(path))


def _head(path: str | Path) -> bytes:
    if not Path(path).is_file():  # of a pipe, the bytes taken here would be missing later
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""  # the reason is told when its turn comes


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"The file cannot be opened: {error.strerror or error}.") from error
