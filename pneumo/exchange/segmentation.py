"""Masks -> DICOM Segmentations, pixel for pixel over the source image: the lungs, and where the heat is.

A radiograph has no frame of reference, hence no plane positions: frames refer to the source by "Spatial Locations Preserved".
"""

import copy

import cv2
import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from pneumo import __version__
from pneumo.exchange import codes as concepts
from pneumo.exchange.heat import LEVEL, heat_mask
from pneumo.exchange.place import Place, series_and_device
from pneumo.exchange.source import LOSSY, MANUFACTURER, Source
from pneumo.inference.finding import Finding


def lung_segmentation(source: Source, finding: Finding, mask: np.ndarray, segmenter_sha256: str, place: Place) -> Segmentation:
    """`mask`: bool (224, 224), both lung fields of the canonical image, believed (`LungFields.plausible`).

    One segment a field. Its side is the patient's where PatientOrientation tells; otherwise only the image's is named.
    """
    algorithm = _algorithm("lung segmenter", {"SHA-256": segmenter_sha256})
    fields, sides = separate_fields(mask), _sides(source)
    if len(fields) != 2:
        fields, sides = [mask], [("Lungs", None)]
    descriptions = []
    for number, (label, side) in enumerate(sides, 1):
        description = SegmentDescription(number, label, concepts.ANATOMY, concepts.LUNG, "AUTOMATIC", algorithm)
        if side:
            kind = description.SegmentedPropertyTypeCodeSequence[0]
            kind.SegmentedPropertyTypeModifierCodeSequence = [CodedConcept.from_code(side)]
        descriptions.append(description)
    masks = np.stack([on_pixels(field, *_shape(finding)) for field in fields], axis=-1)
    return _segmentation(source, finding, masks, descriptions, place, "lungs")


def heat_segmentation(source: Source, finding: Finding, place: Place) -> Segmentation | None:
    """Where the heat is at least LEVEL; None where it is nowhere. The heat must be one that is shown (`heat.heat_hidden`)."""
    assert finding.answer is not None, "expected a finding that is an answer"
    mask = heat_mask(finding.answer.heatmap, *_shape(finding))
    if not mask.any():
        return None
    algorithm = _algorithm("Grad-CAM", {"model": finding.model, "SHA-256": finding.model_sha256, "level": f"{LEVEL:g}"})
    label = f"Heat of at least {LEVEL:g}, no outline of disease"
    description = SegmentDescription(1, label, concepts.SPATIAL, concepts.HEAT, "AUTOMATIC", algorithm)
    return _segmentation(source, finding, mask[..., np.newaxis], [description], place, "heat")


def on_pixels(mask: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """bool (h, w) -> bool (rows, columns): each pixel has the value of the cell that its centre lies in."""
    down, across = (((np.arange(n) + 0.5) * cells / n).astype(int) for n, cells in zip((rows, columns), mask.shape, strict=True))
    return mask[np.ix_(down, across)]


def separate_fields(mask: np.ndarray) -> list[np.ndarray]:
    """The connected pieces of a mask, from the image's left to its right."""
    count, pieces = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    fields = [pieces == piece for piece in range(1, count)]
    return sorted(fields, key=lambda field: float(np.nonzero(field)[1].mean()))


def _sides(source: Source) -> list[tuple[str, Code | None]]:
    """Label and side of the field at the image's left, and of the one at its right."""
    orientation = str(source.picture.get("PatientOrientation") or " ").strip("[]' ")
    right, left = ("Right lung", concepts.RIGHT), ("Left lung", concepts.LEFT)
    if orientation.startswith("L"):  # rows of pixels run to the patient's left
        return [right, left]
    if orientation.startswith("R"):
        return [left, right]
    return [("Lung at the left of the image", None), ("Lung at the right of the image", None)]


def _shape(finding: Finding) -> tuple[int, int]:
    assert finding.radiograph is not None, "expected a finding that is an answer"
    rows, columns = finding.radiograph.pixels.shape
    return rows, columns


def _algorithm(name: str, parameters: dict[str, str]) -> AlgorithmIdentificationSequence:
    family = codes.DCM.ArtificialIntelligence
    return AlgorithmIdentificationSequence(f"{MANUFACTURER} {name}", family, __version__, MANUFACTURER, parameters)


def _segmentation(
    source: Source, finding: Finding, masks: np.ndarray, descriptions: list[SegmentDescription], place: Place, what: str
) -> Segmentation:
    """`masks`: bool (rows, columns, segments), no segment empty. Without patient elements."""
    image = copy.copy(source.reference)
    image.Rows, image.Columns = masks.shape[:2]
    image.Modality = ""  # the library asks for it only to name the content, which we do ourselves
    for name in LOSSY:
        if name in source.picture:
            image[name] = source.picture[name]
    segmentation = Segmentation(
        source_images=[image],
        pixel_array=masks[np.newaxis].astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=descriptions,
        **series_and_device(place, finding),
        content_label=what.upper(),
        content_description=f"{MANUFACTURER} {what}, research use",
        series_description=f"{MANUFACTURER} segmentation, research use",
    )
    segmentation.PatientOrientation = source.picture.get("PatientOrientation") or ""
    segmentation.BodyPartExamined = "CHEST"
    return segmentation
