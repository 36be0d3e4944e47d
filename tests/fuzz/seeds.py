"""The files that the fuzzer changes: small images of every kind that is read. `python tests/fuzz/seeds.py` writes them again.

Pictures are phantoms, ramps and bars, not X-rays. Each file has NAME wherever its format has room for a patient's name.
"""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import pydicom.uid
from dicom_streams import BARS, STREAMS
from makers import NAME, dataset_bytes, dicom_around, dicom_bytes, dicom_dataset, lut_item, picture_bytes, png_chunk, ramp
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from pneumo.synthetic.phantom import make_phantom

CORPUS = Path(__file__).parent / "corpus"
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))  # top, left, steps


def phantom(top: int = 255, dtype: type = np.uint8, kind: str = "none", height: int = 72, width: int = 84) -> np.ndarray:
    """A generated chest in grey levels 0 to `top`."""
    return np.rint(make_phantom(kind, 3, height, width).pixels * top).astype(dtype)


def raw_png(pixels: np.ndarray, colour: int, interlaced: bool = False) -> bytes:
    """uint8 or uint16 (h, w) or (h, w, channels) of a PNG colour type, which Pillow does not write: 16-bit colour, Adam7."""
    height, width = pixels.shape[:2]
    whole = pixels.astype(">u2" if pixels.itemsize == 2 else np.uint8)
    passes = [whole[top::down, left::right] for top, left, down, right in _ADAM7] if interlaced else [whole]
    rows = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, colour, 0, 0, int(interlaced))
    text = png_chunk(b"tEXt", b"Patient\0" + NAME.encode())
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + text + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    )


def exif(orientation: int) -> Image.Exif:
    """Orientation, a description that names the patient, and a second directory with a comment."""
    tags = Image.Exif()
    tags[0x0112], tags[0x010E], tags[0x013B] = orientation, NAME, NAME
    tags.get_ifd(0x8769)[0x9286] = NAME.encode()
    return tags


def pngs() -> dict[str, bytes]:
    grey = Image.fromarray(phantom())
    colours = Image.merge("RGB", [grey, grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT), grey])
    text = PngImagePlugin.PngInfo()
    text.add_text("Description", NAME)
    text.add_itxt("Comment", NAME, "de", NAME, zip=True)
    text.add_text("Author", NAME * 9, zip=True)

    def png(image: Image.Image, **options: object) -> bytes:
        return picture_bytes(image, "PNG", pnginfo=text, **options)

    return {
        "grey8": png(grey),
        "grey12in16": png(Image.fromarray(phantom(4095, np.uint16))),
        "grey1": png(grey.convert("1")),
        "palette": png(colours.quantize(16), transparency=3),
        "palette4": png(grey.quantize(4), bits=2),
        "rgb": png(colours),
        "rgba": png(colours.convert("RGBA")),
        "la": png(grey.convert("LA")),
        "transparent": png(grey, transparency=9, gamma=0.5),
        "exif": png(grey, exif=exif(6)),
        "profile": png(grey, icc_profile=bytes(range(256)), dpi=(300, 300)),
        "animated": png(grey, save_all=True, append_images=[grey.rotate(9)]),
        "rgb16": raw_png(np.stack([ramp(64, 64, 65535, np.uint16)] * 3, axis=-1), 2),
        "interlaced": raw_png(phantom(), 0, interlaced=True),
        "interlaced16": raw_png(ramp(64, 66, 65535, np.uint16), 0, interlaced=True),
        "interlaced-rgba": raw_png(np.stack([ramp(64, 66)] * 4, axis=-1), 6, interlaced=True),
    }


def jpegs() -> dict[str, bytes]:
    grey = Image.fromarray(phantom())
    colours = Image.merge("RGB", [grey, grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT), grey])

    def jpeg(image: Image.Image, **options: object) -> bytes:
        return picture_bytes(image, "JPEG", comment=NAME.encode(), **options)

    return {
        "grey": jpeg(grey),
        "grey-progressive": jpeg(grey, progressive=True),
        "rgb420": jpeg(colours, subsampling=2),
        "rgb444": jpeg(colours, subsampling=0, quality=95),
        "rgb-progressive": jpeg(colours, progressive=True, optimize=True),
        "cmyk": jpeg(colours.convert("CMYK")),
        "restarts": jpeg(grey, restart_marker_blocks=4),
        **{f"exif{way}": jpeg(grey, exif=exif(way)) for way in (3, 6, 7)},
        "profile": jpeg(colours, icc_profile=bytes(range(256)), dpi=(72, 72)),
        "two-pictures": picture_bytes(grey, "MPO", save_all=True, append_images=[grey.rotate(9)]),
    }


def dicoms() -> dict[str, bytes]:
    twelve, bars8 = phantom(4095, np.uint16), (BARS >> 4).astype(np.uint8)
    table = [lut_item([i // 16 for i in range(4096)], 0, 8)]
    shown = {"BitsStored": 12, "WindowCenter": [1000, 3000], "WindowWidth": [800, 500], "RescaleSlope": 2, "RescaleIntercept": -9}
    dark = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "ViewPosition": "AP", "PatientAge": "003Y"}

    def written(syntax: str, big: bool = False) -> bytes:
        pixels = twelve.astype(">u2") if big else twelve
        dataset = dicom_dataset(twelve, **shown, PixelData=pixels.tobytes())
        dataset.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
        dataset["PixelData"].VR = "OW"
        return dataset_bytes(dataset)

    def compressed(syntax: str) -> bytes:
        return dicom_around(STREAMS[syntax], getattr(pydicom.uid, syntax), bars8 if syntax == "JPEGBaseline8Bit" else BARS)

    return {
        "windows": dicom_bytes(twelve, **shown),
        "implicit": written("ImplicitVRLittleEndian"),
        "big-endian": written("ExplicitVRBigEndian", big=True),
        "deflated": written("DeflatedExplicitVRLittleEndian"),
        "dark": dicom_bytes(twelve, **dark, PixelSpacing=[0.1, 0.2], BodyPartExamined="CHEST"),
        "signed": dicom_bytes((twelve.astype(np.int32) - 2048).astype(np.int16), WindowCenter=0, WindowWidth=4096),
        "grey8": dicom_bytes(phantom(), PresentationIntentType="FOR PROCESSING"),
        "rgb": dicom_bytes(np.stack([ramp(64, 64)] * 3, axis=-1)),
        "ybr": dicom_bytes(np.stack([ramp(64, 64)] * 3, axis=-1), PhotometricInterpretation="YBR_FULL"),
        "voi-table": dicom_bytes(ramp(64, 64, 4095, np.uint16), BitsStored=12, VOILUTSequence=table),
        "modality-table": dicom_bytes(ramp(64, 64, 4095, np.uint16), BitsStored=12, ModalityLUTSequence=table),
        "nested": nested(),
        "fragments": fragments(),
        "rle": dicom_bytes(phantom(), pydicom.uid.RLELossless),
        "rle16": dicom_bytes(ramp(64, 64, 4095, np.uint16), pydicom.uid.RLELossless, BitsStored=12),
        **{syntax: compressed(syntax) for syntax in STREAMS},
    }


def nested() -> bytes:
    """With a private block and with nested sequences of defined and of undefined length."""
    dataset = dicom_dataset(phantom())
    dataset.private_block(0x0011, "PNEUMO TEST", create=True).add_new(1, "LO", NAME)
    for keyword, undefined in (("RequestAttributesSequence", True), ("AnatomicRegionSequence", False)):
        inner, outer = Dataset(), Dataset()
        inner.CodeMeaning, inner.PatientName, outer.RequestedProcedureCodeSequence = NAME, NAME, [inner]
        setattr(dataset, keyword, [outer])
        dataset[keyword].is_undefined_length = undefined
    return dataset_bytes(dataset)


def fragments() -> bytes:
    """JPEG 2000 in several fragments behind an offset table."""
    dataset = dicom_dataset(BARS)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    dataset.PixelData = encapsulate([STREAMS["JPEG2000Lossless"]], fragments_per_frame=4, has_bot=True)
    dataset["PixelData"].VR = "OB"
    return dataset_bytes(dataset)


def seeds() -> dict[str, bytes]:
    """File name -> bytes."""
    return {
        f"{name}.{ending}": data
        for ending, made in (("png", pngs()), ("jpg", jpegs()), ("dcm", dicoms()))
        for name, data in made.items()
    }


def read_corpus() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(CORPUS.iterdir())}


if __name__ == "__main__":
    CORPUS.mkdir(exist_ok=True)
    for path in CORPUS.iterdir():
        path.unlink()
    made = seeds()
    for name, data in made.items():
        (CORPUS / name).write_bytes(data)
    print(f"{len(made)} files, {sum(map(len, made.values()))} bytes")
