"""Cache of canonical images in a memory-mapped file, keyed by the hash of the source file.

One folder per preprocessing version with `images.u8`, rows of 224 x 224 bytes, and `index.csv`, the source hash of each row in the
same order. The hash is written last, so that a killed run leaves only unindexed rows, which the next one overwrites.
"""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from filelock import FileLock

from pneumo.errors import DataError, PneumoError
from pneumo.files import sha256
from pneumo.imaging.decoding.decode import MAX_BYTES, decode_image, image_bytes
from pneumo.imaging.preprocess import CANONICAL_SIDE, VERSION, canonical
from pneumo.outgoing import printable
from pneumo.paths import cache_dir

_ROW = CANONICAL_SIDE * CANONICAL_SIDE  # bytes
_LINE = 65  # bytes of an index line: hexadecimal SHA-256 and newline
_GONE, _LARGE = "gone", "large"  # instead of a hash
_UNREAD = {_GONE: "it cannot be opened; it is gone or may not be read.", _LARGE: f"it has more than {MAX_BYTES // 2**20} MB."}
_BATCH = 256  # images decoded per write of the index


OnProgress = Callable[[int, int], None]  # called with how many are done, and of how many


def quietly(done: int, total: int) -> None:
    pass


def canonical_dir() -> Path:
    """The cache folder of this preprocessing version."""
    return cache_dir() / VERSION


class CachedImages:
    """uint8 (n, 224, 224), read from disk on access; indexed like an array along its first axis."""

    def __init__(self, images: np.ndarray, rows: np.ndarray):
        self._images, self._rows = images, rows
        self.shape, self.dtype = (len(rows), *images.shape[1:]), images.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int | slice | np.ndarray) -> np.ndarray:
        return np.asarray(self._images[self._rows[index]])


def cached_images(root: Path, paths: Sequence[str], folder: Path | None = None, on_progress: OnProgress = quietly) -> CachedImages:
    """The canonical images of `paths` below `root`, decoded if not cached.

    `on_progress(done, total)` counts decoded images. Raises DataError naming every unreadable file (the others are cached), and
    when the cache cannot be written.
    """
    folder = folder or canonical_dir()
    files = [Path(root) / path for path in paths]
    with ThreadPoolExecutor(4) as pool:
        hashes = list(pool.map(_hash, files))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "lock"):  # one writer at a time
                rows = _rows(folder)
                missing = {name: file for name, file in zip(hashes, files, strict=True) if name not in _UNREAD and name not in rows}
                failed = _append(folder, missing, rows, pool, on_progress) if missing else {}
        except OSError as error:
            raise DataError(
                f"The image cache {folder.absolute()} cannot be written: {error.strerror or error}. Free space there "
                f"(an image takes {_ROW // 1024} KB), or name another folder in PNEUMO_CACHE_DIR; what is cached already is kept."
            ) from error
    failed |= _UNREAD
    bad = [f"{printable(path)}: {failed[name]}" for path, name in zip(paths, hashes, strict=True) if name in failed]
    if bad:
        raise DataError("These images cannot be read; remove or replace them:\n" + "\n".join(bad))
    return CachedImages(_mapped(folder, len(rows)), np.array([rows[name] for name in hashes], np.int64))


def _mapped(folder: Path, count: int) -> np.ndarray:
    shape = (count, CANONICAL_SIDE, CANONICAL_SIDE)
    if not count:
        return np.empty(shape, np.uint8)  # an empty file cannot be mapped
    return np.asarray(np.memmap(folder / "images.u8", np.uint8, "r", shape=shape))


def _append(
    folder: Path, missing: dict[str, Path], rows: dict[str, int], pool: ThreadPoolExecutor, on_progress: OnProgress
) -> dict[str, str]:
    """Decode `missing` (hash -> file), append to the cache and to `rows`; return failures, by hash."""
    failed, names = {}, list(missing)
    (folder / "images.u8").touch()
    with open(folder / "images.u8", "r+b") as pixels, open(folder / "index.csv", "ab") as index:
        for start in range(0, len(names), _BATCH):
            batch, decoded = names[start : start + _BATCH], []
            pixels.seek(len(rows) * _ROW)
            for name, image in zip(batch, pool.map(_decode, [missing[name] for name in batch], batch), strict=True):
                if isinstance(image, str):
                    failed[name] = image
                else:
                    pixels.write(image.tobytes())
                    decoded.append(name)
            pixels.flush()
            os.fsync(pixels.fileno())
            index.write("".join(f"{name}\n" for name in decoded).encode())
            index.flush()
            rows.update({name: len(rows) + place for place, name in enumerate(decoded)})
            on_progress(start + len(batch), len(names))
    return failed


def _decode(path: Path, name: str) -> np.ndarray | str:
    """The canonical image of the file with hash `name`, or the reason for none."""
    try:
        data = image_bytes(path)
        if hashlib.sha256(data).hexdigest() != name:
            return "it changed while it was being read."
        return canonical(decode_image(data))
    except PneumoError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be opened: {error.strerror or error}."


def _hash(path: Path) -> str:
    """SHA-256 of the file, or a key of _UNREAD."""
    try:
        return sha256(path) if path.stat().st_size <= MAX_BYTES else _LARGE
    except OSError:
        return _GONE


def _rows(folder: Path) -> dict[str, int]:
    """Hash -> row of `images.u8`, in order. Truncates incomplete rows of a killed run from the index."""
    index, pixels = folder / "index.csv", folder / "images.u8"
    if not index.exists():
        return {}
    data, rows = index.read_bytes(), {}
    stored = pixels.stat().st_size // _ROW if pixels.exists() else 0
    for row in range(stored):
        line = data[row * _LINE : (row + 1) * _LINE]
        name = line[:-1].decode("ascii", "replace")
        if not re.fullmatch(rb"[0-9a-f]{64}\n", line) or name in rows:
            break
        rows[name] = row
    if len(rows) * _LINE != len(data):
        os.truncate(index, len(rows) * _LINE)
    return rows
