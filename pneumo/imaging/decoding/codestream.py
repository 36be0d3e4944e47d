"""What a compressed image says about itself, read without decoding a pixel: its size, and whether it is whole.

A DICOM header that declares 64 x 64 pixels may hold a codestream of 65535 x 65535: decoders believe the codestream, and
one megabyte then fills sixteen gigabytes.
"""

import struct

_SOF = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}  # F7: JPEG-LS
_SOS, _DHP = 0xDA, 0xDE


def codestream_size(stream: bytes) -> tuple[int, int, int]:
    """(columns, rows, components) by the codestream's own header. Raises ValueError where it gives no single answer."""
    try:
        if stream.startswith(b"\xff\xd8"):
            return _jpeg(stream)
        if stream.startswith(b"\xff\x4f\xff\x51"):
            return _jpeg_2000(stream)
    except (struct.error, IndexError):
        pass
    raise ValueError("expected a JPEG, JPEG-LS or JPEG 2000 codestream with one frame header")


def _jpeg(stream: bytes) -> tuple[int, int, int]:
    """Walk the marker segments (ITU-T T.81 B.1.1) up to the first scan."""
    sizes = []
    at = 2
    while True:
        while stream[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        lead, marker, length = struct.unpack_from(">BBH", stream, at)
        if lead != 0xFF or marker == _DHP:
            raise ValueError("expected a marker of a plain JPEG")
        if marker == _SOS:
            break
        if marker in _SOF:
            _, rows, columns, components = struct.unpack_from(">BHHB", stream, at + 4)
            sizes.append((columns, rows, components))
        at += 2 + length
    if len(sizes) != 1:
        raise ValueError(f"expected one frame header, received {len(sizes)}")
    return sizes[0]


def _jpeg_2000(stream: bytes) -> tuple[int, int, int]:
    """The SIZ segment (ITU-T T.800 A.5.1), which always comes first."""
    right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
    (components,) = struct.unpack_from(">H", stream, 40)
    return right - left, bottom - top, components


def is_whole(stream: bytes) -> bool:
    """Whether a JPEG, JPEG-LS or JPEG 2000 codestream ends with its end marker, but for padding.

    All three write FFD9 last. Decoders of JPEG and JPEG-LS fill what is missing with grey, and do not say so.
    """
    return stream[-64:].rstrip(b"\x00\xff").endswith(b"\xff\xd9")


def check_rle(stream: bytes, segments: int) -> None:
    """The header of one frame in DICOM's run-length code (PS3.5 G.5): as many segments as expected, in order, within the stream.

    Raises ValueError.
    """
    if len(stream) < 64:
        raise ValueError("expected an RLE header of 64 bytes")
    count, *offsets = struct.unpack_from("<16L", stream)
    if count != segments or count > 15:
        raise ValueError(f"expected {segments} RLE segments, received {count}")
    ends = [*offsets[1:count], len(stream)]
    if offsets[0] != 64 or any(start >= end for start, end in zip(offsets[:count], ends, strict=True)):
        raise ValueError("expected RLE segments one after the other")
