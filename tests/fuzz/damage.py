"""Damage to any bytes; the mutators of each format fall back on it."""

import random
from collections.abc import Sequence
from typing import TypeVar

NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    15,
    16,
    17,
    32,
    63,
    64,
    65,
    127,
    128,
    255,
    256,
    4095,
    32767,
    32768,
    65535,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)

Piece = TypeVar("Piece")


def change_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bits flipped, bytes overwritten, left out, repeated or inserted, or the end cut off."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice((1, 2, 4, 16, 200)))
    head, part, tail = data[:start], data[start:end], data[end:]
    match rng.randrange(8):
        case 0:
            return head + bytes(byte ^ (1 << rng.randrange(8)) for byte in part) + tail
        case 1:
            return head + rng.randbytes(len(part)) + tail
        case 2:
            number = number_bytes(rng)
            return head + number + data[start + len(number) :]
        case 3:
            return head + tail
        case 4:
            return head + part * rng.choice((2, 3, 50)) + tail
        case 5:
            return head + bytes([rng.choice((0, 255))]) * len(part) + tail
        case 6:
            return head
        case _:
            return head + rng.randbytes(rng.choice((1, 4, 64))) + part + tail


def number_bytes(rng: random.Random) -> bytes:
    """An integer near some limit, in one of the sizes and byte orders that files use."""
    size = rng.choice((1, 2, 4))
    return (rng.choice(NUMBERS) % 256**size).to_bytes(size, rng.choice(("little", "big")))


def splice(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The beginning of one file and the end of another."""
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other)) :]


def moved(pieces: Sequence[Piece], rng: random.Random) -> list[Piece]:
    """The pieces of a file with one left out, one repeated, or two exchanged."""
    changed = list(pieces)
    at, other = rng.randrange(len(changed)), rng.randrange(len(changed))
    match rng.randrange(3):
        case 0:
            del changed[at]
        case 1:
            changed.insert(other, changed[at])
        case _:
            changed[at], changed[other] = changed[other], changed[at]
    return changed
