"""Damage to a JPEG's marker segments, its EXIF directory and its entropy-coded data; for JPEGs inside DICOMs as well."""

import random
import struct

from fuzz.damage import NUMBERS, change_bytes, moved, number_bytes

_SOS = 0xDA
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCB, 0xF7)
_OTHERS = (0xC4, 0xCC, 0xD8, 0xD9, 0xDB, 0xDC, 0xDD, 0xDE, 0xE0, 0xE1, 0xE2, 0xEE, 0xF8, 0xFE)
_DIMENSIONS = (0, 1, 7, 8, 63, 64, 65, 84, 255, 256, 8000, 32768, 65499, 65500, 65535)
Segment = tuple[int, bytes]  # marker, body


def change_jpeg(data: bytes, rng: random.Random) -> bytes:
    """One change to a JPEG file or stream."""
    segments, rest = _parse(data)
    if not segments:
        return change_bytes(data, rng)
    at = rng.randrange(len(segments))
    marker, body = segments[at]
    match rng.randrange(10):
        case 0 | 1:
            segments = [(marker, _frame(body, rng) if marker in _FRAMES else body) for marker, body in segments]
        case 2:
            segments = [(marker, _exif(body, rng) if body.startswith(b"Exif") else body) for marker, body in segments]
        case 3:
            segments = moved(segments, rng)
        case 4:
            segments[at] = (marker, change_bytes(body, rng))
        case 5:
            segments[at] = (rng.choice(_FRAMES + _OTHERS), body)
        case 6:
            segments.insert(at, (rng.choice(_FRAMES + _OTHERS), number_bytes(rng) * rng.choice((1, 4, 200))))
        case 7:
            return _join(segments, rest, wrong=at, by=rng.choice((-3, -1, 1, 2, 1000)))
        case 8:
            rest = _scan(rest, rng)
        case _:
            rest = change_bytes(rest, rng)
    return _join(segments, rest)


def _parse(data: bytes) -> tuple[list[Segment], bytes]:
    """Segments up to and including the first scan's header, and all that follows."""
    segments: list[Segment] = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        segments.append((marker, data[at + 4 : at + 2 + length]))
        at += 2 + max(2, length)
        if marker == _SOS:
            break
    return segments, data[at:]


def _join(segments: list[Segment], rest: bytes, wrong: int = -1, by: int = 0) -> bytes:
    """`wrong`: number of the segment whose length is wrong; `by`: how much."""
    lengths = [len(body) + 2 + (by if number == wrong else 0) for number, (_, body) in enumerate(segments)]
    heads = [struct.pack(">BBH", 0xFF, marker, length % 65536) for (marker, _), length in zip(segments, lengths, strict=True)]
    return b"\xff\xd8" + b"".join(head + body for head, (_, body) in zip(heads, segments, strict=True)) + rest


def _frame(body: bytes, rng: random.Random) -> bytes:
    """SOF: precision, lines, samples a line, then a component's identifier, sampling factors and table."""
    changed = bytearray(body.ljust(9, b"\0"))
    match rng.randrange(5):
        case 0:
            changed[0] = rng.choice((0, 1, 2, 7, 8, 9, 12, 16, 255))
        case 1:
            changed[1:3] = rng.choice(_DIMENSIONS).to_bytes(2, "big")
        case 2:
            changed[3:5] = rng.choice(_DIMENSIONS).to_bytes(2, "big")
        case 3:
            changed[5] = rng.choice((0, 1, 2, 3, 4, 5, 255))
        case _:
            changed[rng.randrange(6, len(changed))] = rng.choice((0, 0x11, 0x12, 0x21, 0x22, 0x41, 0x44, 0x14, 0xFF, 1, 2, 3))
    return bytes(changed)


def _exif(body: bytes, rng: random.Random) -> bytes:
    """Another value in one field of one entry of the first directory: tag, type, count or value."""
    changed, order = bytearray(body), ">" if body[6:8] == b"MM" else "<"
    try:
        first = 6 + struct.unpack_from(order + "I", body, 10)[0]
        entry = first + 2 + 12 * rng.randrange(max(1, struct.unpack_from(order + "H", body, first)[0]))
        field, at = rng.choice((("H", 0), ("H", 2), ("I", 4), ("I", 8), ("H", 8)))
        struct.pack_into(order + field, changed, entry + at, rng.choice(NUMBERS) % (65536 if field == "H" else 2**32))
    except struct.error:
        return body[:6] + change_bytes(body[6:], rng)
    return bytes(changed)


def _scan(rest: bytes, rng: random.Random) -> bytes:
    """Misplaced markers, or the scan repeated."""
    at = rng.randrange(len(rest) + 1)
    marker = bytes([0xFF, rng.choice((0x00, 0xD0, 0xD3, 0xD7, 0xD9, 0xDA, 0xDC, 0xC4, 0xFF))])
    return rng.choice((rest[:at] + marker + rest[at:], rest[:at] + rest, rest[:at] + b"\xff\xd9", rest[:at] + marker * 500))
