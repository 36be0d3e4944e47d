import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, f1_score, precision_score, recall_score, roc_auc_score

from pneumo.evaluation.metrics import (
    brier,
    compute_metrics,
    confusion_matrix,
    dice,
    expected_calibration_error,
    predictive_values,
    prevalence_weights,
    roc_auc,
)

LABELS = np.array([0, 0, 0, 0, 0, 1, 1, 1])
PROBABILITIES = np.array([0.1, 0.2, 0.5, 0.7, 0.3, 0.5, 0.9, 0.4])


def cases(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.random(200) < 0.3
    scores = rng.normal(size=200) + labels
    return labels.astype(int), np.round(scores) if ties else scores


def test_confusion_matrix_layout_and_inclusive_threshold():
    # At 0.5: TN 0.1 0.2 0.3, FP 0.5 0.7, FN 0.4, TP 0.5 0.9.
    assert confusion_matrix(LABELS, PROBABILITIES, 0.5).tolist() == [[3, 2], [1, 2]]
    assert confusion_matrix(LABELS, PROBABILITIES, np.nextafter(0.5, 1)).tolist() == [[4, 1], [2, 1]]


@pytest.mark.parametrize(("seed", "ties"), [(0, False), (1, False), (2, True), (3, True)])
def test_auc_equals_scikit_learn(seed, ties):
    labels, scores = cases(seed, ties)
    assert roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "scores", "auc"),
    [([0, 1], [0.2, 0.9], 1.0), ([0, 1], [0.9, 0.2], 0.0), ([0, 1], [0.4, 0.4], 0.5), ([0, 1, 1], [2, 1, 3], 0.5)],
)
def test_auc_by_hand(labels, scores, auc):
    assert roc_auc(np.array(labels), np.array(scores)) == auc


@pytest.mark.parametrize("label", [0, 1])
def test_auc_of_one_class_is_nan(label):
    assert math.isnan(roc_auc(np.full(5, label), np.arange(5)))


def test_metrics_by_hand():
    m = compute_metrics(LABELS, PROBABILITIES, 0.5)
    assert (m.accuracy, m.sensitivity, m.specificity, m.precision) == (5 / 8, 2 / 3, 3 / 5, 2 / 4)
    assert m.recall == m.sensitivity
    assert m.f1 == pytest.approx(4 / 7)
    assert m.auc == pytest.approx(roc_auc_score(LABELS, PROBABILITIES))


def test_metrics_equal_scikit_learn():
    labels, scores = cases(5, False)
    called = scores >= 0.8
    m = compute_metrics(labels, scores, 0.8)
    expected = precision_score(labels, called), recall_score(labels, called), f1_score(labels, called)
    assert (m.precision, m.recall, m.f1) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("labels", "probabilities", "undefined"),
    [
        ([0, 0], [0.1, 0.9], {"auc", "sensitivity", "recall"}),
        ([1, 1], [0.1, 0.9], {"auc", "specificity"}),
        ([0, 1], [0.1, 0.2], {"precision"}),
        ([0, 0], [0.1, 0.2], {"auc", "sensitivity", "recall", "precision", "f1"}),
        ([], [], {"auc", "accuracy", "sensitivity", "specificity", "precision", "recall", "f1"}),
    ],
)
def test_undefined_is_nan_and_nothing_else_is(labels, probabilities, undefined):
    m = compute_metrics(np.array(labels), np.array(probabilities), 0.5)
    assert {name for name, value in vars(m).items() if math.isnan(value)} == undefined


def test_brier():
    assert brier(np.array([0, 1, 1]), np.array([0.5, 1.0, 0.2])) == pytest.approx((0.25 + 0 + 0.64) / 3)
    assert brier(LABELS, PROBABILITIES) == pytest.approx(brier_score_loss(LABELS, PROBABILITIES))


def test_ece_by_hand():
    # Two bins: [0, .5) says .2 + .4 of 2 cases, 1 sick; [.5, 1] says .5 + 1 + .9 of 3, 2 sick.
    labels, probabilities = np.array([0, 1, 0, 1, 1]), np.array([0.2, 0.4, 0.5, 1.0, 0.9])
    assert expected_calibration_error(labels, probabilities, bins=2) == pytest.approx((abs(0.6 - 1) + abs(2.4 - 2)) / 5)


def test_ece_of_perfect_calibration_is_zero():
    probabilities = np.repeat([0.05, 0.25, 0.5, 0.75, 1.0], 20)
    labels = np.concatenate([np.arange(20) < round(20 * p) for p in (0.05, 0.25, 0.5, 0.75, 1.0)])
    assert expected_calibration_error(labels, probabilities) == pytest.approx(0, abs=1e-12)


def test_ece_of_full_confidence_in_error_is_one():
    assert expected_calibration_error(np.array([0, 1]), np.array([1.0, 0.0])) == 1.0


@pytest.mark.parametrize(
    ("sensitivity", "specificity", "prevalence", "ppv", "npv"),
    [
        (0.9, 0.8, 0.1, 0.09 / 0.27, 0.72 / 0.73),  # of 1000: 90 true, 180 false alarms; 720 true, 10 missed
        (0.98, 0.7, 0.5, 0.49 / 0.64, 0.35 / 0.36),
        (1.0, 1.0, 0.3, 1.0, 1.0),
        (0.9, 0.8, 0.0, 0.0, 1.0),
        (0.9, 0.8, 1.0, 1.0, 0.0),
    ],
)
def test_predictive_values(sensitivity, specificity, prevalence, ppv, npv):
    assert predictive_values(sensitivity, specificity, prevalence) == pytest.approx((ppv, npv))


def test_predictive_value_of_what_is_never_called_is_nan():
    assert math.isnan(predictive_values(0.0, 1.0, 0.3)[0])
    assert math.isnan(predictive_values(1.0, 0.0, 0.3)[1])


def test_ece_after_a_change_of_prevalence():
    labels, probabilities = np.array([1, 1, 0, 0]), np.array([0.9, 0.7, 0.4, 0.1])
    weights = prevalence_weights(labels, 0.2)
    assert weights.tolist() == pytest.approx([0.4, 0.4, 1.6, 1.6])
    expected = (abs(0.4 * -0.1 + 0.4 * -0.3) + abs(1.6 * 0.4 + 1.6 * 0.1)) / 4
    assert expected_calibration_error(labels, probabilities, bins=2, weights=weights) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([1, 1, 0, 0], [1, 1, 0, 0], 1.0), ([1, 1, 0, 0], [0, 0, 1, 1], 0.0), ([1, 1, 1, 0], [1, 0, 0, 0], 0.5)],
)
def test_dice_counted_by_hand(first, second, expected):
    assert dice(np.array(first, bool), np.array(second, bool)) == expected


def test_the_overlap_of_two_empty_masks_is_undefined():
    assert np.isnan(dice(np.zeros(4, bool), np.zeros(4, bool)))
