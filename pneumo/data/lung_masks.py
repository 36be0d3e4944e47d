"""Manual lung masks of images of the public set, stored by `data masks`.

By V7 Labs (COVID-19 X-ray dataset, CC BY 4.0). A lung extends to the rib cage, includes most of the area behind the heart, and ends
at the visible dome of the diaphragm. No mask is part of this package.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pneumo.data.records import Record
from pneumo.errors import DataError
from pneumo.imaging.preprocess import CANONICAL_SIDE

FILE = "lung_masks.npz"
_SHAPE = (-1, CANONICAL_SIDE, CANONICAL_SIDE)


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
