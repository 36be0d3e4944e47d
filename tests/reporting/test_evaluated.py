import json

import pytest
from stored_metrics import HISTORY, ROBUSTNESS, make_evaluated_registry
from tiny_model import put

from pneumo.errors import ModelError
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.evaluated import read_evaluated, splits_of


@pytest.fixture
def root(tmp_path):
    return make_evaluated_registry(tmp_path / "models", "one")


def test_what_is_stored(root):
    evaluated = read_evaluated("one", "test", root)
    assert evaluated.problems == ()
    assert evaluated.both_classes
    assert (
        evaluated.figures("rule-in") == json.loads((root / "one/metrics.json").read_text())["test"]["operating_points"]["rule-in"]
    )
    assert evaluated.figures("unheard-of") is None
    assert splits_of("one", root) == ("test", "validation")


def test_other_splits_come_last(root):
    (root / "one/predictions-abroad.csv").write_text("")
    assert splits_of("one", root) == ("test", "validation", "abroad")


def test_missing_predictions_leave_the_figures(root):
    (root / "one/predictions-test.csv").unlink()
    evaluated = read_evaluated("one", "test", root)
    assert evaluated.predictions is None
    assert not evaluated.both_classes
    assert evaluated.metrics["n"] == 60
    assert (
        "predictions-test.csv is not stored. Create it again: python -m pneumo evaluate one --split test" in evaluated.problems[0]
    )


@pytest.mark.parametrize("text", ["{", "[]", '{"test": {}}', '{"test": {"n": 3, "operating_points": 4}}', '{"test": null}'])
def test_damaged_metrics_leave_the_predictions(root, text):
    put(root / "one/metrics.json", text)
    evaluated = read_evaluated("one", "test", root)
    assert evaluated.metrics is None
    assert evaluated.predictions is not None
    assert "metrics.json" in evaluated.problems[0]
    assert splits_of("one", root) == ("test", "validation")


@pytest.mark.parametrize("cell", ["nan", "1.2", "-0.1"])
def test_impossible_probabilities_are_not_drawn(root, cell):
    path = root / "one/predictions-test.csv"
    lines = path.read_text().splitlines()
    lines[3] = ",".join([*lines[3].split(",")[:4], cell])
    put(path, "\n".join(lines))
    evaluated = read_evaluated("one", "test", root)
    assert evaluated.predictions is None
    assert "from 0 to 1" in evaluated.problems[0]


def test_files_that_do_not_belong_together_are_reported(root):
    path = root / "one/predictions-test.csv"
    put(path, "\n".join(path.read_text().splitlines()[:-1]))
    assert "do not belong together" in read_evaluated("one", "test", root).problems[0]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("metrics.json", lambda text: json.dumps({"test": {**json.loads(text)["test"], "auc": {"value": 1, "low": 1, "high": 1}}})),
        ("predictions-test.csv", lambda text: text.replace("NORMAL", "PNEUMONIA", 1)),
        ("history.json", lambda text: text.replace("0.7", "0.9")),
        ("robustness.json", lambda text: text.replace("0.31", "0.01")),
    ],
)
def test_figures_that_do_not_match_the_manifest_are_not_shown(root, name, change):
    put(root / "one/history.json", json.dumps(HISTORY))
    put(root / "one/robustness.json", json.dumps(ROBUSTNESS))
    path = root / "one" / name
    path.write_text(change(path.read_text()))
    if name in ("history.json", "robustness.json"):
        with pytest.raises(ModelError, match=f"'one' does not verify: {name} was altered. Restore"):
            getattr(ModelFolder.of("one", root), name.removesuffix(".json"))()
        return
    evaluated = read_evaluated("one", "test", root)
    assert (evaluated.metrics is None, evaluated.predictions is None) == (name == "metrics.json", name != "metrics.json")
    assert f"'one' does not verify: {name} was altered. Restore" in evaluated.problems[0]


def test_a_split_of_which_nothing_is_stored(root):
    evaluated = read_evaluated("one", "abroad", root)
    assert (evaluated.metrics, evaluated.predictions, len(evaluated.problems)) == (None, None, 2)


def test_no_such_model(root):
    with pytest.raises(ModelError, match="No model 'two'"):
        read_evaluated("two", "test", root)


def test_history_and_robustness(root):
    assert ModelFolder.of("one", root).history() == []
    assert ModelFolder.of("one", root).robustness() is None
    put(root / "one/history.json", json.dumps(HISTORY))
    put(root / "one/robustness.json", json.dumps(ROBUSTNESS))
    assert ModelFolder.of("one", root).history() == HISTORY
    assert ModelFolder.of("one", root).robustness() == ROBUSTNESS


@pytest.mark.parametrize(
    ("name", "text"), [("history", "{}"), ("history", '[{"loss": 1}]'), ("history", "["), ("robustness", "[]")]
)
def test_files_of_another_form_are_named(root, name, text):
    put(root / f"one/{name}.json", text)
    with pytest.raises(ModelError, match=f"{name}.json"):
        getattr(ModelFolder.of("one", root), name)()
