"""Decode once: canonical images in a memory-mapped file, found by the hash of the file they came from.

One folder a preprocessing version, two files in it: `images.u8`, rows of 224 x 224 bytes, and `index.csv`, the hash of each
row's source file in the same order. A row counts once its hash is written, and the hash is written last: a run that is killed
leaves rows that nobody names and the next one overwrites. Nothing is ever held in memory but the rows being read.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pneumo.errors import DataError, PneumoError
from pneumo.imaging.decode import decode
from pneumo.imaging.preprocess import CANONICAL_SIDE, VERSION, canonical

_ROW = CANONICAL_SIDE * CANONICAL_SIDE  # bytes
_BATCH = 256  # images decoded between two writes of the index


def cache_dir() -> Path:
    return Path(os.environ.get("PNEUMO_CACHE_DIR", ".cache")) / VERSION


class CachedImages:
    """uint8 (n, 224, 224), read from the disk as it is asked for; indexes like an array along its first axis."""

    def __init__(self, images: np.ndarray, rows: np.ndarray):
        self._images, self._rows = images, rows
        self.shape = (len(rows), CANONICAL_SIDE, CANONICAL_SIDE)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index) -> np.ndarray:
        return self._images[self._rows[index]]


def cached_images(
    root: Path, paths: Sequence[str], folder: Path | None = None, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> CachedImages:
    """The canonical images of `paths` below `root`, decoded where the cache does not have them yet.

    Raises DataError naming every file that cannot be read; the others are cached all the same.
    """
    folder = folder or cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    files = [Path(root) / path for path in paths]
    with ThreadPoolExecutor(4) as pool, _locked(folder):
        hashes = list(pool.map(_hash, files))
        rows = {name: row for row, name in enumerate(_index(folder))}
        missing = {name: file for name, file in zip(hashes, files, strict=True) if name not in rows and name}
        failed = [f"{path}: it cannot be opened" for path, name in zip(paths, hashes, strict=True) if not name]
        failed += _append(folder, missing, rows, pool, on_progress)
    if failed:
        raise DataError("These images cannot be read; remove or replace them:\n" + "\n".join(failed))
    images = np.memmap(folder / "images.u8", np.uint8, "r", shape=(len(rows), CANONICAL_SIDE, CANONICAL_SIDE))
    return CachedImages(images, np.array([rows[name] for name in hashes]))


def _append(folder: Path, missing: dict[str, Path], rows: dict[str, int], pool: ThreadPoolExecutor, on_progress) -> list[str]:
    """Decode `missing` (hash -> file) behind the last counted row, and add them to `rows`; return what failed, by name."""
    failed, names = [], list(missing)
    mode = "r+b" if (folder / "images.u8").exists() else "w+b"
    with open(folder / "images.u8", mode) as pixels, open(folder / "index.csv", "a", encoding="ascii") as index:
        for start in range(0, len(names), _BATCH):
            batch, kept = names[start : start + _BATCH], []
            pixels.seek(len(rows) * _ROW)
            for name, image in zip(batch, pool.map(_decode, (missing[name] for name in batch)), strict=True):
                if isinstance(image, str):
                    failed.append(f"{missing[name].name}: {image}")
                else:
                    pixels.write(image.tobytes())
                    kept.append(name)
            pixels.flush()
            os.fsync(pixels.fileno())
            index.writelines(f"{name}\n" for name in kept)
            index.flush()
            rows.update({name: len(rows) + place for place, name in enumerate(kept)})
            on_progress(start + len(batch), len(names))
    return failed


def _decode(path: Path) -> np.ndarray | str:
    try:
        return canonical(decode(path.read_bytes()))
    except (PneumoError, OSError) as error:
        return str(error)


def _hash(path: Path) -> str:
    """SHA-256 of the file, or "" when it cannot be opened."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _index(folder: Path) -> list[str]:
    path = folder / "index.csv"
    if not path.exists():
        return []
    lines = path.read_text(encoding="ascii").splitlines(keepends=True)
    whole = [line.strip() for line in lines if line.endswith("\n")]
    if len(whole) != len(lines):  # a line cut short by a kill
        path.write_text("".join(f"{name}\n" for name in whole), encoding="ascii")
    return whole


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time; the lock goes with its process."""
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
