"""What is kept of a DICOM header, and that no patient's data of it is quoted."""

import dataclasses
import io
import logging
import traceback

import numpy as np
import pytest
from makers import (
    NAME,
    dicom_bytes,
    lut_item,
)
from ramps import R8, R12

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decode import decode_image

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")  # as in pneumo.imaging.decoding.dicom; pytest resets it


def test_facts():
    facts = decode_image(dicom_bytes(R12, BitsStored=12, ViewPosition="AP", PatientAge="003Y", Modality="CR")).facts
    assert (facts.format, facts.width, facts.height, facts.bits) == ("DICOM", 256, 64, 12)
    assert (facts.modality, facts.view_position, facts.patient_age) == ("CR", "AP", "003Y")


@pytest.mark.parametrize(
    ("age", "expected"), [("003Y", "003Y"), ("018M", "018M"), ("3Y", None), ("003y", None), ("Rosalinde", None)]
)
def test_age_is_kept_only_as_an_age(age, expected):
    assert decode_image(dicom_bytes(R8, PatientAge=age)).facts.patient_age == expected


@pytest.mark.parametrize(("view", "expected"), [("PA", "PA"), ("LL", "LL"), ("Rosalinde", None), ("ROSA", None), ("", None)])
def test_view_is_kept_only_as_a_code(view, expected):
    assert decode_image(dicom_bytes(R8, ViewPosition=view)).facts.view_position == expected


JUNK = (
    "Modality",
    "ViewPosition",
    "BodyPartExamined",
    "PatientAge",
    "PhotometricInterpretation",
    "VOILUTFunction",
    "RescaleType",
    "PresentationIntentType",
    "WindowCenterWidthExplanation",
)


def explained():
    item = lut_item([0, 255], 0, 8)
    item.LUTExplanation = NAME
    return item


@pytest.mark.parametrize(
    "elements",
    [
        {},
        *({name: NAME} for name in JUNK),
        {"PatientAge": NAME, "ViewPosition": NAME},
        {"RescaleType": NAME, "RescaleSlope": 1, "RescaleIntercept": 0},
        {"VOILUTFunction": NAME, "WindowCenter": 100, "WindowWidth": 50},
        {"WindowCenterWidthExplanation": [NAME, "NORMAL"], "WindowCenter": [100, 90], "WindowWidth": [50, 60], "BitsStored": 12},
        {"VOILUTSequence": [explained()]},
        {"PixelData": b"too short", "ImageComments": NAME},
        {"Modality": "CT"},
    ],
)
def test_a_name_never_appears_in_output(elements, caplog, recwarn):
    caplog.set_level(logging.DEBUG)
    data = dicom_bytes(R12 if "BitsStored" in elements else R8, **elements)
    assert NAME.encode() in data
    output = io.StringIO()
    try:
        radiograph = decode_image(data)
    except (ImageError, ImageRejected) as error:
        # `from None` would only hide the context: a logger may still follow the chain.
        print(repr(error.__cause__), repr(error.__context__), file=output)
        traceback.print_exception(error, file=output)
    else:
        print(dataclasses.asdict(radiograph), vars(radiograph), file=output)
        assert radiograph.pixels.base is None or isinstance(radiograph.pixels.base, np.ndarray)
    print(caplog.text, [str(w.message) for w in recwarn.list], file=output)
    assert "zwetschgenbaum" not in output.getvalue().lower()
    assert not caplog.records


@pytest.mark.parametrize("element", ["NumberOfFrames", "RescaleSlope", "WindowWidth"])
def test_a_name_in_place_of_a_number_is_not_quoted(element, caplog, recwarn):
    """pydicom's error quotes the value, and a logged traceback would contain it."""
    others = {"RescaleIntercept": 0, "WindowCenter": 3}
    data = dicom_bytes(R8, **others, **{element: "00000000000001"}).replace(b"00000000000001", b"Zwetschgenbaum")
    with pytest.raises(ImageError, match="cannot be decoded") as caught:
        decode_image(data)
    assert caught.value.__cause__ is caught.value.__context__ is None
    messages = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(str(w.message) for w in recwarn.list)
    assert "Zwetschgenbaum" not in messages


def test_a_name_in_a_broken_header_is_not_quoted():
    data = bytearray(dicom_bytes(R8))
    data[138:140] = (data.index(NAME.encode()) + len(NAME) - 140 + 1 | 1).to_bytes(
        2, "little"
    )  # the first element's length includes the name
    with pytest.raises(ImageError, match="header cannot be read") as caught:
        decode_image(bytes(data))
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "Zwetschgenbaum" not in "".join(traceback.format_exception(caught.value))
