import dataclasses
import math

import numpy as np
import pytest
from stored_metrics import make_stored

from pneumo.errors import DataError
from pneumo.evaluation.compare import compare_models, delong, mcnemar, paired_difference
from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.metrics import roc_auc
from pneumo.evaluation.predictions import make_predictions


def two_models(n=400, a_patient=1, seed=0):
    """Scores of two models that share part of their noise; the `a_patient` images of each patient share another part."""
    rng = np.random.default_rng(seed)
    patient = np.arange(n) // a_patient
    sick = patient % 2
    shared = rng.normal(size=n) + np.repeat(rng.normal(size=n), a_patient)[:n]
    first = sick * 1.6 + shared + 0.6 * rng.normal(size=n)
    second = sick * 1.2 + shared + 0.9 * rng.normal(size=n) + np.repeat(rng.normal(size=n), a_patient)[:n]
    return sick, first, second, tuple(f"p{p}" for p in patient)


def by_the_book(labels, first, second):
    """DeLong 1988 as published: every pair of a sick and a healthy case, covariance of the structural components."""
    sick = labels == 1
    kernels = [(s[sick][:, None] > s[~sick]) + 0.5 * (s[sick][:, None] == s[~sick]) for s in (first, second)]
    v10, v01 = np.array([k.mean(axis=1) for k in kernels]), np.array([k.mean(axis=0) for k in kernels])
    cov = np.cov(v10) / sick.sum() + np.cov(v01) / (~sick).sum()
    return math.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])


@pytest.mark.parametrize("ties", [False, True])
def test_delong_with_one_image_a_patient_matches_the_textbook(ties):
    labels, first, second, patients = two_models()
    if ties:
        first, second = np.round(first), np.round(second)
    estimate = delong(labels, first, second, patients)
    assert estimate.value == pytest.approx(roc_auc(labels, first) - roc_auc(labels, second))
    assert (estimate.high - estimate.low) / 2 / 1.959964 == pytest.approx(by_the_book(labels, first, second), rel=1e-6)
    z = abs(estimate.value) / by_the_book(labels, first, second)
    assert estimate.p == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-5)


@pytest.mark.parametrize("a_patient", [1, 4])
def test_delong_agrees_with_a_bootstrap_over_patients(a_patient):
    labels, first, second, patients = two_models(a_patient=a_patient, seed=3)
    estimate = delong(labels, first, second, patients)

    def difference(index):
        return np.array([roc_auc(labels[index], first[index]) - roc_auc(labels[index], second[index])])

    (low,), (high,) = patient_intervals(difference, patients, resamples=2000)
    width = high - low
    assert estimate.high - estimate.low == pytest.approx(width, rel=0.12)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.12 * width)


def test_delong_where_patients_have_images_of_both_classes():
    """The noise shared by such a patient's sick and healthy images counts too."""
    rng = np.random.default_rng(5)
    patient = np.arange(600) // 4
    labels = np.arange(600) % 2
    child = rng.normal(size=150)[patient] * np.where(labels == 1, 1.5, -1.5)
    first, second = labels * 1.5 + child + rng.normal(size=600), labels * 1.5 + rng.normal(size=600)
    patients = tuple(f"p{p}" for p in patient)
    estimate = delong(labels, first, second, patients)

    def difference(index):
        return np.array([roc_auc(labels[index], first[index]) - roc_auc(labels[index], second[index])])

    (low,), (high,) = patient_intervals(difference, patients, resamples=2000)
    assert estimate.high - estimate.low == pytest.approx(high - low, rel=0.12)


def test_images_of_one_patient_are_not_independent():
    labels, first, second, patients = two_models(a_patient=8, seed=3)
    clustered, naive = (delong(labels, first, second, who) for who in (patients, tuple(map(str, range(len(labels))))))
    assert clustered.high - clustered.low > 1.3 * (naive.high - naive.low)


def test_a_model_against_itself():
    labels, first, _, patients = two_models()
    estimate = delong(labels, first, 3 * first, patients)  # another scale, the same order
    assert (estimate.value, estimate.low, estimate.high, estimate.p) == (0, 0, 0, 1)


def test_undefined_with_one_class_or_one_patient():
    labels, first, second, patients = two_models(n=20)
    assert math.isnan(delong(np.ones(20), first, second, patients).p)
    assert math.isnan(delong(labels, first, second, ("same",) * 20).p)


@pytest.mark.parametrize(
    ("one", "other", "p"), [(0, 0, 1), (1, 0, 1), (5, 0, 2 / 32), (0, 6, 2 / 64), (4, 4, 1), (8, 2, 2 * (1 + 10 + 45) / 1024)]
)
def test_mcnemar_by_hand(one, other, p):
    assert mcnemar(one, other) == pytest.approx(p)


def test_compare_counts_and_pairs_by_name():
    first, second = make_stored(seed=1, lift=3), make_stored(seed=2, lift=1)
    comparison = compare_models(first, second, (0.5, 0.3))
    right = [(p.probabilities >= cut) == (p.labels == 1) for p, cut in ((first, 0.5), (second, 0.3))]
    assert (comparison.only_first_right, comparison.only_second_right) == (np.sum(right[0] > right[1]), np.sum(right[0] < right[1]))
    assert comparison.accuracy == pytest.approx(right[0].mean() - right[1].mean())
    assert (comparison.n, comparison.patients) == (60, len(set(first.patients)))
    assert comparison.auc.value > 0
    turned = reordered(second, np.arange(60)[::-1])
    assert compare_models(first, turned, (0.5, 0.3)) == comparison


def test_other_images_are_refused():
    first = make_stored()
    with pytest.raises(DataError, match="5 are the first's alone and 0 the second's"):
        compare_models(first, reordered(first, np.arange(55)), (0.5, 0.5))
    with pytest.raises(DataError, match="60 are the first's alone and 60 the second's"):
        compare_models(first, make_stored(split="validation"), (0.5, 0.5))
    with pytest.raises(DataError, match="twice"):
        compare_models(first, reordered(first, np.array([*range(60), 3])), (0.5, 0.5))


def test_other_labels_are_refused():
    first = make_stored()
    with pytest.raises(DataError, match="different labels"):
        compare_models(first, dataclasses.replace(first, labels=1 - first.labels), (0.5, 0.5))


def reordered(p, order):
    return dataclasses.replace(
        p,
        files=tuple(p.files[i] for i in order),
        subtypes=tuple(p.subtypes[i] for i in order),
        labels=p.labels[order],
        logits=p.logits[order],
        probabilities=p.probabilities[order],
    )


def test_delong_where_the_classes_differ_in_size():
    labels, first, second, patients = two_models()
    kept = (labels == 0) | (np.arange(len(labels)) % 10 == 1)  # a fifth of the sick
    labels, first, second = labels[kept], first[kept], second[kept]
    estimate = delong(labels, first, second, tuple(np.array(patients)[kept]))
    assert (estimate.high - estimate.low) / 2 / 1.959964 == pytest.approx(by_the_book(labels, first, second), rel=1e-6)


def test_two_patients_of_a_class_are_enough_and_one_is_not():
    labels, first, second = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.3, 0.5, 0.2, 0.1]), np.array([0.4, 0.8, 0.6, 0.7, 0.1])
    assert delong(labels, first, second, ("a", "b", "c", "d", "e")).high == pytest.approx(1.19966, abs=1e-5)
    assert math.isnan(delong(labels, first, second, ("a", "a", "c", "d", "e")).high)


def test_rightly_called_by_hand():
    """The first calls one sick and two healthy images rightly that the second does not; the last is missed by both."""
    files = ["IM-1-1.png", "IM-2-1.png", "IM-3-1.png", "person1_virus_1.png", "person2_virus_1.png"]
    labels, kinds = ["NORMAL"] * 3 + ["PNEUMONIA"] * 2, ["none"] * 3 + ["viral"] * 2
    first = make_predictions(files, labels, kinds, [0.0] * 5, [0.1, 0.2, 0.3, 0.9, 0.4])
    second = make_predictions(files, labels, kinds, [0.0] * 5, [0.8, 0.7, 0.1, 0.6, 0.3])
    comparison = compare_models(first, second, (0.5, 0.7))
    assert (comparison.only_first_right, comparison.only_second_right) == (3, 0)
    assert comparison.accuracy == pytest.approx(3 / 5)


def hits(both, only_first, only_second, neither):
    first = [True] * both + [True] * only_first + [False] * only_second + [False] * neither
    second = [True] * both + [False] * only_first + [True] * only_second + [False] * neither
    return np.array(first), np.array(second)


def test_agresti_and_mins_interval_by_hand():
    """b = 12, c = 5 of 100: (12.5 - 5.5) / 102 = .0686, error sqrt(18 - 49 / 102) / 102 = .0410."""
    difference = paired_difference(*hits(70, 12, 5, 13), [str(i) for i in range(100)])
    assert difference.value == pytest.approx(0.07)
    error = math.sqrt(18 - 7**2 / 102) / 102
    assert (difference.low, difference.high) == pytest.approx((7 / 102 - 1.959964 * error, 7 / 102 + 1.959964 * error))
    assert difference.p == pytest.approx(0.1435, abs=1e-3)


def test_models_that_never_differ_still_have_a_width():
    difference = paired_difference(*hits(30, 0, 0, 0), range(30))
    assert (difference.value, difference.p) == (0, 1)
    assert difference.low < 0 < difference.high


def test_pictures_of_the_same_child_are_not_independent():
    first, second = hits(0, 40, 20, 40)
    alone = paired_difference(first, second, range(100))
    fours = paired_difference(first, second, np.arange(100) // 4)
    assert fours.high - fours.low > 1.8 * (alone.high - alone.low)
    assert fours.value == alone.value


def test_the_interval_has_its_stated_coverage():
    rng, covered, runs = np.random.default_rng(0), 0, 400
    for _ in range(runs):
        both = rng.random(60) < 0.7
        first, second = both | (rng.random(60) < 0.3), both | (rng.random(60) < 0.2)
        difference = paired_difference(first, second, range(60))
        covered += difference.low <= 0.3 * 0.3 - 0.3 * 0.2 <= difference.high
    assert 0.92 <= covered / runs <= 0.985


def test_nothing_to_compare():
    difference = paired_difference(np.array([]), np.array([]), [])
    assert math.isnan(difference.value)
    assert math.isnan(difference.low)
