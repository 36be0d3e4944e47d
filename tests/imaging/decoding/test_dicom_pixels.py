"""Conversion of decoded integers. The order of look-up tables and windows is tested on whole files in test_dicom.py."""

import numpy as np
import pytest
from makers import NAME, dicom_bytes, lut_item, ramp

from pneumo.errors import ImageError
from pneumo.imaging.decoding import dicom_pixels
from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.decoding.dicom_pixels import significant_bits
from pneumo.imaging.overlay import fit_within
from pneumo.imaging.windowing import DISPLAY_SIDE, TABLE, Window

R12 = ramp(width=256, top=4095, dtype=np.uint16)
X12 = R12.astype(float)
TWO = {"WindowCenter": [1000, 3000], "WindowWidth": [800, 500]}


@pytest.mark.parametrize(
    ("decoded", "bits", "high", "expected"),
    [
        (np.uint16([0xF123, 0x0FFF]), 12, 11, [0x123, 0xFFF]),  # overlay planes in the upper four bits
        (np.uint16([0x123F, 0xFFF0]), 12, 15, [0x123, 0xFFF]),  # and in the lower four
        (np.int16([0x0FFF, 0x07FF, -1]), 12, 11, [-1, 2047, -1]),  # sign not extended by the writer
        (np.uint16([0xFFFF]), 16, 15, [0xFFFF]),
        (np.uint8([0xFF]), 6, 5, [0x3F]),
    ],
)
def test_significant_bits(decoded, bits, high, expected):
    assert significant_bits(decoded, bits, high).tolist() == expected


def test_overlay_planes_in_unused_bits_do_not_reach_the_picture():
    marked = R12 | np.where(np.arange(256) % 2, 0xF000, 0).astype(np.uint16)
    np.testing.assert_allclose(decode_image(dicom_bytes(marked, BitsStored=12)).pixels, X12 / 4095, atol=1e-6)


@pytest.mark.parametrize("elements", [{}, TWO, {"VOILUTSequence": [lut_item([i // 16 for i in range(4096)], 0, 8)]}])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_result_does_not_depend_on_the_bands(elements, photometric, monkeypatch):
    stored = R12.T[::-1].copy()  # darkest and brightest lie in different bands
    data = dicom_bytes(stored, BitsStored=12, PhotometricInterpretation=photometric, **elements)
    whole = decode_image(data).pixels
    monkeypatch.setattr(dicom_pixels, "_BAND", 7 * 64)
    np.testing.assert_array_equal(decode_image(data).pixels, whole)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_the_first_window_displays_the_image_given_to_the_model(photometric, function):
    radiograph = decode_image(
        dicom_bytes(
            R12,
            BitsStored=12,
            PhotometricInterpretation=photometric,
            VOILUTFunction=function,
            RescaleSlope=2,
            RescaleIntercept=-1000,
            **TWO,
        )
    )
    values = radiograph.values
    assert values.range == (-1000.0, 7190.0)
    assert values.windows == (Window("window 1 of the file", 1000.0, 800.0), Window("window 2 of the file", 3000.0, 500.0))
    np.testing.assert_allclose(values.through(1000, 800), radiograph.pixels, atol=1e-6)
    assert np.abs(values.through(3000, 500) - radiograph.pixels).max() > 0.5


@pytest.mark.parametrize(
    ("centres", "widths", "explanation", "expected"),
    [
        (None, None, None, []),
        ([0, 900], [0, 700], None, [("window 2 of the file", 900, 700)]),
        ([1, 2, 3], [5, 6], None, [("window 1 of the file", 1, 5), ("window 2 of the file", 2, 6)]),
        (900, 700, "HARDER", [("window 1 of the file (harder)", 900, 700)]),
        (900, 700, "for Dr. Zwetschgenbaum", [("window 1 of the file", 900, 700)]),
        (["inf", 900, 5], ["7", 700, "inf"], None, [("window 2 of the file", 900, 700)]),  # found by bench/fuzz_files.py
    ],
)
def test_windows_offered(centres, widths, explanation, expected):
    data = dicom_bytes(R12, BitsStored=12, WindowCenter=centres, WindowWidth=widths, WindowCenterWidthExplanation=explanation)
    assert [(window.name, window.centre, window.width) for window in decode_image(data).values.windows] == expected


def test_values_after_a_modality_table_and_of_signed_pixels():
    values = decode_image(
        dicom_bytes(R12 // 4, BitsStored=12, ModalityLUTSequence=[lut_item([1023 - i for i in range(1024)], 0, 16)])
    ).values
    np.testing.assert_allclose(values.through(512, 1024), 1 - (R12 // 4) / 1023, atol=1e-6)
    values = decode_image(dicom_bytes((X12 - 2048).astype(np.int16), WindowCenter=0, WindowWidth=4096)).values
    assert values.range == (-2048.0, 2047.0)
    np.testing.assert_allclose(values.through(0, 4096), X12 / 4095, atol=1e-6)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": 2, "RescaleIntercept": 100}])
def test_the_files_table_displays_the_image_given_to_the_model(photometric, rescale):
    table = lut_item([255 - i // 32 for i in range(8192)], 100, 8)  # constant up to 100, then falling
    radiograph = decode_image(
        dicom_bytes(R12 + 5, BitsStored=13, PhotometricInterpretation=photometric, VOILUTSequence=[table], **rescale)
    )
    assert next(iter(radiograph.values.presets)) == TABLE
    np.testing.assert_allclose(radiograph.values.presented(), radiograph.pixels, atol=0.003)


def test_only_more_than_8_bits_of_grey_have_a_window():
    assert decode_image(dicom_bytes(ramp(width=256))).values is None
    assert decode_image(dicom_bytes(np.stack([ramp(width=256)] * 3, axis=-1), Modality="OT")).values is None


def test_a_large_image_is_reduced_for_display():
    stored = ramp(height=2500, width=3001, top=4095, dtype=np.uint16)
    radiograph = decode_image(dicom_bytes(stored, BitsStored=12))
    display = fit_within(radiograph.pixels, DISPLAY_SIDE)
    values = radiograph.values
    assert values.stored.dtype == np.uint16
    assert values.stored.shape == display.shape == (2133, 2560)
    low, high = values.range
    np.testing.assert_allclose(values.through((low + high + 1) / 2, high - low + 1), display, atol=0.003)


def test_an_unknown_voi_function_is_not_repeated():
    """Found by bench/fuzz_files.py: a name in VOI LUT Function was passed on if the file had no window."""
    values = decode_image(dicom_bytes(R12, BitsStored=12, VOILUTFunction=NAME[:16])).values
    assert values.function == "LINEAR"
    np.testing.assert_allclose(values.through(2048, 4096), X12 / 4095, atol=1e-3)


def test_an_infinite_range_of_values_is_refused():
    """Found by bench/fuzz_files.py: the image was clipped to white, and its range of values was infinite."""
    with pytest.raises(ImageError, match="rescale or window values are damaged"):
        decode_image(dicom_bytes(R12, BitsStored=12, RescaleSlope="1e308", RescaleIntercept=0, **TWO))
