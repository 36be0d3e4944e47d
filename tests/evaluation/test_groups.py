import math

import pytest
from sklearn.metrics import roc_auc_score

from pneumo.evaluation.groups import by_subtype
from pneumo.evaluation.predictions import make_predictions


def test_by_hand():
    files = ["IM-1-1.png", "IM-1-2.png", "person1_bacteria_1.png", "person1_bacteria_2.png", "person2_virus_1.png", "x.png"]
    kinds = ["none", "none", "bacterial", "bacterial", "viral", "none"]
    p = make_predictions(files, ["NORMAL"] * 2 + ["PNEUMONIA"] * 4, kinds, [0.0] * 6, [0.2, 0.6, 0.5, 0.9, 0.1, 0.7])
    normal, bacterial, viral, unknown = by_subtype(p, 0.5)
    assert (normal.name, normal.images, normal.patients, normal.right.count) == ("NORMAL", 2, 1, 1)
    assert math.isnan(normal.auc)
    assert (bacterial.name, viral.name) == ("PNEUMONIA, bacterial", "PNEUMONIA, viral")
    assert (bacterial.images, bacterial.patients, bacterial.right.count) == (2, 1, 2)
    assert bacterial.auc == pytest.approx(roc_auc_score([0, 0, 1, 1], [0.2, 0.6, 0.5, 0.9]))
    assert (viral.right.value, viral.auc) == (0, 0)
    assert (unknown.name, unknown.images, unknown.auc) == ("PNEUMONIA, kind unknown", 1, 1)


def test_only_kinds_that_occur():
    p = make_predictions(["IM-1-1.png"], ["NORMAL"], ["none"], [0], [0.2])
    assert [group.name for group in by_subtype(p, 0.5)] == ["NORMAL"]
