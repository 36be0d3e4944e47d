import json

import pytest
from tiny_model import make_registry, put

from pneumo.reporting.model_card import interval, model_card


def test_a_model_with_one_output_says_nothing_of_kinds(tmp_path):
    text = model_card("tiny", make_registry(tmp_path))
    assert "acterial" not in text
    assert "## Test split: 10 images of 9 patients" in text
    assert "The test split chose no epoch, calibration or operating point" in text


def test_the_second_output_with_its_figures(tmp_path):
    text = model_card("tiny", make_registry(tmp_path, subtype=True))
    assert "- Second output, bacterial against viral: logit / 4.000 +0.000" in text
    assert "on the 5 pneumonias of known kind: AUC 0.800 (0.700-0.850)" in text
    assert "viral found 0.900 (0.850-0.950)" in text


def test_without_a_test_split_nothing_is_claimed_of_one(tmp_path):
    root = make_registry(tmp_path)
    path = root / "tiny" / "metrics.json"
    put(path, json.dumps({"validation": json.loads(path.read_text())["test"]}))
    text = model_card("tiny", root)
    assert "## Validation split" in text
    assert "was not evaluated on a test split" in text
    assert "chose nothing" not in text


@pytest.mark.parametrize(
    ("figure", "text"),
    [({"value": 0.95, "low": 0.9, "high": 1.0}, "0.95 (0.90-1.00)"), ({"value": None, "low": None, "high": None}, "undefined")],
)
def test_interval(figure, text):
    assert interval(figure, 2) == text
