import copy
import json

import pytest
from stored_metrics import ROBUSTNESS
from tiny_model import make_registry, put

from pneumo.reporting.heat_doubt import heatmap_doubt


def stored(share_low: float, insertion: float | None) -> dict:
    told = copy.deepcopy(ROBUSTNESS)
    told["heat_in_lungs"]["share"] = {"value": 0.62, "low": share_low, "high": 0.7}  # lungs take .6 of what is shown
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
    doubt = heatmap_doubt("tiny", root)
    assert bool(doubt) is bool(said)
    assert all(part in doubt for part in said)


def test_a_damaged_file_is_no_doubt(tmp_path):
    root = make_registry(tmp_path)
    put(root / "tiny" / "robustness.json", "{")
    assert heatmap_doubt("tiny", root) == ""
