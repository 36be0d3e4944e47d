import numpy as np
import pytest
from PIL import Image

from pneumo.data.outlines import Outline
from pneumo.errors import DataError
from pneumo.inference.lung_fields import LungFields
from pneumo.inference.lung_measure import measure_finder, measure_masks

LUNGS = (((20.0, 40.0), (80.0, 40.0), (80.0, 160.0), (20.0, 160.0)), ((140.0, 40.0), (200.0, 40.0), (200.0, 160.0), (140.0, 160.0)))
OUTLINES = tuple(Outline(f"train/NORMAL/IM-{number:04}-0001.png", True, LUNGS) for number in range(4))
WHOLE = OUTLINES[0].mask
HALF = WHOLE & (np.arange(224) < 112)


@pytest.fixture
def data(tmp_path):
    for number, outline in enumerate(OUTLINES):
        path = tmp_path / outline.path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((224, 224), 10 * number, np.uint8)).save(path)
    return tmp_path


def by_grey(image):
    return HALF if image[0, 0] == 30 else WHOLE  # the last image has one lung only: Dice 2/3


def test_mean_interval_and_worst(data):
    found = measure_masks(by_grey, data, OUTLINES)
    assert found["n"] == 4
    assert list(found["each"].values()) == [1.0, 1.0, 1.0, 0.6667]
    assert found["dice"]["value"] == 0.9167
    assert found["worst"] == 0.6667
    assert 0.6667 <= found["dice"]["low"] < 0.9167 < found["dice"]["high"] == 1.0


def test_refused_fields_are_named_with_their_reason(data):
    class Finder:
        def find(self, image):
            return LungFields(by_grey(image), 1.0, "Only one." if image[0, 0] == 30 else "")

    found = measure_finder(Finder(), data, OUTLINES)
    assert found["refused"] == {OUTLINES[3].path: "Only one."}
    assert found["dice"]["value"] == 0.9167


def test_one_child_has_no_interval(data):
    found = measure_masks(by_grey, data, OUTLINES[:1])
    assert found["dice"] == {"value": 1.0, "low": None, "high": None}


def test_nothing_to_measure_on(data):
    with pytest.raises(DataError, match="at least one"):
        measure_masks(by_grey, data, ())
