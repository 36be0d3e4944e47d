"""What a JPEG or JPEG 2000 codestream says about its own size, read without decoding a pixel.

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
