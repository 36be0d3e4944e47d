import numpy as np
import pytest
from opened_parcel import opened

from pneumo.imaging.lung_box import WHOLE, Box
from pneumo.imaging.radiograph import ImageFacts, Spacing
from pneumo.imaging.windowing import GreyValues, Window
from pneumo.inference.heatmap import Heatmap
from pneumo.inference.lung_checks import Lungs
from pneumo.ui.diagnose.viewer_data import CONTOURS, HEAT_SIDE, SimilarPicture, heat_levels, outlines, viewer_parcel

STORED = np.arange(60, dtype=np.uint16).reshape(6, 10)
FACTS = ImageFacts("DICOM", 20, 12, 12, 1000, spacing=Spacing(0.1, at_detector=True))
HEAT = Heatmap(np.array([[0.0, 0.0], [0.0, 1.0]], np.float32), Box(0.2, 0.0, 1.0, 0.5), (0.25, 0.75))


def parcel(values=None, facts=FACTS, lungs=Lungs(None, "Only one lung field was found."), similar=()):  # noqa: B008  # frozen
    values = values or GreyValues(STORED, 2.0, -100.0, True, "SIGMOID", (Window("window 1 of the file", 10.0, 20.0),))
    return opened(viewer_parcel("0a1b", values, facts, HEAT, lungs, similar))


def test_the_browser_gets_the_stored_values_and_their_meaning():
    header, arrays = parcel()
    np.testing.assert_array_equal(arrays["values"], STORED)
    assert arrays["values"].dtype == np.uint16
    picture = header["picture"]
    assert (picture["slope"], picture["intercept"], picture["inverted"], picture["function"]) == (2.0, -100.0, True, "SIGMOID")
    assert picture["range"] == [-100.0, 18.0]
    assert picture["presets"] == [
        {"name": "window 1 of the file", "centre": 10.0, "width": 20.0},
        {"name": "full range of the picture", "centre": -41.0, "width": 118.0},
    ]
    assert "table" not in arrays
    assert header["key"] == "0a1b"


def test_a_table_of_the_file_comes_first():
    table = np.arange(60, dtype=np.uint8)
    header, arrays = parcel(GreyValues(STORED, 1.0, 0.0, False, table=table))
    assert header["picture"]["presets"][0] == {"name": "table of the file (VOI LUT)", "centre": None, "width": None}
    np.testing.assert_array_equal(arrays["table"], table)


@pytest.mark.parametrize(
    ("spacing", "told"),
    [
        (Spacing(0.1, at_detector=True), {"mm": 0.2, "where": "at the detector"}),  # the copy has half as many columns
        (Spacing(0.1, at_detector=False), {"mm": 0.2, "where": "calibrated"}),
        (None, None),
    ],
)
def test_the_pixel_spacing_is_that_of_the_copy_if_the_file_has_one(spacing, told):
    assert parcel(facts=ImageFacts("DICOM", 20, 12, 12, 1000, spacing=spacing))[0]["picture"]["spacing"] == told


def test_heat_equals_the_overlay_within_the_box():
    levels = heat_levels(HEAT)
    assert (levels.shape, levels.dtype) == ((HEAT_SIDE, HEAT_SIDE), np.uint8)
    # In a picture of 240 x 384 the box is at 48 to 240 and 0 to 192: exactly the pixels of the levels.
    whole = HEAT.on_image(384, 240)[:192, 48:]
    np.testing.assert_allclose(levels, whole * 255, atol=2)
    assert levels[-1, -1] == 255
    assert levels[:60, :60].max() < 25  # drawn as no heat
    header, _ = parcel()
    assert header["heat"]["box"] == [0.2, 0.0, 1.0, 0.5]
    assert [each["level"] for each in header["heat"]["contours"]] == list(CONTOURS)
    assert header["heat"]["empty"] is False


def test_an_outline_lies_where_the_field_crosses_its_level():
    slope = np.tile(np.linspace(0.05, 0.95, 10), (4, 1))  # crosses 0.5 in the middle of its ten cells
    (line,) = outlines(slope, 0.5, Box(0.2, 0.4, 0.6, 0.8))
    points = np.reshape(line, (-1, 2))
    np.testing.assert_allclose(points[:, 0], 0.4, atol=1e-4)
    assert (points[:, 1].min(), points[:, 1].max()) == (0.45, 0.75)  # centres of the first and the last row
    assert outlines(slope, 0.99, WHOLE) == []


def test_lungs_are_outlined_at_the_edge_of_the_picture_too():
    mask = np.zeros((224, 224), bool)
    mask[56:112, :56] = True
    header, _ = parcel(lungs=Lungs(mask))
    (line,) = header["lungs"]["lines"]
    points = np.reshape(line, (-1, 2))
    assert points[0].tolist() == points[-1].tolist()  # closed
    np.testing.assert_allclose(points.min(axis=0), [0.0, 0.25], atol=1e-3)
    np.testing.assert_allclose(points.max(axis=0), [0.25, 0.5], atol=1e-3)


def test_lungs_not_found_have_a_reason():
    assert parcel()[0]["lungs"] == {"lines": [], "reason": "Only one lung field was found."}


def test_similar_pictures_come_with_their_labels():
    pixels = np.full((4, 3), 9, np.uint8)
    header, arrays = parcel(similar=[SimilarPicture("person1_virus_6", "PNEUMONIA viral", pixels)])
    assert header["similar"] == [{"name": "person1_virus_6", "label": "PNEUMONIA viral"}]
    np.testing.assert_array_equal(arrays["similar 0"], pixels)
