"""Catalog of a data set: every image with its facts, and all problems; cached between calls."""

import csv
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from PIL import Image

from pneumo.data.cache import canonical_dir
from pneumo.data.origin import PHANTOMS, PUBLIC
from pneumo.data.records import Record, folder_of, walk
from pneumo.errors import PneumoError
from pneumo.imaging.decoding.decode import decode_image, image_bytes
from pneumo.labels import LABELS
from pneumo.outgoing import cell

SYNTHETIC_NOTE = "SYNTHETIC.txt"  # in every set of phantoms
# The public set (Kermany et al., version 2): Kaggle's copy has a val folder, Mendeley's has it in train.
PUBLIC_COUNTS = tuple(
    {(split, label): count for split, pair in counts.items() for label, count in zip(LABELS, pair, strict=True)}
    for counts in ({"train": (1341, 3875), "val": (8, 8), "test": (234, 390)}, {"train": (1349, 3883), "test": (234, 390)})
)


@dataclass(frozen=True)
class Entry:
    """One image and its facts, read without decoding pixels."""

    record: Record
    sha256: str  # of the file's bytes
    size_bytes: int
    width: int  # pixels as stored
    height: int


@dataclass(frozen=True)
class Catalog:
    root: Path  # folder that the entries' paths are relative to
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]

    def counts(self) -> dict[tuple[str, str], int]:
        """Images by (split, label)."""
        return dict(Counter((e.record.split, e.record.label) for e in self.entries))

    def is_public_set(self) -> bool:
        return self.counts() in PUBLIC_COUNTS


def make_catalog(root: Path, on_progress: Callable[[int, int], None] = lambda done, total: None) -> Catalog:
    """Catalog a folder or CSV (see `records.walk`). Files unchanged since the last call are not opened.

    Raises DataError when there is no image at all.
    """
    root = Path(root)
    records, problems = walk(root)
    base = folder_of(root)
    known = _remembered(root)
    entries, lines = [], []
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda record: _read_facts(base, record, known), records)
        for done, (record, (stamp, facts)) in enumerate(zip(records, results, strict=True), start=1):
            if isinstance(facts, str):
                problems.append(f"{record.path}: {facts}")
            else:
                entries.append(Entry(record, *facts))
                lines.append((record.path, *stamp, *facts))
            if done % 200 == 0 or done == len(records):
                on_progress(done, len(records))
    if {line[0]: tuple(map(str, line[1:])) for line in lines} != known:
        _remember(root, lines)
    return Catalog(base, tuple(entries), tuple(problems))


def _read_facts(
    base: Path, record: Record, known: dict[str, tuple[str, ...]]
) -> tuple[tuple[int, int], tuple[str, int, int, int] | str]:
    """((size, mtime), (sha256, size, width, height) or the error), cached while size and mtime are unchanged."""
    path = base / record.path
    try:
        status = path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        old = known.get(record.path)
        if old and old[:2] == tuple(map(str, stamp)):
            return stamp, (old[2], int(old[3]), int(old[4]), int(old[5]))
        data = image_bytes(path)
        return stamp, (hashlib.sha256(data).hexdigest(), len(data), *_size(path, data))
    except OSError as error:
        return (0, 0), error.strerror or "it cannot be opened"
    except PneumoError as error:
        return (0, 0), str(error)


def _size(path: Path, data: bytes) -> tuple[int, int]:
    try:
        with Image.open(path, formats=["JPEG", "PNG"]) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        facts = decode_image(data).facts  # DICOM; else raises the reason
        return facts.width, facts.height


def _memory(root: Path) -> Path:
    return canonical_dir() / f"catalog-{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]}.csv"


def _remembered(root: Path) -> dict[str, tuple[str, ...]]:
    try:
        with open(_memory(root), newline="", encoding="utf-8") as file:
            return {row[0]: tuple(row[1:]) for row in csv.reader(file) if len(row) == 7}
    except OSError:
        return {}


def _remember(root: Path, lines: Sequence[tuple[object, ...]]) -> None:
    path = _memory(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with open(draft, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    draft.replace(path)


def write_catalog(path: Path, catalog: Catalog) -> None:
    """Save as CSV: path, label, subtype, patient, split, sha256, size_bytes, width, height."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(f.name for f in fields(Record)), *(f.name for f in fields(Entry)[1:])])
        writer.writerows(map(cell, (*astuple(e.record), *astuple(e)[1:])) for e in catalog.entries)


def describe(root: Path, manifest: Sequence[Mapping[str, str]]) -> str:
    """The data set's description for a model card: phantoms, the public set (by its counts), or a count."""
    if (Path(root) / SYNTHETIC_NOTE).is_file():
        return f"{len(manifest)}{PHANTOMS}"
    counts = Counter(("test" if row["part"] == "test" else "train", row["label"]) for row in manifest)
    if dict(counts) in PUBLIC_COUNTS:
        return PUBLIC
    return f"{len(manifest)} images of the user's own"
