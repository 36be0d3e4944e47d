"""A zip of the public set -> a data folder: nothing lands outside it, and half a set never stands under its name.

The folder is filled as a hidden draft beside it, checked, given its manifest last, and renamed. Also here: what a slow step
tells of its progress, since the download speaks the same way.
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

from pneumo.data.records import scan
from pneumo.errors import DataError
from pneumo.files import write_json
from pneumo.labels import LABELS
from pneumo.zip_guards import METHODS, ZipLimits, entries_overlap, is_encrypted, is_link_or_device, is_mac_side_file

MANIFEST = "pneumo-dataset.json"  # written last: a folder that has it is whole
SPLITS = ("train", "val", "test")
MARGIN = 256 << 20  # bytes of a disk that a download or an unpacking leaves free
CHUNK = 1 << 18  # bytes


class Stopped(DataError):
    """The caller's `cancelled` said so; nothing is wrong with the data."""


@dataclass(frozen=True)
class Progress:
    done: int  # bytes
    total: int  # bytes; 0 while the server has not said
    bytes_per_second: float  # since the stage began (or went on); NaN until it can be told
    seconds_left: float  # NaN where speed or total is unknown
    stage: str  # download, check or unpack


@dataclass(frozen=True)
class Limits(ZipLimits):
    """What an archive may hold; the public set has about 6,000 images, at most a few megabytes each."""

    members: int = 50_000
    member_bytes: int = 64 << 20
    total_bytes: int = 4 << 30


LIMITS = Limits()
OnProgress = Callable[[Progress], None] | None
Cancelled = Callable[[], bool]


class Meter:
    """Adds up the bytes of one stage; tells `on_progress` at its start and end and ten times a second; raises Stopped."""

    def __init__(self, on_progress: OnProgress, cancelled: Cancelled, stage: str, total: int, done: int = 0):
        self._tell, self._cancelled, self._stage, self._total = on_progress, cancelled, stage, total
        self.done, self._first, self._began, self._told = done, done, time.monotonic(), float("-inf")
        self.add(0)

    def add(self, count: int) -> None:
        self.done += count
        if self._cancelled():
            raise Stopped("Stopped as asked. What was downloaded is kept; start again to go on from there.")
        now = time.monotonic()
        if self._tell and (now - self._told >= 0.1 or self.done == self._total):
            moved, spent, self._told = self.done - self._first, now - self._began, now
            speed = moved / spent if moved and spent > 0 else math.nan
            left = (self._total - self.done) / speed if self._total else math.nan
            self._tell(Progress(self.done, self._total, speed, left, self._stage))


def unpack_dataset(
    archive: Path, target: Path, on_progress: OnProgress = None, limits: Limits = LIMITS, cancelled: Cancelled = lambda: False
) -> Path:
    """Unpack train/, val/ and test/ of the set in `archive` (a zip) to `target`/train/NORMAL/*.jpeg and so on; return `target`.

    Leading folders such as chest_xray/, second copies of the set and side files of a Mac are left out.
    Raises DataError for a hostile, damaged or foreign archive, an occupied target or a full disk, Stopped when cancelled; then
    there is nothing under `target`.
    """
    archive = Path(archive)
    try:
        with draft_of(target, archive.name) as draft, zipfile.ZipFile(archive) as bundle:
            members = checked_members(bundle.infolist(), limits, archive.stat().st_size)
            root = find_root(members)
            inside = {name.removeprefix(root): info for name, info in members.items() if name.startswith(root)}
            wanted = {name: info for name, info in inside.items() if name.split("/")[0].lower() in SPLITS}
            total = sum(info.file_size for info in wanted.values())
            need_space(draft, total)
            meter = Meter(on_progress, cancelled, "unpack", total)
            for name, info in wanted.items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                _write(bundle, info, draft / name, meter)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError, struct.error) as error:
        raise DataError(
            f"{archive.name} is damaged or cut short ({str(error) or 'it ends early'}). Delete it and download it again."
        ) from error
    return Path(target)


def checked_members(infos: list[zipfile.ZipInfo], limits: Limits, archive_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """Name -> entry of every file but a Mac's side files, once all are found harmless; DataError otherwise."""
    if len(infos) > limits.members:
        raise _refusal(f"it has {len(infos)} entries; expected at most {limits.members}")
    members, seen = {}, set()
    for info in infos:
        name = info.orig_filename  # `filename` has already been made nicer than it came
        parts = name.removesuffix("/").split("/")
        if is_mac_side_file(name):
            continue
        key = unicodedata.normalize("NFC", "/".join(parts)).casefold()
        faults = {
            "could lead out of the folder": {"", ".", ".."} & set(parts) or re.search(r"[\\:\x00-\x1f\x7f]", name),
            "is there twice, or differs from another name only in letter case": key in seen,
            "is a link or a device, not a file": is_link_or_device(info),
            "is encrypted": is_encrypted(info),
            "is packed in a way other than stored or deflated": info.compress_type not in METHODS,
            f"has more than {limits.member_bytes:,} bytes": info.file_size > limits.member_bytes,
            f"grows more than {limits.ratio:g}-fold, as a zip bomb does": limits.is_bomb(info),
        }
        if fault := next((fault for fault, found in faults.items() if found), None):
            raise _refusal(f"{name!r} {fault}")
        seen.add(key)
        if not info.is_dir():
            members[name] = info
    if (total := sum(info.file_size for info in members.values())) > limits.total_bytes:
        raise _refusal(f"it would unpack to {total:,} bytes; expected at most {limits.total_bytes:,}")
    if entries_overlap(infos, archive_bytes):
        raise _refusal("its entries lie over each other, as in a zip bomb")
    return members


def _write(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, meter: Meter) -> None:
    """Write one member; its real bytes may be neither more nor fewer than the checked header declares."""
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
    """The folder ("" or ending in a slash) whose train/ has files of both classes; the shallowest where there are copies."""
    classes: dict[str, set[str]] = defaultdict(set)
    for name in names:
        parts = name.split("/")
        for place, part in enumerate(parts[:-2]):
            if part.lower() == "train":
                classes["".join(f"{folder}/" for folder in parts[:place])].add(parts[place + 1].upper())
    roots = [root for root, found in classes.items() if found >= set(LABELS)]
    if not roots:
        raise DataError("This is not the chest X-ray set: expected train/NORMAL and train/PNEUMONIA with images in them.")
    return min(roots, key=lambda root: (root.count("/"), root))


@contextlib.contextmanager
def draft_of(target: Path, origin: str) -> Iterator[Path]:
    """A hidden folder beside `target`, which takes its name once the block has filled it with a whole set, and else is removed.

    `origin` goes into the manifest. Raises DataError when `target` is occupied, the set not whole, or the disk full.
    """
    refuse_occupied(target)
    path = Path(target).resolve()
    draft = path.with_name(f".{path.name}.draft")
    try:
        shutil.rmtree(draft, ignore_errors=True)  # left by a process that was killed
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
    """Number of images in `folder`; DataError unless train and test have both classes (val is Kaggle's own, and may lack)."""
    records = scan(folder, SPLITS)
    found = {(record.split, record.label) for record in records}
    if missing := [f"{split}/{label}" for split in ("train", "test") for label in LABELS if (split, label) not in found]:
        raise DataError(f"The set is not whole: no image in {', '.join(missing)}. Get it again.")
    return len(records)


def refuse_occupied(target: Path) -> None:
    """DataError unless `target` can become the data folder: not there yet, or an empty folder that can be replaced."""
    target = Path(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} exists and is not an empty folder. Choose a new folder, or empty this one.")
    if os.path.ismount(target.resolve()):  # Path.is_mount raises on Windows before Python 3.12
        raise DataError(f"{target} is the top of a disk and cannot be replaced. Choose a folder in it: {target / 'chest_xray'}.")


def need_space(folder: Path, count: int) -> None:
    """DataError unless the disk of `folder` has room for `count` bytes and MARGIN."""
    if (free := shutil.disk_usage(folder).free) < count + MARGIN:
        room = f"expected {(count + MARGIN) / 1e6:,.0f} MB free, found {free / 1e6:,.0f} MB"
        raise DataError(f"Not enough room on the disk of {folder}: {room}. Make room and start again.")


def disk_error(error: OSError, path: Path) -> DataError:
    if error.errno == errno.ENOSPC:
        return DataError(f"The disk of {path} is full. Make room and start again; what was downloaded is kept.")
    return DataError(f"{error.filename or path} could not be written or read: {error.strerror or str(error)[:200]}.")
