"""Unpack a zip of the public set safely: nothing outside the folder, and never a partial set under its name.

A hidden draft folder is filled, checked, given its manifest and renamed. Also holds the progress classes that the download shares.
"""

import contextlib
import errno
import math
import os
import re
import shutil
import struct
import time
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pneumo.data.records import SPLITS, scan
from pneumo.errors import DataError
from pneumo.files import write_json
from pneumo.labels import LABELS
from pneumo.zip_guards import METHODS, ZipLimits, entries_overlap, is_encrypted, is_link_or_device, is_mac_side_file

MANIFEST = "pneumo-dataset.json"  # written last: marks a complete set
MARGIN = 256 << 20  # bytes to leave free on the disk
CHUNK = 1 << 18  # bytes
# What zipfile raises on a damaged archive.
ARCHIVE_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError, struct.error)


class Stopped(DataError):
    """Cancelled by the caller."""


@dataclass(frozen=True)
class Progress:
    done: int  # bytes
    total: int  # bytes; 0 if unknown
    bytes_per_second: float  # since the stage began or resumed; NaN if unknown
    seconds_left: float  # NaN where speed or total is unknown
    stage: str  # download, check or unpack


@dataclass(frozen=True)
class Limits(ZipLimits):
    """Limits of an archive; the public set has about 6,000 images, at most a few megabytes each."""

    members: int = 50_000
    member_bytes: int = 64 << 20
    total_bytes: int = 4 << 30


LIMITS = Limits()
OnProgress = Callable[[Progress], None] | None
Cancelled = Callable[[], bool]


class Meter:
    """Counts bytes of a stage; calls `on_progress` at start, end and ten times a second; raises Stopped."""

    def __init__(self, on_progress: OnProgress, cancelled: Cancelled, stage: str, total: int, done: int = 0):
        self._on_progress, self._cancelled, self._stage, self._total = on_progress, cancelled, stage, total
        self.done, self._first, self._began, self._reported = done, done, time.monotonic(), float("-inf")
        self.add(0)

    def add(self, count: int) -> None:
        self.done += count
        if self._cancelled():
            raise Stopped("Stopped as asked. What was downloaded is kept; start again to go on from there.")
        now = time.monotonic()
        if self._on_progress and (now - self._reported >= 0.1 or self.done == self._total):
            moved, spent, self._reported = self.done - self._first, now - self._began, now
            speed = moved / spent if moved and spent > 0 else math.nan
            seconds_left = (self._total - self.done) / speed if self._total else math.nan
            self._on_progress(Progress(self.done, self._total, speed, seconds_left, self._stage))


def unpack_dataset(
    archive: Path, target: Path, on_progress: OnProgress = None, limits: Limits = LIMITS, cancelled: Cancelled = lambda: False
) -> Path:
    """Unpack train/, val/ and test/ of the set in `archive` (a zip) to `target`/train/NORMAL/*.jpeg and so on; return `target`.

    Leading folders such as chest_xray/, second copies of the set and macOS side files are left out.
    Raises DataError for a hostile, damaged or foreign archive, an occupied target or a full disk, Stopped when cancelled;
    `target` is then not created.
    """
    archive = Path(archive)
    try:
        with draft_of(target, archive.name) as draft, zipfile.ZipFile(archive) as bundle:
            members = checked_members(bundle.infolist(), limits, archive.stat().st_size)
            root = find_root(members)
            inside = {name.removeprefix(root): info for name, info in members.items() if name.startswith(root)}
            chosen = {name: info for name, info in inside.items() if name.split("/")[0].lower() in SPLITS}
            total = sum(info.file_size for info in chosen.values())
            need_space(draft, total)
            meter = Meter(on_progress, cancelled, "unpack", total)
            for name, info in chosen.items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                _write(bundle, info, draft / name, meter)
    except ARCHIVE_DAMAGE as error:
        raise DataError(
            f"{archive.name} is damaged or cut short ({str(error) or 'it ends early'}). Delete it and download it again."
        ) from error
    return Path(target)


def checked_members(infos: list[zipfile.ZipInfo], limits: Limits, archive_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """Name -> entry of every file but macOS side files. Raises DataError for a hostile entry."""
    if len(infos) > limits.members:
        raise _refusal(f"it has {len(infos)} entries; expected at most {limits.members}")
    members, keys = {}, set()
    for info in infos:
        name = info.orig_filename  # `filename` is already normalised
        parts = name.removesuffix("/").split("/")
        if is_mac_side_file(name):
            continue
        key = unicodedata.normalize("NFC", "/".join(parts)).casefold()
        faults = {
            "could lead out of the folder": {"", ".", ".."} & set(parts) or re.search(r"[\\:\x00-\x1f\x7f]", name),
            "is there twice, or differs from another name only in letter case": key in keys,
            "is a link or a device, not a file": is_link_or_device(info),
            "is encrypted": is_encrypted(info),
            "is packed in a way other than stored or deflated": info.compress_type not in METHODS,
            f"has more than {limits.member_bytes:,} bytes": info.file_size > limits.member_bytes,
            f"grows more than {limits.ratio:g}-fold, as a zip bomb does": limits.is_bomb(info),
        }
        if fault := next((fault for fault, present in faults.items() if present), None):
            raise _refusal(f"{name!r} {fault}")
        keys.add(key)
        if not info.is_dir():
            members[name] = info
    if (total := sum(info.file_size for info in members.values())) > limits.total_bytes:
        raise _refusal(f"it would unpack to {total:,} bytes; expected at most {limits.total_bytes:,}")
    if entries_overlap(infos, archive_bytes):
        raise _refusal("its entries lie over each other, as in a zip bomb")
    return members


def _write(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, meter: Meter) -> None:
    """Write one member. Raises DataError unless it has the declared size."""
    written = 0
    with bundle.open(info) as source, open(path, "xb") as out:
        while written <= info.file_size and (chunk := source.read(CHUNK)):
            written += len(chunk)
            out.write(chunk)
            meter.add(len(chunk))
    if written != info.file_size:
        raise _refusal(f"{info.filename!r} does not have the {info.file_size:,} bytes it declares")


def _refusal(reason: str) -> DataError:
    return DataError(f"The archive is refused: {reason}. Nothing was unpacked; get the archive again from its publisher.")


def find_root(names: Iterable[str]) -> str:
    """The folder ("" or ending in a slash) whose train/ has files of both classes; the shallowest of several."""
    classes: dict[str, set[str]] = defaultdict(set)
    for name in names:
        parts = name.split("/")
        for place, part in enumerate(parts[:-2]):
            if part.lower() == "train":
                classes["".join(f"{folder}/" for folder in parts[:place])].add(parts[place + 1].upper())
    roots = [root for root, labels in classes.items() if labels >= set(LABELS)]
    if not roots:
        raise DataError("This is not the chest X-ray set: expected train/NORMAL and train/PNEUMONIA with images in them.")
    return min(roots, key=lambda root: (root.count("/"), root))


@contextlib.contextmanager
def draft_of(target: Path, origin: str) -> Iterator[Path]:
    """A hidden folder beside `target`, renamed to `target` after the block if it holds a complete set, else removed.

    `origin` goes into the manifest. Raises DataError for an occupied `target`, an incomplete set or a full disk.
    """
    refuse_occupied(target)
    path = Path(target).resolve()
    draft = path.with_name(f".{path.name}.draft")
    try:
        shutil.rmtree(draft, ignore_errors=True)  # left by a killed process
        draft.mkdir(parents=True)
        yield draft
        write_json(draft / MANIFEST, {"origin": origin, "images": check_set(draft)})
        if path.exists():
            path.rmdir()
        draft.rename(path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_set(folder: Path) -> int:
    """Number of images in `folder`; DataError unless train and test have both classes."""
    records = scan(folder)
    present = {(record.split, record.label) for record in records}
    if missing := [f"{split}/{label}" for split in ("train", "test") for label in LABELS if (split, label) not in present]:
        raise DataError(f"The set is not whole: no image in {', '.join(missing)}. Get it again.")
    return len(records)


def refuse_occupied(target: Path) -> None:
    """DataError unless `target` is missing or an empty, replaceable folder."""
    target = Path(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} exists and is not an empty folder. Choose a new folder, or empty this one.")
    if os.path.ismount(target.resolve()):  # Path.is_mount raises on Windows before Python 3.12
        raise DataError(f"{target} is the top of a disk and cannot be replaced. Choose a folder in it: {target / 'chest_xray'}.")


def need_space(folder: Path, count: int) -> None:
    """DataError unless the disk of `folder` has `count` bytes and MARGIN free."""
    if (free := shutil.disk_usage(folder).free) < count + MARGIN:
        room = f"expected {(count + MARGIN) / 1e6:,.0f} MB free, found {free / 1e6:,.0f} MB"
        raise DataError(f"Not enough room on the disk of {folder}: {room}. Make room and start again.")


def disk_error(error: OSError, path: Path) -> DataError:
    if error.errno == errno.ENOSPC:
        return DataError(f"The disk of {path} is full. Make room and start again; what was downloaded is kept.")
    return DataError(f"{error.filename or path} could not be written or read: {error.strerror or str(error)[:200]}.")
