import copy
import json

import pytest
from stored_metrics import FIGURE, ROBUSTNESS
from tiny_model import make_registry, put

from pneumo.reporting.weaknesses import heatmap_doubt, main_weaknesses


def stored(share_low: float, insertion: float | None) -> dict:
    told = copy.deepcopy(ROBUSTNESS)
    told["heat_in_lungs"]["share"] = {"value": 0.62, "low": share_low, "high": 0.7}  # what is shown holds lungs to .6
    told["auc_gap"]["insertion"] = insertion
    return told


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (stored(0.61, 0.1), ()),
        (stored(0.59, 0.1), ("62 % of its heat lay in the lungs, which take 60 % of what", "on 60 X-rays of test")),
        (stored(0.61, 0.0), ("no sooner than places drawn by lot",)),
        (stored(0.61, None), ()),
        ({"heat_in_lungs": 3}, ()),
        ({}, ()),
    ],
)
def test_a_map_no_better_than_chance_is_doubted(told, said, tmp_path):
    root = make_registry(tmp_path)
    assert heatmap_doubt("tiny", root) == ""
    put(root / "tiny" / "robustness.json", json.dumps(told))
    found = heatmap_doubt("tiny", root)
    assert bool(found) is bool(said)
    assert all(part in found for part in said)


def test_a_damaged_file_is_no_doubt(tmp_path):
    root = make_registry(tmp_path)
    put(root / "tiny" / "robustness.json", "{")
    assert heatmap_doubt("tiny", root) == ""


def figure(value, low=None, high=None):
    return {"value": value, "low": value - 0.1 if low is None else low, "high": value + 0.1 if high is None else high}


def change(kind, sensitivity, specificity, amount=""):
    return {"kind": kind, "amount": amount, "sensitivity": figure(sensitivity), "specificity": figure(specificity)}


def test_nothing_stored_or_nothing_notable():
    assert main_weaknesses(None, None) == ()
    calm = {"changes": [change("none", 0.9, 0.8), change("blur", 0.89, 0.79)], "lungs_hidden": {"auc": figure(0.55)}}
    assert main_weaknesses({"calibration": {"intercept": figure(0.05)}}, calm) == ()


def test_a_calibration_that_is_off_says_in_which_direction():
    assert (
        "sick too often: calibration intercept -0.45 (-0.55"
        in main_weaknesses({"calibration": {"intercept": figure(-0.45)}}, None)[0]
    )
    assert "sick too rarely" in main_weaknesses({"calibration": {"intercept": figure(0.45)}}, None)[0]


def test_the_change_under_which_each_rate_falls_most():
    told = {
        "n": 60,
        "changes": [
            change("lungs hidden", 0.0, 0.0),
            change("none", 0.9, 0.8),
            change("blur", 0.7, 0.8, "2 px"),
            change("noise", 0.8, 0.75, "0.06"),
        ],
    }
    sensitivity, specificity = main_weaknesses(None, told)
    assert sensitivity.startswith("Sensitivity falls most under blur 2 px: 0.700 (0.600-0.800), as it is 0.900")
    assert specificity.startswith("Specificity falls most under noise 0.06: 0.750")
    assert "60 X-rays" in specificity


def test_answers_that_stay_without_lungs_and_a_map_in_doubt():
    news = main_weaknesses(None, {"lungs_hidden": {"auc": FIGURE}}, "The map is in doubt.")
    assert news[0].startswith("With the lungs hidden it still ranks the children, AUC 0.900")
    assert news[1] == "The map is in doubt."
