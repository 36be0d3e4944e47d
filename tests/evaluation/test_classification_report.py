import math

import numpy as np
import pytest
from sklearn.metrics import classification_report as theirs

from pneumo.evaluation.classification_report import make_classification_report, three_class_matrix
from pneumo.evaluation.predictions import make_predictions


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.8])
def test_equals_scikit_learn(cut):
    rng = np.random.default_rng(0)
    labels = (rng.random(200) < 0.3).astype(int)
    scores = np.clip(rng.normal(0.4, 0.2, 200) + 0.3 * labels, 0, 1)
    ours, expected = make_classification_report(labels, scores, cut), theirs(labels, scores >= cut, output_dict=True)
    pairs = ((ours.classes[0], "0"), (ours.classes[1], "1"), (ours.macro, "macro avg"), (ours.weighted, "weighted avg"))
    for row, name in pairs:
        figures = {"precision": row.precision, "recall": row.recall, "f1-score": row.f1, "support": row.support}
        assert figures == pytest.approx(expected[name])
    assert ours.accuracy.value == pytest.approx(expected["accuracy"])
    assert (ours.sensitivity.value, ours.specificity.value) == (ours.classes[1].recall, ours.classes[0].recall)


def test_matrix_and_rates_by_hand():
    report = make_classification_report(np.array([0, 0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.5, 0.5, 0.4]), 0.5)
    assert report.matrix.tolist() == [[3, 1], [1, 1]]
    assert report.rates.tolist() == [[0.75, 0.25], [0.5, 0.5]]


def test_a_class_that_is_never_called_has_no_precision():
    report = make_classification_report(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.3]), 0.9)
    assert math.isnan(report.classes[1].precision)
    assert math.isnan(report.macro.precision)
    assert report.classes[1].f1 == 0
    assert report.classes[0].precision == pytest.approx(2 / 3)


def test_a_class_without_images_does_not_count_in_the_weighted_mean():
    report = make_classification_report(np.array([1, 1]), np.array([0.6, 0.7]), 0.5)
    assert math.isnan(report.macro.recall)
    assert report.weighted.recall == 1
    assert math.isnan(report.rates[0, 0])
    assert math.isnan(report.specificity.value)


def test_of_no_image_every_mean_is_undefined():
    report = make_classification_report(np.array([], int), np.array([]), 0.5)
    assert [row.name for row in (report.macro, report.weighted)] == ["macro mean", "weighted mean"]
    assert math.isnan(report.weighted.precision)


FILES = ["IM-1-1.png", "person1_bacteria_1.png", "person2_bacteria_1.png", "person3_virus_1.png", "person4_virus_1.png", "x.png"]
KINDS = ["none", "bacterial", "bacterial", "viral", "viral", "none"]
SAID = (FILES, ["NORMAL"] + ["PNEUMONIA"] * 5, KINDS, [0.0] * 6, [0.6, 0.9, 0.2, 0.8, 0.7, 0.9])


def test_by_hand():
    p = make_predictions(*SAID, bacterial=[0.7, 0.5, 0.9, 0.1, 0.8, 0.9])
    np.testing.assert_array_equal(three_class_matrix(p, 0.5), [[0, 1, 0], [1, 1, 0], [0, 1, 1]])  # the unknown kind is left out
    np.testing.assert_array_equal(three_class_matrix(p, 0.65), [[1, 0, 0], [1, 1, 0], [0, 1, 1]])


def test_a_model_without_kinds():
    assert three_class_matrix(make_predictions(*SAID), 0.5) is None
