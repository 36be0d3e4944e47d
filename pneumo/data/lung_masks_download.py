"""Download V7 Labs' lung masks, the training masks of the lung segmenter -> lung_masks.npz.

The repository comes as one archive. Its masks have the original images' size; each is resized to the canonical image.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL.PngImagePlugin import PngImageFile

from pneumo.data.download import PATIENCE, Patience, Source, fetch
from pneumo.data.file_facts import Unreadable
from pneumo.data.lung_masks import FILE, LungMasks, OutlinedImage, read_masks, read_table, write_masks
from pneumo.data.unpack import ARCHIVE_DAMAGE, LIMITS, Meter, OnProgress, checked_members, disk_error
from pneumo.errors import DataError
from pneumo.imaging.decoding.raster import DAMAGE
from pneumo.imaging.preprocess import CANONICAL_SIDE

COMMIT = "fb9a9d4e3573fda67bc092cce6991f5e2b9013b0"  # that added the masks; pinned
V7 = Source(
    f"https://github.com/v7labs/covid-19-xray-dataset/archive/{COMMIT}.zip", "covid-19-xray-dataset.zip", most_bytes=1 << 30
)
ORIGIN = "V7 Labs, COVID-19 X-ray dataset, https://github.com/v7labs/covid-19-xray-dataset, annotations/all-images-semantic-masks"
LICENCE = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
NOTICE = "lung_masks.txt"  # origin and licence, stored beside the masks
_MASK = re.compile(r"(?:[^/]+/)?annotations/all-images-semantic-masks/(\d+)\.png")
_LEVELS = (0, 127, 255)  # background, Ignore (a device or a marker over the lung), Lung: class_mapping.csv beside the masks
_LUNG = 255


@dataclass(frozen=True)
class DownloadedMasks:
    """The masks, and each image of the table without one, with the reason."""

    masks: LungMasks
    left_out: tuple[Unreadable, ...]


def download_masks(
    folder: Path,
    source: Source = V7,
    on_progress: OnProgress = None,
    table: Sequence[OutlinedImage] | None = None,
    patience: Patience = PATIENCE,
) -> DownloadedMasks:
    """Write `folder`/lung_masks.npz and the notice of origin and licence. Existing masks are checked and kept.

    The archive is stored in `folder` until it is read; an existing one is used. Raises DataError as `fetch` does, and for a
    hostile, damaged or wrong archive, which is then deleted.
    """
    folder = Path(folder)
    if (folder / FILE).is_file():
        return DownloadedMasks(read_masks(folder), ())
    archive = fetch(source, folder, on_progress, patience=patience)
    try:
        downloaded = masks_of(archive, read_table() if table is None else table, on_progress)
    except DataError:
        archive.unlink()  # so that the next call downloads it again
        raise
    try:
        (folder / NOTICE).write_text(f"{FILE}: lung masks shrunk to 224 x 224 from\n{ORIGIN}\n{LICENCE}\n", encoding="utf-8")
        write_masks(downloaded.masks, folder)
    except OSError as error:
        raise disk_error(error, folder) from error
    archive.unlink()
    return downloaded


def masks_of(archive: Path, table: Sequence[OutlinedImage], on_progress: OnProgress = None) -> DownloadedMasks:
    """The masks in `archive`, a zip of the repository, of the images in `table`; nothing is unpacked to disk.

    Missing masks and those of another size are left out. Raises DataError when none is left, and for a hostile or damaged archive.
    """
    packed, left_out = {}, []
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = checked_members(bundle.infolist(), LIMITS, archive.stat().st_size)
            numbered = {int(match[1]): info for name, info in members.items() if (match := _MASK.fullmatch(name))}
            meter = Meter(on_progress, lambda: False, "unpack", len(table))
            for image in table:
                try:
                    packed[image.file] = np.packbits(_mask_of(bundle, numbered, image))
                except DataError as error:
                    left_out.append(Unreadable(image.file, f"annotation {image.annotation}: {error}"))
                meter.add(1)
    except ARCHIVE_DAMAGE as error:
        problem = f"{archive.name} is damaged or cut short ({str(error) or 'it ends early'})"
        raise DataError(f"{problem}. It was deleted; start again to download it anew.") from error
    if not packed:
        first = f" The first of {len(left_out)}: {left_out[0].path}, {left_out[0].reason}." if left_out else ""
        raise DataError(f"{archive.name} holds no mask that fits an image of the public set; it is another archive.{first}")
    return DownloadedMasks(LungMasks(tuple(packed), np.stack(list(packed.values()))), tuple(left_out))


def _mask_of(bundle: zipfile.ZipFile, numbered: dict[int, zipfile.ZipInfo], image: OutlinedImage) -> np.ndarray:
    """bool (224, 224). Raises DataError without a valid mask."""
    if (info := numbered.get(image.annotation)) is None:
        raise DataError("not in the archive")
    with bundle.open(info) as member:  # not ZipFile.read, which may exceed the declared, checked size
        png = member.read(info.file_size + 1)
    try:
        picture = PngImageFile(io.BytesIO(png))
        if picture.size != (image.width, image.height):  # checked before decoding
            raise DataError(f"{picture.width} x {picture.height} pixels; expected {image.width} x {image.height}")
        levels = np.asarray(picture.convert("L"))
    except DAMAGE as error:
        raise DataError("no readable PNG") from error
    if unknown := set(np.unique(levels).tolist()) - set(_LEVELS):
        raise DataError(f"grey levels such as {min(unknown)}; expected only {', '.join(map(str, _LEVELS))}")
    return shrink_mask(levels == _LUNG)


def shrink_mask(mask: np.ndarray) -> np.ndarray:
    """bool (h, w) -> bool (224, 224): true where more than half of the pixel's area is lung.

    If a side is shorter than 224 pixels, OpenCV interpolates linearly instead.
    """
    share = cv2.resize(mask.astype(np.float32), (CANONICAL_SIDE, CANONICAL_SIDE), interpolation=cv2.INTER_AREA)
    return share > 0.5
