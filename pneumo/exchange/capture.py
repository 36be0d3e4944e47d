"""Answer -> Secondary Capture: the image with the heat over it and, in bands that hide none of it, what it is and is not."""

import numpy as np
from highdicom import UID
from highdicom.sc import SCImage
from pydicom.dataset import Dataset

from pneumo import __version__
from pneumo.exchange import quiet  # noqa: F401
from pneumo.exchange.source import MAKER, Source
from pneumo.imaging.overlay import fit_within, grey_picture, overlay_picture
from pneumo.inference.finding import Finding, Reading
from pneumo.reporting.captioned import NO_HEAT, RESEARCH_USE, captioned
from pneumo.reporting.heat_doubt import heat_doubt

SIDE = 2048  # longer side of the image, at most
SERIES_NUMBER = 9902
_OPACITY = 0.6


def secondary_capture(source: Source, finding: Finding, reading: Reading) -> SCImage:
    """8-bit RGB capture of one image whose finding is "ok", in a series of its own and without the patient."""
    doubt = heat_doubt(finding.model)
    capture = SCImage.from_ref_dataset(
        source.reference,
        pixel_array=capture_picture(finding, reading),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # asked for by the library; the source's own takes its place below
        series_instance_uid=UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=finding.model,
        software_versions=__version__,
        device_serial_number=finding.model_sha256[:16],
        series_description=f"{MAKER} {'answer' if doubt else 'heatmap'}, research use",
        transfer_syntax_uid="1.2.840.10008.1.2.1",  # Explicit VR Little Endian
    )
    capture["PatientOrientation"].value, capture.BodyPartExamined = "", "CHEST"  # what it is read for, whatever the source says
    capture.update(source.picture)
    what = NO_HEAT if doubt else "evidence for pneumonia in colour."
    capture.DerivationDescription = f"{MAKER} {__version__}, {finding.model}: {what} {RESEARCH_USE}"
    used = Dataset()
    used.ReferencedSOPClassUID, used.ReferencedSOPInstanceUID = source.reference.SOPClassUID, source.reference.SOPInstanceUID
    capture.SourceImageSequence = [used]
    return capture


def capture_picture(finding: Finding, reading: Reading) -> np.ndarray:
    """uint8 (h, w, 3): overlay with the notice above and, below it, verdict, probability, model and each warning.

    Without heat where the model's map does no better than chance.
    """
    assert finding.radiograph is not None, "expected a finding that is an answer"
    assert finding.answer is not None, "expected a finding that is an answer"
    pixels = fit_within(finding.radiograph.pixels, SIDE)
    picture, doubt = grey_picture(pixels), heat_doubt(finding.model)
    if doubt:
        return captioned(picture, reading, finding.model, finding.warnings, (NO_HEAT,))
    overlay = overlay_picture(picture, finding.answer.heatmap.on_image(*pixels.shape), _OPACITY)
    return captioned(overlay, reading, finding.model, finding.warnings)
