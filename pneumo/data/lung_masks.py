"""Lung masks: manual ones of images of the public set, stored by `data masks`; other sources; where the lungs of a mask lie.

The manual ones are by V7 Labs (COVID-19 X-ray dataset, CC BY 4.0). A lung extends to the rib cage, includes most of the area behind
the heart, and ends at the visible dome of the diaphragm. No mask is part of this package: lung_masks.csv.gz holds no pixels, only
the image that each mask belongs to and its original size; docs/lungs.md, "Where the outlines come from", says how it was made.
"""

import csv
import functools
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pneumo.data.records import Record
from pneumo.errors import DataError
from pneumo.imaging.preprocess import CANONICAL_SIDE

FILE = "lung_masks.npz"
_SHAPE = (-1, CANONICAL_SIDE, CANONICAL_SIDE)
_TABLE = Path(__file__).parent / "lung_masks.csv.gz"


@dataclass(frozen=True)
class LungMasks:
    """n masks in the frame of the canonical image."""

    files: tuple[str, ...]  # paths of the images, relative to the data folder
    packed: np.ndarray  # uint8 (n, 6272), bits

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int | np.ndarray) -> np.ndarray:
        """bool (224, 224), or (m, 224, 224) for an array of m indices."""
        bits: np.ndarray = np.unpackbits(self.packed[index], axis=-1).astype(bool)
        return bits.reshape(_SHAPE if bits.ndim == 2 else _SHAPE[1:])

    def of(self, records: Sequence[Record]) -> "LungMasks":
        """The masks of `records` that have one, in the same order."""
        place = {file: index for index, file in enumerate(self.files)}
        chosen = [place[record.path] for record in records if record.path in place]
        return LungMasks(tuple(self.files[index] for index in chosen), self.packed[chosen])


def read_masks(folder: Path) -> LungMasks:
    """The masks of `folder`/lung_masks.npz. Raises DataError for a missing or invalid file."""
    path = Path(folder) / FILE
    try:
        with np.load(path, allow_pickle=False) as stored:
            files, packed = stored["files"], stored["masks"]
    except FileNotFoundError as error:
        raise DataError(f"No lung masks in {folder}: {FILE} is missing. Get them: python -m pneumo data masks {folder}") from error
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, BadZipFile) as error:
        raise DataError(f"{path} is no file of lung masks: expected the arrays files and masks. Get it anew.") from error
    if packed.dtype != np.uint8 or packed.shape != (len(files), CANONICAL_SIDE**2 // 8):
        raise DataError(f"{path} is no file of lung masks: expected uint8 (n, 6272); received {packed.dtype} {packed.shape}.")
    return LungMasks(tuple(map(str, files)), packed)


def write_masks(masks: LungMasks, folder: Path) -> None:
    """Write `folder`/lung_masks.npz atomically."""
    draft = Path(folder) / (FILE + ".draft.npz")
    np.savez_compressed(draft, files=np.array(masks.files), masks=masks.packed)
    draft.replace(Path(folder) / FILE)


@dataclass(frozen=True)
class OutlinedImage:
    """One image that has a mask."""

    file: str  # path relative to the data folder
    width: int  # pixels of the original, and of its mask
    height: int
    annotation: int  # the publisher's number of the mask
    agreement: float  # match of mask and image shape, 0 to 1


def read_table() -> tuple[OutlinedImage, ...]:
    """All rows of lung_masks.csv.gz, in order."""
    with gzip.open(_TABLE, "rt", newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    return tuple(
        OutlinedImage(name, int(width), int(height), int(annotation), float(agreement))
        for name, width, height, annotation, agreement in rows
    )


@functools.cache
def original_sizes() -> dict[str, tuple[int, int]]:
    """File -> (width, height) of the original, for images in the table."""
    return {image.file: (image.width, image.height) for image in read_table()}


@dataclass(frozen=True)
class LungPlace:
    """Shares of the image's height or width, 0 to 1."""

    height: float  # rows with lung
    width: float  # columns with lung, without the gap between the lungs
    above: float  # rows above the lungs
    below: float


@dataclass(frozen=True)
class LungSource:
    """A source of lung masks."""

    name: str  # shown in the audit
    find: Callable[[Record, np.ndarray], np.ndarray | None]
    """(record, its canonical image, uint8) -> bool (224, 224); None without plausible lungs. Called from several threads."""


def place_of(mask: np.ndarray) -> LungPlace | None:
    """The lung place of a bool mask (h, w); None for an empty mask."""
    rows, columns = np.any(mask, axis=1), np.any(mask, axis=0)
    if not rows.any():
        return None
    shares = rows.mean(), columns.mean(), rows.argmax() / len(rows), rows[::-1].argmax() / len(rows)
    return LungPlace(*map(float, shares))


def outlined_lungs(masks: LungMasks) -> LungSource:
    """Manual masks as a lung source; None for images without one."""
    place = {file: index for index, file in enumerate(masks.files)}
    return LungSource("people", lambda record, _: masks[place[record.path]] if record.path in place else None)
