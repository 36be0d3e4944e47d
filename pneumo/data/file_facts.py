"""One pass over the files: facts and small copies of each image."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import nan
from pathlib import Path

import numpy as np

from pneumo.data.duplicates import SIDE, thumbnails
from pneumo.data.lung_masks import LungPlace, LungSource, place_of
from pneumo.data.records import Record
from pneumo.errors import PneumoError
from pneumo.imaging.decoding.decode import decode_image, image_bytes
from pneumo.imaging.measures import Measures
from pneumo.imaging.preprocess import CANONICAL_SIDE, canonical

QUANTITIES = ("width", "height", "aspect", "size_bytes", "brightness", "contrast", "sharpness")  # of FileFacts
CELLS = 28  # side of the coarse copy; a cell is 8 x 8 canonical pixels


@dataclass(frozen=True)
class FileFacts:
    """Facts of one readable image. Grey levels, 0 to 255, are of the canonical image."""

    sha256: str  # of the file's bytes
    size_bytes: int
    width: int  # pixels, as displayed
    height: int
    brightness: float  # mean grey
    contrast: float  # standard deviation of grey
    sharpness: float  # mean absolute difference of vertical neighbours

    @property
    def aspect(self) -> float:
        return self.width / self.height


@dataclass(frozen=True)
class Unreadable:
    path: str
    reason: str


@dataclass(frozen=True)
class Survey:
    """The readable images of a set; records, facts and array rows in the same order."""

    records: tuple[Record, ...]
    facts: tuple[FileFacts, ...]
    thumbnails: np.ndarray  # float32 (n, 1024), see duplicates.thumbnails
    cells: np.ndarray  # float32 (n, 28, 28), mean grey of each cell, 0 to 255
    unreadable: tuple[Unreadable, ...]
    places: tuple[LungPlace | None, ...] = ()  # None without plausible lungs; empty without a lung source


@dataclass(frozen=True)
class Spread:
    """5th, 50th and 95th percentile of one of QUANTITIES in one split and class."""

    split: str
    label: str
    quantity: str
    low: float
    median: float
    high: float


def survey(
    root: Path, records: Sequence[Record], progress: Callable[[int, int], None] | None = None, lungs: LungSource | None = None
) -> Survey:
    """Read every file below `root` once, through the decoder that serving uses; only small copies stay in memory.

    With `lungs` also lung places. Unreadable files are listed with the decoder's reason. `progress(done, total)` counts files.
    """
    read, failed = [], []
    pool = ThreadPoolExecutor(2)
    try:
        results = pool.map(lambda r: _read_facts(root, r, lungs), records)
        for done, (record, result) in enumerate(zip(records, results, strict=True), start=1):
            if isinstance(result, Unreadable):
                failed.append(result)
            else:
                read.append((record, *result))
            if progress:
                progress(done, len(records))
    finally:
        pool.shutdown(cancel_futures=True)  # an error in `progress` stops the audit at once
    readable, facts, small, coarse, places = zip(*read, strict=True) if read else ((),) * 5
    rows = np.array(small, np.float32).reshape(-1, SIDE * SIDE), np.array(coarse, np.float32).reshape(-1, CELLS, CELLS)
    return Survey(readable, facts, *rows, tuple(failed), places if lungs else ())


def _read_facts(
    root: Path, record: Record, lungs: LungSource | None
) -> tuple[FileFacts, np.ndarray, np.ndarray, LungPlace | None] | Unreadable:
    try:
        data = image_bytes(Path(root) / record.path)
        radiograph = decode_image(data)
    except PneumoError as error:
        return Unreadable(record.path, str(error))
    image, stored = canonical(radiograph), radiograph.facts
    brightness, contrast, sharpness = tone(image)
    facts = FileFacts(hashlib.sha256(data).hexdigest(), len(data), stored.width, stored.height, brightness, contrast, sharpness)
    mask = lungs.find(record, image) if lungs else None
    place = None if mask is None else place_of(mask)
    return facts, thumbnails(image[np.newaxis])[0], cells(image[np.newaxis])[0], place


def tone(image: np.ndarray) -> tuple[float, float, float]:
    """Canonical uint8 (h, w) -> (brightness, contrast, sharpness) in grey levels."""
    steps = np.abs(np.diff(image.astype(np.int16), axis=0))
    return float(image.mean()), float(image.std()), float(steps.mean())


def cells(images: np.ndarray) -> np.ndarray:
    """Canonical uint8 (n, 224, 224) -> float32 (n, 28, 28), the mean grey of each 8 x 8 cell."""
    edge = CANONICAL_SIDE // CELLS
    return np.asarray(images.reshape(-1, CELLS, edge, CELLS, edge).mean(axis=(2, 4), dtype=np.float32))


def spreads(surveyed: Survey) -> tuple[Spread, ...]:
    """The spread of every quantity in every split and class with readable images."""
    members = defaultdict(list)
    for record, fact in zip(surveyed.records, surveyed.facts, strict=True):
        members[record.split, record.label].append([getattr(fact, name) for name in QUANTITIES])
    return tuple(
        Spread(*key, name, *map(float, numbers))
        for key, rows in members.items()
        for name, numbers in zip(QUANTITIES, np.percentile(rows, (5, 50, 95), axis=0).T, strict=True)
    )


def measure(image: np.ndarray, size: tuple[int, int], lungs: np.ndarray | None, gate_distance: float = nan) -> Measures:
    """Measures of a canonical `image`, uint8 (224, 224), whose file has `size` (width, height) pixels.

    `lungs` bool (224, 224) or None. A file of 224 x 224 pixels counts as a squashed copy of unknown aspect.
    """
    place, squashed = None if lungs is None else place_of(lungs), size == (CANONICAL_SIDE, CANONICAL_SIDE)
    position = (place.height, place.above, place.below) if place else (nan, nan, nan)
    return Measures(*position, nan if squashed else size[0] / size[1], *tone(image), gate_distance)
