"""Files whose names, tags and pixels are marked, so that tests can search for them."""

import io
import zipfile
from pathlib import Path

import numpy as np
from makers import dataset_bytes, dicom_dataset, picture_bytes
from PIL import Image, PngImagePlugin

from pneumo.synthetic.phantom import make_phantom

GUARD = Path(__file__).parent / "browser" / "guard"


MARKS = ("Zwetschgenbaum", "Grünkohl Ottilie")


PATIENT = " ".join(MARKS)


def marked_dicom(side: int) -> bytes:
    """A DICOM of `side` x `side` x 2 bytes."""
    phantom = make_phantom("viral", seed=5).pixels
    grey = Image.fromarray((phantom * 4000).astype(np.int32)).resize((side, side))
    pixels = (np.asarray(grey) + np.random.default_rng(5).integers(0, 90, (side, side))).astype(
        np.uint16
    )  # noise: no two pieces are alike
    dataset = dicom_dataset(
        pixels,
        BitsStored=12,
        HighBit=11,
        SpecificCharacterSet="ISO_IR 192",
        PatientName=PATIENT,
        PatientID=MARKS[0],
        InstitutionName=PATIENT,
        StudyDescription=PATIENT,
    )
    dataset.private_block(0x0009, "PNEUMO TEST", create=True).add_new(1, "LO", PATIENT)
    return dataset_bytes(dataset)


def marked_files() -> dict[str, bytes]:
    """A JPEG, a PNG, DICOMs of 5 and 45 MB, and a zip of four; each names its patient in every place it can."""
    one, two = ((make_phantom(kind, seed=5).pixels * 255).astype(np.uint8) for kind in ("none", "bacterial"))
    exif = Image.Exif()
    exif[0x010E] = PATIENT  # ImageDescription
    jpeg = picture_bytes(Image.fromarray(one), "JPEG", exif=exif, comment=PATIENT.encode())
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", PATIENT)
    text.add_itxt("Title", PATIENT)
    png = picture_bytes(Image.fromarray(two), "PNG", pnginfo=text)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr(f"{PATIENT}/IM1.jpg", jpeg)
        bundle.writestr(f"{PATIENT}/IM2.dcm", marked_dicom(1000))
        bundle.writestr(f"{PATIENT} 3.png", picture_bytes(Image.fromarray(one), "PNG"))
        bundle.writestr(f"{PATIENT} 4.png", png[:400])  # damaged; its error must not name the file
    return {
        f"{PATIENT}.jpg": jpeg,
        f"{PATIENT}.png": png,
        f"{PATIENT}.dcm": marked_dicom(1600),
        f"{PATIENT} 45 MB.dcm": marked_dicom(4750),
        f"{PATIENT}.zip": archive.getvalue(),
    }
