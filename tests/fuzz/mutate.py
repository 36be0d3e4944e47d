"""Damages seed files according to their format, because a decoder's faults lie behind its first checks.

Every mutant depends on (seed, number) alone. What a format checks first (check sums, lengths) is mostly corrected again, so
that the damage reaches what reads it.
"""

import random
import struct
import zlib
from collections.abc import Callable

from makers import resealed

from fuzz.damage import NUMBERS, change_bytes, moved, number_bytes, splice
from fuzz.mutate_dicom import change_dicom
from fuzz.mutate_jpeg import change_jpeg

_KINDS = (
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"IEND",
    b"tRNS",
    b"gAMA",
    b"cHRM",
    b"iCCP",
    b"tEXt",
    b"zTXt",
    b"iTXt",
    b"eXIf",
    b"pHYs",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"sBIT",
    b"bKGD",
    b"xxXx",
)
_MAGIC = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\0" * 128 + b"DICM")


def mutant(corpus: dict[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """(name of the original file, the damaged bytes); "noise" if there was no original."""
    rng = random.Random(f"{seed}/{number}")
    if rng.random() < 0.02:
        return "noise", rng.choice(_MAGIC) + rng.randbytes(rng.choice((0, 1, 9, 100, 5000)))
    name = rng.choice(sorted(corpus))
    data = corpus[name]
    own: Callable[[bytes, random.Random], bytes] = {"png": change_png, "jpg": change_jpeg, "dcm": change_dicom}[name[-3:]]
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        roll = rng.random()
        if roll < 0.7:
            data = own(data, rng)
        elif roll < 0.95:
            data = change_bytes(data, rng)
        else:
            data = splice(data, corpus[rng.choice(sorted(corpus))], rng)
    return name, data


def change_png(data: bytes, rng: random.Random) -> bytes:
    """One change to the chunks; in nine of ten cases the check sums are corrected."""
    chunks = _chunks(data)
    if not chunks:
        return change_bytes(data, rng)
    at = rng.randrange(len(chunks))
    kind, body = chunks[at]
    match rng.randrange(8):
        case 0 | 1:
            chunks = [(kind, _header(body, rng) if kind == b"IHDR" and len(body) == 13 else body) for kind, body in chunks]
        case 2:
            chunks = moved(chunks, rng)
        case 3:
            chunks[at] = (kind, change_bytes(body, rng))
        case 4:
            chunks[at] = (rng.choice(_KINDS), body)
        case 5:
            made = (number_bytes(rng) * 4, zlib.compress(bytes(10**6)), b"a\0\0" + zlib.compress(bytes(10**5)))
            chunks.insert(at, (rng.choice(_KINDS), rng.choice(made)))
        case _:
            chunks = [(kind, _unpacked_changed(body, rng) if kind == b"IDAT" else body) for kind, body in chunks]
    built = data[:8] + b"".join(struct.pack(">I", len(body)) + kind + body + bytes(4) for kind, body in chunks)
    return resealed(built) if rng.random() < 0.9 else built


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, body) of each chunk."""
    chunks, at = [], 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def _header(body: bytes, rng: random.Random) -> bytes:
    fields = list(struct.unpack(">IIBBBBB", body))
    at = rng.randrange(7)
    fields[at] = rng.choice(NUMBERS) if at < 2 else rng.choice((0, 1, 2, 3, 4, 6, 8, 16, rng.randrange(256)))
    return struct.pack(">IIBBBBB", *fields)


def _unpacked_changed(body: bytes, rng: random.Random) -> bytes:
    """Filter types and grey levels changed, or their amount."""
    try:
        rows = zlib.decompressobj().decompress(body, 64 << 20)
    except zlib.error:
        return change_bytes(body, rng)
    if rng.random() < 0.05:
        return zlib.compress(rows + bytes(20 << 20))  # far more than the header declares
    return zlib.compress(change_bytes(rows, rng))
