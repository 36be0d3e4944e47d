"""V7 Labs' lung masks from their public repository -> lung_masks.npz: the outlines that the lung segmenter learns from.

The repository comes as one archive. Its masks are as large as the original images; each is shrunk to the canonical image's frame.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL.PngImagePlugin import PngImageFile

from pneumo.data.download import PATIENCE, Patience, Source, fetch
from pneumo.data.file_facts import Unreadable
from pneumo.data.lung_masks import FILE, LungMasks, read_masks, write_masks
from pneumo.data.lung_table import OutlinedImage, read_table
from pneumo.data.unpack import LIMITS, Limits, Meter, OnProgress, checked_members, disk_error
from pneumo.errors import DataError
from pneumo.imaging.decoding.raster import DAMAGE
from pneumo.imaging.preprocess import CANONICAL_SIDE

COMMIT = "fb9a9d4e3573fda67bc092cce6991f5e2b9013b0"  # the one that added the masks: the branch may change, this cannot
V7 = Source(
    f"https://github.com/v7labs/covid-19-xray-dataset/archive/{COMMIT}.zip", "covid-19-xray-dataset.zip", most_bytes=1 << 30
)
ORIGIN = "V7 Labs, COVID-19 X-ray dataset, https://github.com/v7labs/covid-19-xray-dataset, annotations/all-images-semantic-masks"
LICENCE = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
NOTICE = "lung_masks.txt"  # origin and licence, beside the masks wherever they are copied to
_MASK = re.compile(r"(?:[^/]+/)?annotations/all-images-semantic-masks/(\d+)\.png")
_LEVELS = (0, 127, 255)  # background, Ignore (a device or a marker over the lung), Lung: class_mapping.csv beside the masks
_LUNG = 255


@dataclass(frozen=True)
class Brought:
    """What a download gave: the masks, and each image of the table that has none, with the reason."""

    masks: LungMasks
    left_out: tuple[Unreadable, ...]


def download_masks(
    folder: Path,
    source: Source = V7,
    on_progress: OnProgress = None,
    table: Sequence[OutlinedImage] | None = None,
    patience: Patience = PATIENCE,
    limits: Limits = LIMITS,
) -> Brought:
    """Write `folder`/lung_masks.npz and the notice of origin and licence. Masks that are there already are checked and kept.

    The archive lies in `folder` until it was read, and one of its name that is there already is used. Raises DataError as
    `fetch` does, and for an archive that is hostile, damaged or another one, which is then deleted.
    """
    folder = Path(folder)
    if (folder / FILE).is_file():
        return Brought(read_masks(folder), ())
    archive = fetch(source, folder, on_progress, patience=patience)
    try:
        brought = masks_of(archive, read_table() if table is None else table, on_progress, limits)
    except DataError:
        archive.unlink()  # the next call must not meet it again
        raise
    try:
        (folder / NOTICE).write_text(f"{FILE}: lung masks shrunk to 224 x 224 from\n{ORIGIN}\n{LICENCE}\n", encoding="utf-8")
        write_masks(brought.masks, folder)
    except OSError as error:
        raise disk_error(error, folder) from error
    archive.unlink()
    return brought


def masks_of(archive: Path, table: Sequence[OutlinedImage], on_progress: OnProgress = None, limits: Limits = LIMITS) -> Brought:
    """The masks that `archive`, a zip of the repository, holds of the images in `table`; nothing is unpacked to the disk.

    A mask that is missing, or not of its image's size, is left out. Raises DataError when none is left, and for an archive that
    is hostile or damaged.
    """
    files, packed, left_out = [], [], []
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = checked_members(bundle.infolist(), limits, archive.stat().st_size)
            numbered = {int(found[1]): info for name, info in members.items() if (found := _MASK.fullmatch(name))}
            meter = Meter(on_progress, lambda: False, "unpack", len(table))
            for image in table:
                try:
                    mask = _mask_of(bundle, numbered, image)
                except DataError as error:
                    left_out.append(Unreadable(image.file, f"annotation {image.annotation}: {error}"))
                else:
                    files.append(image.file)
                    packed.append(np.packbits(mask))
                meter.add(1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError, struct.error) as error:
        problem = f"{archive.name} is damaged or cut short ({str(error) or 'it ends early'})"
        raise DataError(f"{problem}. It was deleted; start again to download it anew.") from error
    if not files:
        first = f" The first of {len(left_out)}: {left_out[0].path}, {left_out[0].reason}." if left_out else ""
        raise DataError(f"{archive.name} holds no mask that fits an image of the public set; it is another archive.{first}")
    return Brought(LungMasks(tuple(files), np.stack(packed)), tuple(left_out))


def _mask_of(bundle: zipfile.ZipFile, numbered: dict[int, zipfile.ZipInfo], image: OutlinedImage) -> np.ndarray:
    """bool (224, 224). Raises DataError, the reason why there is none."""
    if (info := numbered.get(image.annotation)) is None:
        raise DataError("not in the archive")
    with bundle.open(info) as member:  # ZipFile.read would unpack all that comes before it cuts off at the declared, checked size
        png = member.read(info.file_size + 1)
    try:
        picture = PngImageFile(io.BytesIO(png))
        if picture.size != (image.width, image.height):  # asked before a pixel is unpacked
            raise DataError(f"{picture.width} x {picture.height} pixels; expected {image.width} x {image.height}")
        levels = np.asarray(picture.convert("L"))
    except DAMAGE as error:
        raise DataError("no readable PNG") from error
    if unknown := set(np.unique(levels).tolist()) - set(_LEVELS):
        raise DataError(f"grey levels such as {min(unknown)}; expected only {', '.join(map(str, _LEVELS))}")
    return shrunk(levels == _LUNG)


def shrunk(mask: np.ndarray) -> np.ndarray:
    """bool (h, w) -> bool (224, 224): true where more than half of the pixel's area is lung.

    Where a side is shorter than 224 pixels, OpenCV interpolates linearly along both instead.
    """
    share = cv2.resize(mask.astype(np.float32), (CANONICAL_SIDE, CANONICAL_SIDE), interpolation=cv2.INTER_AREA)
    lung: np.ndarray = share > 0.5
    return lung
