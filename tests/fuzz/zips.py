"""Zip archives for the fuzzer, made each time, and damage to the fields of their records."""

import io
import random
import struct
import zipfile

from makers import NAME

from fuzz.damage import NUMBERS, change_bytes

# Signature -> the sizes of the fields behind it, in order (APPNOTE 4.3).
_RECORDS = {
    b"PK\x03\x04": (2, 2, 2, 2, 2, 4, 4, 4, 2, 2),
    b"PK\x01\x02": (2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4),
    b"PK\x05\x06": (2, 2, 2, 2, 4, 4, 2),
    b"PK\x06\x06": (8, 2, 2, 4, 4, 8, 8, 8, 8),
    b"PK\x06\x07": (4, 8, 4),
}


def zips(images: dict[str, bytes]) -> dict[str, bytes]:
    """Name -> an archive of some of the `images`: compressed or stored, with folders, links, comments, odd names, or empty."""
    some = sorted(images.items(), key=lambda item: len(item[1]))[:3]

    def archive(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"", **fields: int) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as bundle:
            bundle.comment = comment
            for name, data in files.items():
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = method
                for field, value in fields.items():
                    setattr(info, field, value)
                bundle.writestr(info, data)
        return buffer.getvalue()

    study = {f"{NAME}/{name}": data for name, data in some}
    return {
        "packed.zip": archive(study),
        "stored.zip": archive(study, zipfile.ZIP_STORED, NAME.encode()),
        "bzip2.zip": archive(dict(some[:1]), zipfile.ZIP_BZIP2),
        "lzma.zip": archive(dict(some[:1]), zipfile.ZIP_LZMA),
        "folders.zip": archive({"a/": b"", "a/b/": b"", "a/b/IM1": some[0][1], "DICOMDIR": bytes(200)}),
        "zip64.zip": archive(dict(some[:1]), extra=struct.pack("<HHQQ", 1, 16, 9, 9)),  # type: ignore[arg-type]
        "link.zip": archive({"IM1": b"/etc/hostname"}, external_attr=0o120777 << 16),
        "names.zip": archive({"\u202egpj.exe": b"", "../../x.png": some[0][1], "a" * 300 + ".dcm": some[0][1], "\n=cmd.png": b""}),
        "nested.zip": archive({"inner.zip": archive(dict(some[:1]))}),
        "zeros.zip": archive({"zeros.png": b"\x89PNG\r\n\x1a\n" + bytes(2 << 20)}),
        "empty.zip": archive({}),
    }


def change_zip(data: bytes, rng: random.Random) -> bytes:
    """Another value in one field of one record; in one of four cases damage anywhere."""
    places = [(at, magic) for magic in _RECORDS for at in _positions(data, magic)]
    if not places or rng.random() < 0.25:
        return change_bytes(data, rng)
    at, magic = rng.choice(places)
    sizes = _RECORDS[magic]
    field = rng.randrange(len(sizes))
    start, size = at + 4 + sum(sizes[:field]), sizes[field]
    if rng.random() < 0.5:
        value = rng.choice(NUMBERS)
    else:  # near the old value
        value = max(0, int.from_bytes(data[start : start + size], "little") + rng.choice((-2, -1, 1, 2, 16)))
    return data[:start] + (value % 256**size).to_bytes(size, "little") + data[start + size :]


def _positions(data: bytes, magic: bytes) -> list[int]:
    places, at = [], data.find(magic)
    while at >= 0:
        places.append(at)
        at = data.find(magic, at + 1)
    return places
