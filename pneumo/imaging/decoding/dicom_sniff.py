"""Recognise DICOM data sets without the 128-byte preamble and "DICM", as old archives and some viewers write them."""

import struct

_FIRST = {0x0002: {0x0000, 0x0001, 0x0002}, 0x0008: {0x0000, 0x0001, 0x0005, 0x0008, 0x0012, 0x0014, 0x0016, 0x0018}}
_LONG = {b"OB", b"UN", b"UT"}  # explicit VRs in these groups with two reserved bytes and a length of four bytes
_SHORT = {b"AE", b"AS", b"AT", b"CS", b"DA", b"DT", b"IS", b"LO", b"LT", b"PN", b"SH", b"ST", b"TM", b"UI", b"UL", b"US"}
_LONGEST = 1024  # bytes; the first element of an ordinary file is never longer


def is_bare_dicom(data: bytes) -> bool:
    """Whether `data` begins with two plausible elements: the first of group 0002 or 0008, the second directly after it.

    Little endian, explicit or implicit VR. Files of other formats hardly ever match.
    """
    if len(data) < 12:
        return False
    group, element = struct.unpack_from("<HH", data)
    if element not in _FIRST.get(group, ()):
        return False
    code, length, start = data[4:6], int.from_bytes(data[6:8], "little"), 8
    if code in _LONG:
        length, start = int.from_bytes(data[8:12], "little"), 12
    elif code not in _SHORT:
        if group == 0x0002:  # always explicit
            return False
        length = int.from_bytes(data[4:8], "little")
    end = start + length
    if length % 2 or length > _LONGEST or len(data) < end + 8:
        return False
    second = struct.unpack_from("<HH", data, end)
    return (group, element) < second and second[0] in (0x0002, 0x0008)
