"""Answer -> DICOM Secondary Capture: the image with heatmap, and captions above and below it that cover no part of it."""

import numpy as np
from highdicom import ReferencedImageSequence
from highdicom.sc import SCImage

from pneumo import __version__
from pneumo.exchange.place import Place, series_and_device
from pneumo.exchange.source import MANUFACTURER, Source
from pneumo.imaging.overlay import COLOUR_MAPS, fit_within, grey_picture, overlay_picture
from pneumo.inference.finding import Finding, Reading
from pneumo.reporting.captioned import NO_HEAT, RESEARCH_USE, with_captions
from pneumo.reporting.weaknesses import heatmap_doubt

SIDE = 2048  # longer side of the image, at most
_OPACITY = 0.6


def secondary_capture(source: Source, finding: Finding, reading: Reading, place: Place) -> SCImage:
    """8-bit RGB capture of one image with a finding of status "ok", in its own series, without patient elements."""
    doubt = heatmap_doubt(finding.model)
    capture = SCImage.from_ref_dataset(
        source.reference,
        pixel_array=capture_picture(finding, reading),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # required by the library; replaced by the source's below
        **series_and_device(place, finding),
        series_description=f"{MANUFACTURER} {'answer' if doubt else 'heatmap'}, research use",
        transfer_syntax_uid="1.2.840.10008.1.2.1",  # Explicit VR Little Endian
    )
    capture["PatientOrientation"].value = ""
    capture.BodyPartExamined = "CHEST"  # it is read as one, whatever the source says
    capture.update(source.picture)
    content = NO_HEAT if doubt else "evidence for pneumonia in colour."
    capture.DerivationDescription = f"{MANUFACTURER} {__version__}, {finding.model}: {content} {RESEARCH_USE}"
    capture.SourceImageSequence = ReferencedImageSequence([source.reference])
    return capture


def capture_picture(finding: Finding, reading: Reading) -> np.ndarray:
    """uint8 (h, w, 3): the overlay, the research-use notice above it; legend, verdict, probability, model and warnings below it.

    Without heat if the model's heatmap locates pneumonia no better than chance.
    """
    assert finding.radiograph is not None, "expected a finding that is an answer"
    assert finding.answer is not None, "expected a finding that is an answer"
    pixels = fit_within(finding.radiograph.pixels, SIDE)
    picture, doubt = grey_picture(pixels), heatmap_doubt(finding.model)
    if doubt:
        return with_captions(picture, reading, finding.model, finding.warnings, (NO_HEAT,))
    overlay = overlay_picture(picture, finding.answer.heatmap.on_image(*pixels.shape), _OPACITY, COLOUR_MAPS[0])
    return with_captions(overlay, reading, finding.model, finding.warnings, colour_map=COLOUR_MAPS[0])
