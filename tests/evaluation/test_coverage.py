"""Do 95 % intervals hold the truth in 95 % of tests like ours: 624 images, several of some patients, few mistakes?

Each image's score is the sum of a normal number of its patient and one of its own. The former method, bootstrap percentiles, fails.
"""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from pneumo.evaluation.compare import auc_interval
from pneumo.evaluation.wilson import clustered_wilson

HEALTHY = np.repeat([1, 2, 3], [220, 1, 4])  # images of each patient, as on the test split: 234 and 390 images
SICK = np.repeat([1, 2, 3, 4, 5, 6, 7, 8, 9], [126, 29, 19, 11, 10, 4, 2, 1, 1])
ASKED, ALIKE = 0.93, 0.6  # coverage; share of the variance that images of one patient have in common


def scores(rng, sizes):
    own = rng.normal(size=sizes.sum())
    return np.sqrt(ALIKE) * np.repeat(rng.normal(size=len(sizes)), sizes) + np.sqrt(1 - ALIKE) * own


def percentiles(drawn):
    return np.quantile(drawn, (0.025, 0.975))


def coverage_of_shares(sizes, truth, old):
    rng, held, k = np.random.default_rng(3), [], len(sizes)
    patients = np.repeat(np.arange(k), sizes)
    for _ in range(150 if old else 1000):
        right = scores(rng, sizes) < ndtri(truth)
        if old:
            weights = rng.multinomial(k, np.full(k, 1 / k), 200)
            low, high = percentiles(weights @ np.bincount(patients, right) / (weights @ sizes))
        else:
            interval = clustered_wilson(right, patients)
            low, high = interval.low, interval.high
        held.append(low <= truth <= high)
    return np.mean(held)


CASES = [(SICK, 0.97), (SICK, 0.99), (HEALTHY, 0.98), (HEALTHY, 0.99)]


@pytest.mark.parametrize(("sizes", "truth"), CASES)
def test_shares(sizes, truth):
    assert ASKED <= coverage_of_shares(sizes, truth, old=False) <= 0.99


def test_percentiles_fail_on_the_same_shares():
    coverages = [coverage_of_shares(*case, old=True) for case in CASES]
    assert min(coverages) < 0.91
    assert np.mean(coverages) < ASKED


HIDDEN, SEEN, UNSEEN = 0.025, 4.0, -1.0  # share of sick images on which pneumonia hardly shows, and where scores lie
AUC = (1 - HIDDEN) * ndtr(SEEN / np.sqrt(2)) + HIDDEN * ndtr(UNSEEN / np.sqrt(2))


LABELS = np.repeat([1, 0], [SICK.sum(), HEALTHY.sum()])
PATIENTS = np.repeat(np.arange(len(SICK) + len(HEALTHY)), np.concatenate([SICK, HEALTHY]))


def draw(rng):
    middle = np.where(scores(rng, SICK) < ndtri(HIDDEN), UNSEEN, SEEN)
    return np.concatenate([scores(rng, SICK) + middle, scores(rng, HEALTHY)])


def test_auc():
    assert pytest.approx(0.98, abs=0.002) == AUC
    rng = np.random.default_rng(4)
    ends = np.array([auc_interval(LABELS, draw(rng), PATIENTS) for _ in range(1000)])
    assert ASKED <= np.mean((ends[:, 0] <= AUC) & (ends[:, 1] >= AUC)) <= 0.98


def test_percentiles_fail_on_the_same_auc():
    rng, held, k = np.random.default_rng(4), [], PATIENTS.max() + 1
    starts = [np.cumsum(sizes) - sizes for sizes in (SICK, HEALTHY)]
    for _ in range(80):
        drawn = draw(rng)
        pairs = (drawn[LABELS == 1][:, np.newaxis] > drawn[LABELS == 0]).astype(float)
        won = np.add.reduceat(np.add.reduceat(pairs, starts[0], axis=0), starts[1], axis=1)  # pairs of patients
        weights = rng.multinomial(k, np.full(k, 1 / k), 200).astype(float)
        first, second = weights[:, : len(SICK)], weights[:, len(SICK) :]
        low, high = percentiles(((first @ won) * second).sum(axis=1) / ((first @ SICK) * (second @ HEALTHY)))
        held.append(low <= AUC <= high)
    assert np.mean(held) < ASKED
