"""Damage to a DICOM's elements: tags, kinds, lengths, values, order, nesting, compression, fragments of compressed pixels."""

import random
import struct
from dataclasses import dataclass, replace

from makers import NAME

from fuzz.damage import NUMBERS, change_bytes, moved, number_bytes
from fuzz.mutate_jpeg import change_jpeg

_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_KINDS = sorted(_LONG | set(b"AE AS AT CS DA DS FD FL IS LO PN SH SL SS TM UI UL US ZZ".split()))
_UNDEFINED = 0xFFFFFFFF
_PIXELS, _SYNTAX = (0x7FE0, 0x0010), (0x0002, 0x0010)
# Samples, photometric, planar, frames, rows, columns, aspect, bits, high bit, sign, window, rescale, tables, spacing, age.
_GROUP_28 = (
    2,
    4,
    6,
    8,
    0x10,
    0x11,
    0x34,
    0x100,
    0x101,
    0x102,
    0x103,
    0x1050,
    0x1051,
    0x1052,
    0x1053,
    0x1055,
    0x1056,
    0x3000,
    0x3002,
    0x3006,
    0x3010,
)
_TOLD = [*((0x0028, element) for element in _GROUP_28), (0x0018, 0x1164), (0x0010, 0x1010), (0x0008, 0x0060), _PIXELS]
_STRANGE = [*_TOLD, (0xFFFE, 0xE000), (0xFFFE, 0xE0DD), (0x0011, 0x1001), (0x0009, 0x0010)]
_ENDS = b".1 .1.99 .2 .4.50 .4.51 .4.57 .4.70 .4.80 .4.81 .4.90 .4.91 .4.201 .4.202 .4.203 .4.100 .5 .9.9"
_SYNTAXES = [b"1.2.840.10008.1.2" + end for end in (b"", *_ENDS.split())]
_WORDS = [
    b"",
    b"0",
    b"-1",
    b"1",
    b"2",
    b"NaN",
    b"inf",
    b"-inf",
    b"1e308",
    b"1e-320",
    b"-1e308\\1e308",
    b"9" * 400,
    b"\\" * 50,
    b"1\\2\\3",
    b"MONOCHROME1",
    b"MONOCHROME2",
    b"RGB",
    b"PALETTE COLOR",
    b"YBR_FULL_422",
    b"YBR_RCT",
    b"SIGMOID",
    b"CT",
    b"0\\0",
    b"003Y",
    NAME.encode(),
    b"\xff\xfe\x00",
    b"\x1b$B",
    b"1\x00",
]


@dataclass(frozen=True)
class Element:
    tag: tuple[int, int]
    kind: bytes  # the VR; empty in implicit syntax
    value: bytes
    length: int | None = None  # as written, if it differs from the value's own

    def bytes(self, order: str) -> bytes:
        length = (len(self.value) if self.length is None else self.length) % 2**32
        head = struct.pack(order + "HH", *self.tag) + self.kind
        if self.kind in _LONG:
            return head + bytes(2) + struct.pack(order + "I", length) + self.value
        return head + struct.pack(order + ("H" if self.kind else "I"), length % (65536 if self.kind else 2**32)) + self.value


def change_dicom(data: bytes, rng: random.Random) -> bytes:
    """One change to a Part 10 file; the length of its first group is corrected."""
    try:
        meta, rest, order = _parse(data)
    except struct.error:
        return change_bytes(data, rng)
    if not rest or not meta:
        return change_bytes(data, rng)
    roll = rng.randrange(12)
    if roll == 0:
        meta = [_other_syntax(each, rng) if each.tag == _SYNTAX else each for each in meta]
    elif roll == 1:
        meta = _changed(meta, rng, order)
    elif roll < 5:
        rest = [_pixels(each, rng) if each.tag == _PIXELS and each.length == _UNDEFINED else each for each in rest]
        if roll == 4:
            rest = moved(rest, rng)
    else:
        rest = _changed(rest, rng, order)
    first = b"".join(each.bytes("<") for each in meta if each.tag != (2, 0))
    length = Element((2, 0), b"UL", struct.pack("<I", len(first))).bytes("<")
    return data[:132] + length + first + b"".join(each.bytes(order) for each in rest)


def _parse(data: bytes) -> tuple[list[Element], list[Element], str]:
    """(elements of group 2, the others, byte order). What cannot be parsed stays in the last element's value."""
    meta, at = [], 132
    while at + 8 <= len(data) and data[at : at + 2] == b"\x02\x00":
        element, at = _element(data, at, "<", explicit=True)
        meta.append(element)
    syntax = next((each.value.rstrip(b"\0") for each in meta if each.tag == _SYNTAX), b"")
    order, explicit = ">" if syntax.endswith(b".1.2.2") else "<", syntax != _SYNTAXES[0]
    rest = []
    while at + 8 <= len(data):
        element, at = _element(data, at, order, explicit)
        rest.append(element)
    return meta, rest, order


def _element(data: bytes, at: int, order: str, explicit: bool) -> tuple[Element, int]:
    tag, kind = struct.unpack_from(order + "HH", data, at), data[at + 4 : at + 6] if explicit else b""
    size, short = 12 if kind in _LONG else 8, explicit and kind not in _LONG
    (length,) = struct.unpack_from(order + ("H" if short else "I"), data, at + (6 if short else size - 4))
    start = at + size
    if length != _UNDEFINED:
        return Element((tag[0], tag[1]), kind, data[start : start + length]), start + length
    ends = data.find(struct.pack(order + "HHI", 0xFFFE, 0xE0DD, 0), start)
    end = len(data) if ends < 0 or tag == _PIXELS else ends + 8
    return Element((tag[0], tag[1]), kind, data[start:end], _UNDEFINED), end


def _changed(elements: list[Element], rng: random.Random, order: str) -> list[Element]:
    changed = list(elements)
    told = [n for n, each in enumerate(changed) if each.tag in _TOLD]
    at = rng.choice(told) if told and rng.random() < 0.7 else rng.randrange(len(changed))
    this = changed[at]
    match rng.randrange(10):
        case 0 | 1 | 2:
            changed[at] = replace(this, value=_value(this, rng, order))
        case 3:
            changed[at] = replace(this, value=change_bytes(this.value, rng))
        case 4:
            changed[at] = replace(
                this, length=rng.choice((*NUMBERS, len(this.value) - 2, len(this.value) + 1, len(this.value) + 2))
            )
        case 5:
            changed[at] = replace(this, kind=rng.choice(_KINDS) if this.kind else b"")
        case 6:
            changed[at] = replace(this, tag=rng.choice(_STRANGE))
        case 7:
            changed[at] = _nested(this, rng, order)
        case 8:
            made = Element(rng.choice((*_TOLD, (0x0011, 0x10), (0x5400, 0x1010))), this.kind and rng.choice(_KINDS), b"")
            changed.insert(at, replace(made, value=_value(made, rng, order)))
        case _:
            changed = moved(changed, rng)
    return changed


def _value(element: Element, rng: random.Random, order: str) -> bytes:
    if element.kind in (b"US", b"SS", b"UL", b"SL", b"") and rng.random() < 0.8:
        return struct.pack(order + "H", rng.choice(NUMBERS) % 65536) * rng.choice((1, 1, 1, 2, 3, 300))
    value = rng.choice((rng.choice(_WORDS), rng.choice(_WORDS), number_bytes(rng)))
    return value + b" " * (len(value) % 2)


def _nested(element: Element, rng: random.Random, order: str) -> Element:
    """The element within items of sequences, up to 3,000 deep."""
    value, kind = element.bytes(order), element.kind and b"SQ"
    for _ in range(depth := rng.choice((1, 2, 20, 3000))):
        item = struct.pack(order + "HHI", 0xFFFE, 0xE000, len(value)) + value
        value = Element((0x0028, 0x3010), kind, item).bytes(order) if depth > 1 else item
    return Element(rng.choice(((0x0028, 0x3000), (0x0028, 0x3010), (0x0040, 0x0275))), kind, value[:2_000_000])


def _other_syntax(element: Element, rng: random.Random) -> Element:
    syntax = rng.choice(_SYNTAXES)
    return replace(element, value=syntax + b"\0" * (len(syntax) % 2))


def _pixels(element: Element, rng: random.Random) -> Element:
    """Encapsulated pixels with changed items or a changed stream in one."""
    items, at = [], 0
    while at + 8 <= len(element.value):
        lead, tag, length = struct.unpack_from("<HHI", element.value, at)
        if (lead, tag) != (0xFFFE, 0xE000):
            break
        items.append(element.value[at + 8 : at + 8 + length])
        at += 8 + length
    tail = element.value[at:]
    if not items:
        return replace(element, value=change_bytes(element.value, rng))
    place = rng.randrange(len(items))
    body = items[place]
    match rng.randrange(6):
        case 0:
            items = moved(items, rng)
        case 1:
            cut = rng.randrange(len(body) + 1)
            items[place : place + 1] = [body[:cut], body[cut:]]
        case 2:
            tail = rng.choice((b"", tail * 2, number_bytes(rng)))
        case _:
            longest = max(range(len(items)), key=lambda n: len(items[n]))
            jpeg = items[longest].startswith(b"\xff\xd8")
            items[longest] = change_jpeg(items[longest], rng) if jpeg else _stream(items[longest], rng)
    lengths = [len(item) for item in items]
    if items and rng.random() < 0.1:
        lengths[rng.randrange(len(items))] = rng.choice(NUMBERS)
    value = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, length) + item for length, item in zip(lengths, items, strict=True))
    return replace(element, value=value + tail)


def _stream(stream: bytes, rng: random.Random) -> bytes:
    """JPEG 2000 or RLE with another number in the header (sizes, tiles, offsets), or any byte changed."""
    if rng.random() < 0.4 or len(stream) < 64:
        return change_bytes(stream, rng)
    at, size = rng.randrange(0, 60), rng.choice((1, 2, 4))
    return stream[:at] + (rng.choice(NUMBERS) % 256**size).to_bytes(size, "big") + stream[at + size :]
