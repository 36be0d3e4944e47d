"""Table of V7 Labs' lung masks: the image of the public set each belongs to, and its original size.

lung_masks.csv.gz holds no pixels; docs/lungs.md, "Where the outlines come from", says how it was made.
"""

import csv
import functools
import gzip
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "lung_masks.csv.gz"


@dataclass(frozen=True)
class OutlinedImage:
    """One image that has a mask."""

    file: str  # path relative to the data folder
    width: int  # pixels of the original, and of its mask
    height: int
    annotation: int  # the publisher's number of the mask
    agreement: float  # match of mask and image shape, 0 to 1


def read_table(path: Path = TABLE) -> tuple[OutlinedImage, ...]:
    """All rows, in order."""
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    sizes = ((int(row["original_width"]), int(row["original_height"])) for row in rows)
    return tuple(
        OutlinedImage(row["file"], *size, int(row["annotation"]), float(row["agreement"]))
        for row, size in zip(rows, sizes, strict=True)
    )


@functools.cache
def original_sizes() -> dict[str, tuple[int, int]]:
    """File -> (width, height) of the original, for images in the table."""
    return {image.file: (image.width, image.height) for image in read_table()}
