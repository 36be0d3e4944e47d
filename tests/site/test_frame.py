import math
from dataclasses import replace

import pytest

from pneumo.imaging.measures import PICTURE, Measures
from pneumo.labels import LABELS
from pneumo.site.frame import frame_statistics, reference


def framed_as(where):
    """One picture of each class at the medians of a split of the public set."""
    groups = reference()["groups"]
    return [Measures(**{name: groups[f"{where} {label}"]["measures"][name][1] for name in PICTURE}) for label in LABELS]


@pytest.mark.parametrize("where", ["train", "test"])
def test_a_site_is_told_to_frame_as_train_or_as_test(where):
    told = frame_statistics(framed_as(where), LABELS, reference()["data"])
    assert told.likeness.count(f"more like those of {where}") == 2
    assert "mean distance 0.00" in told.likeness or where == "test"


def test_percentiles_here_stand_beside_those_of_train_and_test():
    many = [replace(Measures(), brightness=float(grey)) for grey in range(101)]
    told = frame_statistics(many, ["NORMAL"] * 101, reference()["data"])
    here = {(each.measure, each.label, each.where): each for each in told.spreads}
    assert (here["brightness", "NORMAL", "site"].low, here["brightness", "NORMAL", "site"].median) == (5, 50)
    assert here["brightness", "PNEUMONIA", "site"].median is None
    assert here["lung_height", "NORMAL", "train"].median == pytest.approx(0.7143)
    assert told.without_lungs == 101
    assert told.likeness == ""


def test_a_model_of_other_data_is_not_compared_with_the_public_set():
    told = frame_statistics(framed_as("train"), LABELS, "12 images of the user's own")
    assert {each.where for each in told.spreads} == {"site"}
    assert told.likeness == ""


def test_lungs_that_were_not_found_are_counted_not_averaged():
    told = frame_statistics([Measures(lung_height=0.5), Measures(lung_height=math.nan)], ["NORMAL"] * 2, "")
    assert told.without_lungs == 1
    assert next(each.median for each in told.spreads if each.measure == "lung_height" and each.label == "NORMAL") == 0.5
