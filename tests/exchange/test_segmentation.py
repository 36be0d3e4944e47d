"""Segmentations, read back by highdicom and DCMTK, compared with the masks they were made from."""

import io

import numpy as np
import pytest
from exchange.dx import dx_bytes
from exchange.validator import needs_dcmtk, rewritten
from highdicom.seg import segread
from pydicom.uid import ComputedRadiographyImageStorage, SecondaryCaptureImageStorage

from pneumo import __version__
from pneumo.exchange.results import file_bytes, make_results
from pneumo.exchange.segmentation import on_pixels, separate_fields
from pneumo.inference.finding import Terms, read

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")
SIDE = 448  # two pixels for each cell of the canonical image


@pytest.fixture
def segmented(predictor, everything):
    """A function from elements of the source to its finding and results."""

    def made(**elements):
        data = dx_bytes(**{"gamma": 0.4, "side": SIDE, **elements})
        finding = read(data, predictor)
        return finding, make_results(data, finding, predictor.card, Terms(), everything)

    return made


def masks(segmentation, folder=None) -> dict[str, np.ndarray]:
    """{label: bool (rows, columns)}"""
    data = file_bytes(segmentation)
    loaded = segread(io.BytesIO(rewritten(data, folder) if folder else data))
    frames = loaded.pixel_array.reshape(-1, loaded.Rows, loaded.Columns).astype(bool)
    return {
        loaded.get_segment_description(number + 1).segment_label: frame  # frame n is segment n
        for number, frame in enumerate(frames)
    }


@needs_dcmtk
def test_the_lungs_are_those_of_the_segmenter(segmented, finder, tmp_path):
    finding, results = segmented()
    mask = finder.find(finding.canonical).mask
    lungs = masks(results.lungs, tmp_path)
    assert list(lungs) == ["Right lung", "Left lung"]
    right, left = lungs.values()
    assert (np.kron(mask, np.ones((2, 2), bool)) == (right | left)).all()
    assert not (right & left).any()
    middles = [np.nonzero(side)[1].mean() for side in (right, left)]
    assert middles[0] < SIDE / 2 < middles[1]


@pytest.mark.parametrize(
    ("orientation", "sides"),
    [
        (["L", "F"], [("Right lung", "24028007"), ("Left lung", "7771000")]),
        (["R", "F"], [("Left lung", "7771000"), ("Right lung", "24028007")]),
        (["LF", "F"], [("Right lung", "24028007"), ("Left lung", "7771000")]),
        (["A", "F"], [("Lung at the left of the image", None), ("Lung at the right of the image", None)]),
        (None, [("Lung at the left of the image", None), ("Lung at the right of the image", None)]),
    ],
)
def test_left_and_right_are_named_only_if_the_file_has_an_orientation(orientation, sides, segmented):
    _, results = segmented(PatientOrientation=orientation)
    labels = []
    for segment in segread(io.BytesIO(file_bytes(results.lungs))).SegmentSequence:
        (kind,) = segment.SegmentedPropertyTypeCodeSequence
        assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("39607008", "SCT")
        modifier = kind.get("SegmentedPropertyTypeModifierCodeSequence")
        labels.append((segment.SegmentLabel, modifier and modifier[0].CodeValue))
    assert labels == sides


@needs_dcmtk
def test_the_heat_is_the_heatmap_above_a_quarter_of_its_scale(segmented, tmp_path):
    finding, results = segmented()
    (mask,) = masks(results.heat, tmp_path).values()
    heat = finding.answer.heatmap.on_image(SIDE, SIDE)
    assert (mask == (heat >= 0.25)).all()
    assert 0.01 < mask.mean() < 0.99
    (segment,) = results.heat.SegmentSequence
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "HEAT"
    assert "no outline of disease" in segment.SegmentLabel


def test_algorithm_and_source_are_named(segmented, finder, predictor):
    finding, results = segmented(SOPInstanceUID="1.2.3.4")
    for result, algorithm, parameters in (
        (results.lungs, "Pneumo lung segmenter", f"SHA-256={finder.sha256}"),
        (results.heat, "Pneumo Grad-CAM", f"model=tiny,SHA-256={predictor.card.sha256},level=0.25"),
    ):
        (item,) = result.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence
        assert (item.AlgorithmName, item.AlgorithmVersion, item.AlgorithmParameters) == (algorithm, __version__, parameters)
        assert result.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
        for frame in result.PerFrameFunctionalGroupsSequence:
            (image,) = frame.DerivationImageSequence[0].SourceImageSequence
            assert (image.ReferencedSOPInstanceUID, image.SpatialLocationsPreserved) == ("1.2.3.4", "YES")
            assert "PlanePositionSequence" not in frame
        assert (result.Rows, result.Columns) == finding.radiograph.pixels.shape
        assert "FrameOfReferenceUID" not in result


@pytest.mark.parametrize("kind", [ComputedRadiographyImageStorage, SecondaryCaptureImageStorage])
def test_segmentations_of_cr_and_secondary_capture(kind, segmented):
    _, results = segmented(SOPClassUID=kind, Modality="CR", FrameOfReferenceUID="1.2.3")
    assert results.lungs.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPClassUID == kind
    assert len(masks(results.lungs)) == 2
    assert "FrameOfReferenceUID" not in results.lungs


def test_lossy_compression_of_the_source_is_stated(segmented):
    lossy = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "10", "LossyImageCompressionMethod": "ISO_10918_1"}
    _, results = segmented(**lossy)
    assert (results.lungs.LossyImageCompression, results.lungs.LossyImageCompressionRatio) == ("01", 10)


def test_each_pixel_has_the_value_of_its_cell():
    mask = np.array([[True, False, False], [False, True, False]])
    assert on_pixels(mask, 2, 3).tolist() == mask.tolist()
    assert on_pixels(mask, 4, 3).tolist() == np.repeat(mask, 2, axis=0).tolist()
    assert on_pixels(mask, 2, 1).tolist() == [[False], [True]]  # the pixel's centre is in the second cell of the row


def test_lung_fields_are_ordered_from_left_to_right():
    mask = np.zeros((6, 9), bool)
    mask[0, 6:8], mask[3:5, 1:3] = True, True
    left, right = separate_fields(mask)
    assert (left.sum(), right.sum()) == (4, 2)
