"""What the coverage-guided fuzzer runs: seed files, damage that fits their format, and checks of the promises.

Imported by bench/fuzz_coverage.py while the instrumentation is on, so that it covers the libraries that read files.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from fuzz.damage import change_bytes
from fuzz.harness import SLOW, Cost, broken_message, broken_promise
from fuzz.mutate import change_png
from fuzz.mutate_dicom import change_dicom
from fuzz.mutate_jpeg import change_jpeg
from fuzz.seeds import read_corpus
from fuzz.zips import change_zip, zips
from pneumo.errors import ImageError
from pneumo.imaging.decoding.archive import LIMITS, NAME_LENGTH, members_of
from pneumo.imaging.decoding.decode import decode_or_refuse

_TWICE = 2  # the instrumentation takes time, too
_DAMAGE: dict[bytes, Callable[[bytes, random.Random], bytes]] = {
    b"\x89PNG": change_png,
    b"\xff\xd8": change_jpeg,
    b"PK": change_zip,
    bytes(128) + b"DICM": change_dicom,
}


@dataclass(frozen=True)
class Target:
    seeds: dict[str, bytes]
    broken: Callable[[bytes], str]  # input -> the promise that it breaks; "" for none


def change(data: bytes, rng: random.Random) -> bytes:
    """One change that fits the format of the file."""
    own = next((damage for magic, damage in _DAMAGE.items() if data.startswith(magic)), change_bytes)
    return own(data, rng)


def timed(broken: Callable[[bytes], str]) -> Callable[[bytes], str]:
    def watched(data: bytes) -> str:
        began = time.process_time()
        problem = broken(data)
        seconds = time.process_time() - began
        return problem or (f"slow: {seconds:.1f} s of processor" if seconds > _TWICE * SLOW else "")

    return watched


def broken_image(data: bytes) -> str:
    """The promise that decoding the file breaks."""
    return broken_promise(decode_or_refuse(data), Cost(0.0, 0.0, 0)) if data else ""


def broken_archive(data: bytes) -> str:
    """The promise that opening the archive and unpacking its members breaks."""
    total = 0
    for member in members_of("study.zip", data).members:
        if not member.name.isprintable() or len(member.name) > 2 * NAME_LENGTH + 1:
            return f"the name {member.name!r}"
        try:
            unpacked = member.load()
        except ImageError as refusal:
            if problem := broken_message(str(refusal)):
                return problem
            continue
        total += len(unpacked)
        if len(unpacked) > max(LIMITS.member_bytes, len(data)) or total > LIMITS.total_bytes:
            return f"a member of {len(unpacked)} bytes, {total} in all"
    return ""


def targets() -> dict[str, Target]:
    corpus = read_corpus()
    dicoms = {name: data for name, data in corpus.items() if PurePosixPath(name).suffix == ".dcm"}
    rasters = {name: data for name, data in corpus.items() if name not in dicoms}
    return {
        "raster": Target(rasters, timed(broken_image)),
        "dicom": Target(dicoms, timed(broken_image)),
        "zip": Target(zips(corpus), timed(broken_archive)),
    }
