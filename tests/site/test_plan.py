import json

import pytest

from pneumo.errors import ConfigError, DataError
from pneumo.site.plan import AUC, SENSITIVITY, Plan, Requirement, read_plan, write_plan

PLAN = Plan(
    "Ward 3",
    "tiny",
    "ab" * 32,
    "balanced",
    (Requirement(AUC, 0.9), Requirement(SENSITIVITY, 0.8)),
    50,
    60,
    "Dr A",
    "2026-01-01T00:00:00+00:00",
)


def test_a_plan_is_read_as_it_was_written_and_is_never_overwritten(tmp_path):
    path = tmp_path / "plan.json"
    write_plan(path, PLAN)
    assert read_plan(path) == PLAN
    with pytest.raises(DataError, match="not overwritten"):
        write_plan(path, PLAN)


def test_a_plan_that_was_changed_by_hand_is_refused(tmp_path):
    path = tmp_path / "plan.json"
    write_plan(path, PLAN)
    path.write_text(path.read_text().replace("0.9", "0.5"))
    with pytest.raises(DataError, match="was changed after it was made"):
        read_plan(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"requirements": []}, "asks nothing"),
        ({"requirements": [{"figure": "f1", "least": 0.5}]}, "Unknown figure 'f1'"),
        ({"requirements": [{"figure": "auc", "least": 1.5}]}, "between 0 and 1"),
        ({"requirements": [{"figure": "auc", "least": 0.5}] * 2}, "twice"),
        ({"sick": 0}, "at least one of each"),
        ({"decides": " "}, "who decides"),
        ({"version": 2}, "version 2"),
        ({"extra": 1}, "extra"),
        ({"site": 3}, "damaged"),
        ({"requirements": [{"figure": "auc"}]}, "damaged"),
    ],
)
def test_invalid_plans_are_refused(tmp_path, change, said):
    path = tmp_path / "plan.json"
    write_plan(path, PLAN)
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "plan": {**stored["plan"], **change}}))
    with pytest.raises((ConfigError, DataError), match=said):
        read_plan(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"plan": 3}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(DataError, match="site-plan"):
        read_plan(tmp_path / "plan.json")
