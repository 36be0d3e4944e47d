"""Paths -> findings, one after the other, whatever becomes of any of them."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pneumo.data.records import SUFFIXES
from pneumo.inference.finding import Finding, read
from pneumo.inference.predictor import Predictor


def files_below(paths: Sequence[str]) -> Iterator[str]:
    """Files as given; of a folder every file below it that is named like an image, in order, joined to the folder's name."""
    for given in paths:
        if Path(given).is_dir():
            below = sorted(path for path in Path(given).rglob("*") if path.is_file() and path.suffix.lower() in SUFFIXES)
            yield from (str(Path(given) / path.relative_to(given)) for path in below)
        else:
            yield given


def read_files(paths: Iterable[str], predictor: Predictor) -> Iterator[tuple[str, Finding]]:
    """(path, finding) of each file; one that cannot be opened is an `error` finding."""
    for path in paths:
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            card = predictor.card
            reason = f"The file cannot be opened: {error.strerror or error}."
            yield path, Finding("error", (reason,), (), hashlib.sha256(b"").hexdigest(), card.id, card.sha256, 0.0)
            continue
        yield path, read(data, predictor)
