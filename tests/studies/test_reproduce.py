import csv
import json

import pytest
from phantom_sets import copy_set
from tiny_model import make_registry

from pneumo.inference.predictor import Predictor
from pneumo.registry.seal import seal_folder
from pneumo.studies.assess import assess_split
from pneumo.studies.reproduce import differences, renew, reproduce_metrics


def test_differences_are_named():
    stored = {"n": 3, "auc": {"value": 0.9, "low": 0.8}, "matrix": [[1, 2], [3, 4]], "odd": None}
    assert list(differences(stored, json.loads(json.dumps(stored)))) == []
    anew = {"n": 3, "auc": {"value": 0.90004, "low": 0.8002}, "matrix": [[1, 2], [3, 5]], "odd": None, "more": 1}
    lines = list(differences(stored, anew))
    assert [line.split(" is ")[0] for line in lines] == ["auc.low", "matrix[1][1]", "more"]


@pytest.mark.slow
def test_published_numbers_are_reproduced(tmp_path):
    root = make_registry(tmp_path / "models")
    copy_set(tmp_path / "set", patients=6)
    (root / "tiny" / "metrics.json").unlink()
    seal_folder(root / "tiny")
    assess_split(Predictor.load("tiny", root), tmp_path / "set", "test", "first look", root=root)
    assert reproduce_metrics("tiny", tmp_path / "set", root) == []
    assert (root / "ledger.csv").read_text().count("\n") == 3  # the header, the first look, and this one

    path = root / "tiny" / "predictions-test.csv"
    rows = list(csv.DictReader(path.open()))
    rows[0]["probability"] = str(1 - float(rows[0]["probability"]))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    seal_folder(root / "tiny")
    problems = reproduce_metrics("tiny", root=root)
    assert problems
    assert all(line.startswith("test, from predictions: ") for line in problems)


@pytest.mark.slow
def test_figures_are_rewritten_from_the_stored_predictions(tmp_path):
    root = make_registry(tmp_path / "models")
    copy_set(tmp_path / "set", patients=6)
    assess_split(Predictor.load("tiny", root), tmp_path / "set", "test", "first look", root=root)
    path = root / "tiny" / "metrics.json"
    before = json.loads(path.read_text())
    wrong, unanswered = {"value": 0.1, "low": 0.0, "high": 0.2}, {"NORMAL": 2, "PNEUMONIA": 0}
    older = {"test": {**before["test"], "auc": wrong, "unanswered": unanswered}}
    path.write_text(json.dumps(older))
    seal_folder(root / "tiny")
    renew("tiny", root)
    after = json.loads(path.read_text())
    assert after["test"]["auc"] == before["test"]["auc"]
    assert after["test"]["unanswered"] == unanswered
    assert (root / "ledger.csv").read_text().count("\n") == 2  # no further look
