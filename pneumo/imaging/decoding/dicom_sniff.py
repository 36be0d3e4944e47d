"""DICOM data sets without the 128 bytes and "DICM" before them, as old archives and some viewers write."""

import struct

_FIRST = {0x0002: {0x0000, 0x0001, 0x0002}, 0x0008: {0x0000, 0x0001, 0x0005, 0x0008, 0x0012, 0x0014, 0x0016, 0x0018}}
_LONG = {b"OB", b"UN", b"UT"}  # explicit VRs of these groups whose length takes four bytes, after two of nothing
_SHORT = {b"AE", b"AS", b"AT", b"CS", b"DA", b"DT", b"IS", b"LO", b"LT", b"PN", b"SH", b"ST", b"TM", b"UI", b"UL", b"US"}
_LONGEST = 1024  # bytes; no element so early in an ordinary file is longer


def is_bare_dicom(data: bytes) -> bool:
    """Whether `data` begins with two elements as a data set may: the first of group 0002 or 0008, the next right behind it.

    Little endian, explicit or implicit. Of other files hardly any has both.
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
    behind = start + length
    if length % 2 or length > _LONGEST or len(data) < behind + 8:
        return False
    following = struct.unpack_from("<HH", data, behind)
    return (group, element) < following and following[0] in (0x0002, 0x0008)
