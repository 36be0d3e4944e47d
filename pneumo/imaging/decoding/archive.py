"""A zip of a study -> its images, one at a time and in memory alone: no name in it ever becomes a path.

A member that must not be unpacked keeps its place with a reason; what is no image at all (viewers, texts, a DICOMDIR) is
counted. Nothing of a member beyond its first bytes is unpacked before its turn comes.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from pneumo.errors import ImageError
from pneumo.imaging.decoding.decode import MAX_BYTES
from pneumo.imaging.decoding.dicom_sniff import is_bare_dicom
from pneumo.zip_guards import METHODS, ZipLimits, entries_overlap, is_encrypted, is_link_or_device, is_mac_side_file

HEAD = 1024  # bytes that tell what a file is
NAME_LENGTH = 200  # characters kept of a name, its end
# What people take for an image by its name: told why it is not read, rather than passed over.
PICTURES = {".jpeg", ".jpg", ".png", ".dcm", ".dicom", ".ima", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2", ".heic"}
_ARCHIVES = {".zip", ".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz"}
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_ENTRY_MAGIC, _ENTRY = b"PK\x01\x02", struct.Struct("<28x3H12x")  # its lengths of name, extra field and comment
_DICOM_DIRECTORY = b"1.2.840.10008.1.3.10"  # Media Storage Directory Storage, PS3.10
_DAMAGED = "This file in the zip archive is damaged or cut short. Make the archive again."
# What zipfile raises on damaged, encrypted or oddly packed archives.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error, OSError)


@dataclass(frozen=True)
class Limits(ZipLimits):
    """What an archive of X-rays may hold; its images are unpacked one after the other, never together."""

    members: int = 20_000
    member_bytes: int = MAX_BYTES
    total_bytes: int = 8 << 30
    directory_bytes: int = 16 << 20  # names and comments of all entries: 800 bytes each


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """One file to read when its turn comes: `load` gives its bytes, or raises ImageError with the reason why not."""

    name: str
    load: Callable[[], bytes]
    holds: int = 0  # bytes of memory that go once it was read: its own, or those of an archive whose last image it is


@dataclass(frozen=True)
class Contents:
    """What an archive (or a folder) offers: its images in order, and how many other files were passed over."""

    members: tuple[Member, ...]
    skipped: int


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a zip; office documents are zips too, and `open_archive` tells them apart."""
    return head.startswith(_ZIP_MAGIC)


def is_image(name: str, head: bytes) -> bool:
    """Whether a file of a folder or an archive is worth reading: by its name, or by its first bytes.

    DICOM exports often have no suffix, or a number. A DICOMDIR (a table of contents) and the side files of a Mac are no images.
    """
    if _is_side_file(name):
        return False
    if head[128:132] == b"DICM" or is_bare_dicom(head):
        return _DICOM_DIRECTORY not in head
    return PurePosixPath(name).suffix.lower() in PICTURES or head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


def open_archive(source: BinaryIO, limits: Limits = LIMITS) -> Contents:
    """The images of a zip, by its directory and each member's first bytes. `source` stays open as long as a member is held.

    Raises ImageError for an archive that is damaged, hostile as a whole, an office document, or without any image.
    """
    try:
        entries, size = _directory(source)  # before zipfile reads it whole and builds an object for each
        if entries > limits.members:
            raise _refusal(f"it has more than {limits.members:,} entries, and more are not looked through")
        if size > limits.directory_bytes:
            raise _refusal(
                f"the names in it take {size / 2**20:,.0f} MB, for {entries:,} entries; at most "
                f"{limits.directory_bytes / 2**20:,.0f} MB are read. Unpack it and drop the images themselves"
            )
        bundle = zipfile.ZipFile(source)
        infos = [info for info in bundle.infolist() if not info.filename.endswith("/")]  # is_dir fails where a name is empty
        size = source.seek(0, io.SEEK_END)
        if any(info.filename == "[Content_Types].xml" for info in infos):
            raise ImageError("This is an office document; expected a JPEG, PNG or DICOM file. Export the X-ray as one of these.")
        if infos and all(map(is_encrypted, infos)):
            raise _refusal("it is protected by a password. Unpack it and drop the files themselves")
        if entries_overlap(infos, size):
            raise _refusal("its entries lie over each other, as in a zip bomb")
        kept = [(info, reason) for info in infos if (reason := _reason(bundle, info, limits)) is not None]
    except _DAMAGE:  # `from None`, here and below: zipfile quotes names, and a name may be a patient's
        raise ImageError("The zip archive is damaged or cut short. Make it or copy it again.") from None
    if (total := sum(info.file_size for info, reason in kept if not reason)) > limits.total_bytes:
        raise _refusal(
            f"its images would unpack to {total / 2**30:.0f} GB, as a zip bomb does; "
            f"at most {limits.total_bytes / 2**30:.0f} GB are read"
        )
    if not kept:
        holds = f"The zip archive holds no JPEG, PNG or DICOM file ({len(infos)} of other kinds)."
        raise ImageError(f"{holds} Choose the study's images.")
    members = (
        Member(shown_name(info.filename), partial(_refuse, reason) if reason else partial(_unpacked, bundle, info))
        for info, reason in kept
    )
    return Contents(tuple(members), len(infos) - len(kept))


def members_of(name: str, data: bytes, limits: Limits = LIMITS) -> Contents:
    """What a dropped file offers: itself, or the images of a zip as "archive.zip/name in it".

    A zip that cannot be opened is one member whose turn gives the reason.
    """
    if not is_zip(data[:HEAD]):
        return Contents((Member(shown_name(name), lambda: data, len(data)),), 0)
    try:
        contents = open_archive(io.BytesIO(data), limits)
    except ImageError as error:
        return Contents((refused(shown_name(name), str(error)),), 0)
    inside = [Member(f"{shown_name(name)}/{member.name}", member.load) for member in contents.members]
    inside[-1] = replace(inside[-1], holds=len(data))
    return Contents(tuple(inside), contents.skipped)


def refused(name: str, reason: str) -> Member:
    """A member whose turn gives the reason why it has no bytes."""
    return Member(name, partial(_refuse, reason))


def shown_name(name: str) -> str:
    """A file's name fit to be shown: what does not print (control and direction marks) as "?", an overlong one cut in front."""
    end = name if len(name) <= NAME_LENGTH else "..." + name[3 - NAME_LENGTH :]
    return end if end.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in end)


def _refuse(reason: str) -> bytes:
    raise ImageError(reason)


def _unpacked(bundle: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with bundle.open(info) as member:  # ZipFile.read would inflate all, and cut to the declared size afterwards
            return member.read(info.file_size + 1)
    except _DAMAGE:
        raise ImageError(_DAMAGED) from None


def _reason(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> str | None:
    """Why a member must not be unpacked; empty for one to read, None for one that is no image."""
    if _is_side_file(info.filename) or is_link_or_device(info):
        return None
    if is_encrypted(info):
        return "This file in the archive is protected by a password. Unpack it and drop the file itself."
    if info.compress_type not in METHODS:
        return "This file is packed in a way that is not read; expected stored or deflated. Make the archive again."
    try:
        with bundle.open(info) as member:
            head = member.read(HEAD)
    except _DAMAGE:
        return _DAMAGED
    suffix, megabytes = PurePosixPath(info.filename).suffix.lower(), info.file_size / 2**20
    if suffix in _ARCHIVES or (is_zip(head) and not suffix):
        return "An archive within the archive is not opened. Unpack it and drop what is in it."
    if not is_image(info.filename, head):
        return None
    if info.file_size > limits.member_bytes:
        return f"This file would unpack to {megabytes:,.0f} MB; at most {limits.member_bytes / 2**20:,.0f} MB are read."
    if limits.is_bomb(info):
        return f"This file grows more than {limits.ratio:g}-fold when unpacked, as a zip bomb does; it was not unpacked."
    return ""


def _is_side_file(name: str) -> bool:
    return PurePosixPath(name).name.upper() == "DICOMDIR" or is_mac_side_file(name)


def _directory(source: BinaryIO) -> tuple[int, int]:
    """(entries, bytes) of the central directory at most, by every header in the file: what the directory says may be a lie."""
    source.seek(0)
    entries, size, rest = 0, 0, b""
    while chunk := source.read(1 << 20):
        block, at = rest + chunk, -1
        while (at := block.find(_ENTRY_MAGIC, at + 1)) >= 0 and at + _ENTRY.size <= len(block):
            entries, size = entries + 1, size + _ENTRY.size + sum(_ENTRY.unpack_from(block, at))
        rest = block[at if at >= 0 else -3 :]
    return entries, size


def _refusal(reason: str) -> ImageError:
    return ImageError(f"The zip archive was not opened: {reason}.")
