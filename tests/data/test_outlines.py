"""The shipped outlines keep to what they promise, and polygons are filled to the pixel."""

import json
from collections import Counter

import numpy as np
import pytest

from pneumo.data.outlines import OUTLINES, filled, read_outlines
from pneumo.data.records import identify
from pneumo.errors import DataError

SQUARE = [[2, 3], [60, 3], [60, 80], [2, 80]]


def test_a_pixel_is_filled_when_half_of_it_lies_inside():
    mask = filled([[(2, 3), (6, 3), (6, 8), (2, 8)], [(10.7, 3), (12.3, 3), (12.3, 5), (10.7, 5)]])
    expected = np.zeros((224, 224), bool)
    expected[3:8, 2:6] = True
    expected[3:5, 11:12] = True
    np.testing.assert_array_equal(mask, expected)


def test_the_shipped_set_is_balanced_and_no_child_is_on_both_sides():
    outlines = read_outlines()
    kinds = Counter(
        (o.kept_aside, o.path.split("/")[1], identify(o.path.split("/")[-1].removesuffix(".jpeg"))[0]) for o in outlines
    )
    for aside, each in ((True, 3), (False, 6)):
        assert kinds[aside, "NORMAL", "none"] == 2 * each
        assert kinds[aside, "PNEUMONIA", "bacterial"] == kinds[aside, "PNEUMONIA", "viral"] == each
    assert len({o.patient for o in outlines}) == len(outlines) == 36
    assert all(o.path.startswith("train/") for o in outlines)


@pytest.mark.parametrize("outline", read_outlines(), ids=lambda outline: outline.path.split("/")[-1])
def test_each_has_two_lungs_side_by_side(outline):
    right, left = (filled([lung]) for lung in outline.lungs)
    assert not (right & left).any()
    assert np.nonzero(right)[1].mean() + 30 < np.nonzero(left)[1].mean()
    assert 0.1 < outline.mask.mean() < 0.35
    assert outline.mask.sum() == right.sum() + left.sum()
    assert all(11 <= len(lung) <= 30 for lung in outline.lungs)


def test_the_file_holds_names_and_points_alone():
    held = json.loads(OUTLINES.read_text(encoding="utf-8"))
    assert set(held) == {"about", "convention", "coordinates", "choice", "images"}
    assert all(set(entry) == {"kept_aside", "lungs"} for entry in held["images"].values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "no file of lung outlines"),
        ('{"images": {"a.jpeg": {"lungs": []}}}', "no file of lung outlines"),
        (json.dumps({"images": {"a.jpeg": {"kept_aside": True, "lungs": [SQUARE]}}}), "two lungs"),
        (json.dumps({"images": {"a.jpeg": {"kept_aside": True, "lungs": [SQUARE, [[2, 3], [600, 3], [4, 80]]]}}}), "0 to 224"),
        (json.dumps({"images": {"a.jpeg": {"kept_aside": True, "lungs": [SQUARE, SQUARE[:2]]}}}), "at least 3 points"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, text, said):
    (tmp_path / "outlines.json").write_text(text)
    with pytest.raises(DataError, match=said):
        read_outlines(tmp_path / "outlines.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_outlines(tmp_path / "nowhere.json")
