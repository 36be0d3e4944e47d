"""What makes a zip or a member of it unfit to unpack, for studies that are dropped and for the public set alike."""

import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack a chunk without a bound on memory


@dataclass(frozen=True)
class ZipLimits:
    """What an archive may hold."""

    members: int  # entries, folders and side files included
    member_bytes: int  # one file, unpacked
    total_bytes: int  # all files, unpacked
    ratio: float = 100.0  # unpacked / packed of one file above `ratio_from` bytes; X-rays hardly shrink at all
    ratio_from: int = 1 << 20

    def is_bomb(self, info: zipfile.ZipInfo) -> bool:
        """Whether a member grows more than `ratio`-fold, by what its header declares."""
        return info.file_size > max(self.ratio_from, self.ratio * info.compress_size)


def is_link_or_device(info: zipfile.ZipInfo) -> bool:
    return stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR)


def is_encrypted(info: zipfile.ZipInfo) -> bool:
    return bool(info.flag_bits & 0x1)


def is_mac_side_file(name: str) -> bool:
    path = PurePosixPath(name)
    return path.name == ".DS_Store" or path.name.startswith("._") or "__MACOSX" in path.parts


def entries_overlap(infos: Iterable[zipfile.ZipInfo], archive_bytes: int) -> bool:
    """Whether the members take more than the archive has, as in a zip bomb; the ratios of such members mean nothing."""
    return sum(info.compress_size for info in infos) > archive_bytes
