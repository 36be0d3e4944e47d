"""Generated image files as bytes: ordinary except for what a test changes."""

import io
import struct
import zlib

import numpy as np
from PIL import Image
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

NAME = "Zwetschgenbaum^Rosalinde"  # a patient's name that does not occur by chance


def ramp(height: int = 64, width: int = 80, top: int = 255, dtype=np.uint8) -> np.ndarray:
    """Grey levels from 0 at the left to `top` at the right."""
    return np.tile(np.rint(np.linspace(0, top, width)), (height, 1)).astype(dtype)


def picture_bytes(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_bytes(pixels: np.ndarray, mode: str | None = None, **options) -> bytes:
    """JPEG at quality 100 of `pixels`, turned to `mode` before."""
    image = Image.fromarray(pixels)
    return picture_bytes(image.convert(mode) if mode else image, "JPEG", quality=100, **options)


def png_bytes(pixels: np.ndarray, mode: str | None = None, **options) -> bytes:
    image = Image.fromarray(pixels)
    return picture_bytes(image.convert(mode) if mode else image, "PNG", **options)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def resealed(png: bytes) -> bytes:
    """The PNG with every check sum corrected, so that damage gets past them."""
    sealed, at = png[:8], 8
    while at + 12 <= len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4], "big")
        sealed += png_chunk(png[at + 4 : at + 8], png[at + 8 : end])
        at = end + 4
    return sealed + png[at:]


def png_of_zeros(width: int, height: int) -> bytes:
    """A black grey PNG of any size, made without holding its pixels in memory."""
    squeeze = zlib.compressobj(9)
    rows = b"".join(squeeze.compress(bytes(width + 1)) for _ in range(height)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def dicom_dataset(pixels: np.ndarray, **elements) -> Dataset:
    """A DX data set of `pixels` (h, w) or (h, w, 3). A keyword sets an element; None leaves it out."""
    grey = pixels.ndim == 2
    bits = 8 * pixels.itemsize
    ordinary = {
        "SOPClassUID": DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": "1.2.3.4",
        "PatientName": NAME,
        "PatientID": NAME,
        "Modality": "DX",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1 if grey else 3,
        "PhotometricInterpretation": "MONOCHROME2" if grey else "RGB",
        "PlanarConfiguration": None if grey else 0,
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": elements.get("BitsStored", bits) - 1 if elements.get("BitsStored", bits) else bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    }
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with disable_value_validation():  # some tests need invalid values
        for name, value in {**ordinary, **elements}.items():
            if value is not None:
                setattr(dataset, name, value)
    return dataset


def dataset_bytes(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    with disable_value_validation():
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dicom_bytes(pixels: np.ndarray, syntax: str | None = None, **elements) -> bytes:
    """A DICOM Part 10 file; `syntax` compresses the pixels (RLE or JPEG 2000)."""
    dataset = dicom_dataset(pixels, **elements)
    if syntax:
        dataset.compress(syntax)
    return dataset_bytes(dataset)


def dicom_around(stream: bytes, syntax: str, pixels: np.ndarray) -> bytes:
    """A DICOM whose header describes `pixels` and whose compressed image is `stream`, which may differ from it."""
    dataset = dicom_dataset(pixels)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    return dataset_bytes(dataset)


def lut_item(table: list[int], first: int, bits: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(table), first, bits]
    item.LUTData = table
    item["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    item["LUTData"].VR = "US"
    return item


def packed_lut_item(table: list[int], vr: str = "OW") -> Dataset:
    """A table of 8-bit entries, two to a word."""
    item = Dataset()
    item.LUTDescriptor = [len(table), 0, 8]
    item["LUTDescriptor"].VR = "US"
    item.add_new(0x00283006, vr, bytes(table) + bytes(len(table) % 2))
    return item
