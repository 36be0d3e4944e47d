import numpy as np
import pytest
from PIL import Image

from pneumo.data.lung_masks import LungMasks
from pneumo.errors import DataError
from pneumo.inference.lung_fields import LungFields
from pneumo.studies.lung_agreement import measure_agreement, measure_wrong

FILES = tuple(f"train/NORMAL/IM-{number:04}-0001.png" for number in range(4))
WHOLE = np.zeros((224, 224), bool)
WHOLE[40:160, 20:80] = WHOLE[40:160, 140:200] = True
MASKS = LungMasks(FILES, np.stack([np.packbits(WHOLE)] * 4))


@pytest.fixture
def data(tmp_path):
    for number, file in enumerate(FILES):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((224, 224), 10 * number, np.uint8)).save(path)
    return tmp_path


class Finder:
    """Finds the lungs, but in the last image only one, and says so."""

    def find(self, image):
        half = image[0, 0] == 30
        return LungFields(WHOLE & (np.arange(224) < 112) if half else WHOLE, 1.0, "Only one lung field was found." if half else "")


class Believer:
    """Finds the same lungs in every image and calls them plausible."""

    def find(self, image):
        return LungFields(WHOLE, 1.0)


def test_mean_interval_percentile_worst_and_refusals(data):
    agreement = measure_agreement(Finder(), data, MASKS)
    assert (agreement["n"], agreement["refused"]) == (4, 1)
    assert agreement["dice"]["value"] == 0.9167
    assert agreement["worst"] == 0.6667
    assert agreement["dice_5th_percentile"] == pytest.approx(0.6667 + 0.15 * 0.3333, abs=1e-3)
    assert 0.6667 <= agreement["dice"]["low"] < 0.9167 < agreement["dice"]["high"] == 1.0


def test_one_child_has_no_interval(data):
    agreement = measure_agreement(Finder(), data, LungMasks(FILES[:1], MASKS.packed[:1]))
    assert agreement["dice"] == {"value": 1.0, "low": None, "high": None}


def test_nothing_to_measure_on(data):
    with pytest.raises(DataError, match="No outlined lungs"):
        measure_agreement(Finder(), data, LungMasks((), MASKS.packed[:0]))


def test_plausible_fields_in_the_wrong_place_are_counted(data, monkeypatch):
    monkeypatch.setattr("pneumo.studies.lung_agreement.PICTURES", 1)
    mistakes = measure_wrong(Believer(), data, MASKS)
    assert mistakes["groups"]["turned by 90 degrees"] == {"n": 4, "found": 4, "wrong": 4}  # the lungs lie across there
    assert mistakes["groups"]["inverted"] == {"n": 4, "found": 4, "wrong": 0}  # the lungs stay where they were
    assert mistakes["groups"]["screens"] == {"n": 1, "found": 1, "wrong": 1}
    assert mistakes["all"]["wrong"] == sum(group["wrong"] for group in mistakes["groups"].values())
    assert mistakes["all"]["share"]["value"] == mistakes["all"]["wrong"] / mistakes["all"]["n"]
