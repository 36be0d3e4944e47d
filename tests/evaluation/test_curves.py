import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from pneumo.evaluation import curves
from pneumo.evaluation.metrics import expected_calibration_error, predictive_values
from pneumo.evaluation.wilson import clustered_wilson


def cases(seed=0, digits=1, n=300):
    """Few digits: many ties."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(int)
    return labels, np.round(1 / (1 + np.exp(-rng.normal(size=n) - labels)), digits)


@pytest.mark.parametrize("digits", [1, 2, 9])
def test_roc_equals_scikit_learn(digits):
    labels, scores = cases(digits=digits)
    curve = curves.roc(labels, scores)
    fpr, tpr, cuts = roc_curve(labels, scores, drop_intermediate=False)
    assert curve.false_positive_rate == pytest.approx(fpr)
    assert curve.true_positive_rate == pytest.approx(tpr)
    assert curve.thresholds == pytest.approx(cuts)
    assert curve.auc == pytest.approx(roc_auc_score(labels, scores))
    assert np.trapezoid(curve.true_positive_rate, curve.false_positive_rate) == pytest.approx(curve.auc)


def test_roc_of_one_class_is_undefined():
    curve = curves.roc(np.ones(4), np.array([0.1, 0.2, 0.2, 0.9]))
    assert np.isnan(curve.auc)
    assert np.isnan(curve.false_positive_rate).all()
    assert curve.true_positive_rate.tolist() == [0, 0.25, 0.75, 1]


@pytest.mark.parametrize("digits", [1, 2, 9])
def test_precision_recall_equals_scikit_learn(digits):
    labels, scores = cases(seed=1, digits=digits)
    curve = curves.precision_recall(labels, scores)
    precision, recall, cuts = precision_recall_curve(labels, scores)
    assert curve.precision == pytest.approx(precision[-2::-1])  # theirs rises and ends in a made-up point
    assert curve.recall == pytest.approx(recall[-2::-1])
    assert curve.thresholds == pytest.approx(cuts[::-1])
    assert curve.average_precision == pytest.approx(average_precision_score(labels, scores))
    assert curve.prevalence == labels.mean()


def test_calibration_bins_equal_scikit_learn_and_add_up_to_the_ece():
    labels, scores = cases(seed=2, digits=9)
    bins = curves.calibration_bins(labels, scores)
    shares, means = calibration_curve(labels, scores, n_bins=15)
    assert [each.sick.value for each in bins] == pytest.approx(shares)
    assert [each.mean_probability for each in bins] == pytest.approx(means)
    assert sum(each.sick.of for each in bins) == len(labels)
    gaps = sum(abs(each.sick.value - each.mean_probability) * each.sick.of for each in bins) / len(labels)
    assert gaps == pytest.approx(expected_calibration_error(labels, scores))


def test_calibration_bins_by_hand():
    first, last = curves.calibration_bins(np.array([0, 1, 1, 1, 0]), np.array([0.0, 0.1, 0.5, 1.0, 0.9]), bins=2)
    assert (first.low, first.high, first.mean_probability, first.sick.count, first.sick.of) == (0, 0.5, 0.05, 1, 2)
    assert (last.low, last.high, last.sick.count, last.sick.of) == (0.5, 1, 2, 3)
    assert last.mean_probability == pytest.approx(0.8)
    assert last.sick.low < 2 / 3 < last.sick.high


def test_empty_bins_are_left_out():
    assert [each.low for each in curves.calibration_bins(np.array([0, 1]), np.array([0.05, 0.95]), bins=10)] == [0, 0.9]


def test_decision_curve_by_hand():
    labels, scores = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.4, 0.6, 0.2, 0.1])
    curve = curves.decision_curve(labels, scores, [0.2, 0.5])
    # at 0.2: both sick and two healthy treated; odds 1/4. At 0.5: one and one; odds 1.
    assert curve.model == pytest.approx([2 / 5 - 2 / 5 / 4, 1 / 5 - 1 / 5])
    assert curve.treat_all == pytest.approx([2 / 5 - 3 / 5 / 4, 2 / 5 - 3 / 5])
    assert curve.prevalence == 0.4


def test_decision_curve_of_a_low_threshold_is_treating_all():
    labels, scores = cases(seed=3)
    curve = curves.decision_curve(labels, np.maximum(scores, 0.02))
    assert len(curve.thresholds) == 99
    assert curve.model[0] == pytest.approx(curve.treat_all[0])


@pytest.mark.parametrize("cut", [0.0, 1.0])
def test_decision_curve_refuses_certainty(cut):
    with pytest.raises(ValueError, match="between 0 and 1"):
        curves.decision_curve(np.array([0, 1]), np.array([0.2, 0.8]), [0.5, cut])


def test_histogram_counts_every_case_once():
    histogram = curves.histogram(np.array([0, 0, 1, 1, 1]), np.array([0.0, 0.49, 0.5, 1.0, 0.99]), bins=2)
    assert histogram.edges.tolist() == [0, 0.5, 1]
    assert histogram.normal.tolist() == [2, 0]
    assert histogram.pneumonia.tolist() == [0, 3]


def test_predictive_curve():
    curve = curves.predictive_curve(0.9, 0.8, [0.1, 0.5])
    expected = [predictive_values(0.9, 0.8, share) for share in (0.1, 0.5)]
    assert np.column_stack([curve.ppv, curve.npv]) == pytest.approx(np.array(expected))
    assert curve.ppv[0] == pytest.approx(0.09 / 0.27)
    whole = curves.predictive_curve(0.9, 0.8)
    assert (np.diff(whole.ppv) > 0).all()
    assert (np.diff(whole.npv) < 0).all()


def test_decision_curve_at_a_prevalence_is_that_of_the_reweighted_children():
    labels, scores = np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.6, 0.2])
    curve = curves.decision_curve(labels, scores, [0.2], prevalence=0.1)
    # odds a ninth as high: 0.9 -> 0.5, 0.6 -> 1/7, 0.4 -> 2/29. One sick child of two, no healthy one is treated.
    assert curve.model == pytest.approx([0.1 / 2])
    assert curve.treat_all == pytest.approx([0.1 - 0.9 / 4])
    assert curve.prevalence == pytest.approx(0.1)


def test_the_band_of_the_roc_is_wilsons_interval_over_patients_at_each_false_positive_rate():
    labels, probabilities = np.array([1, 1, 1, 1, 0, 0]), np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.1])
    patients = ["a", "a", "b", "c", "d", "e"]
    band = curves.roc_band(labels, probabilities, patients)
    assert band.false_positive_rate.tolist() == [0, 0.5, 1]
    for place, hits in enumerate(([1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1])):  # the highest sensitivity at each rate
        share = clustered_wilson(np.array(hits), patients[:4])
        assert (band.low[place], band.high[place]) == (share.low, share.high)
