import numpy as np
import pytest

from pneumo.errors import DataError
from pneumo.evaluation.operating_point import BALANCED, INDETERMINATE, MEANING, RULE_IN, RULE_OUT, choose_operating_points, zone


def cases(kind: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [120, 300])
    logits = rng.normal(size=420) + {"good": 4, "fair": 2, "useless": 0}.get(kind, 2) * labels
    probabilities = 1 / (1 + np.exp(-logits))
    if kind == "tied":
        probabilities = np.round(probabilities, 1)
    if kind == "saturated":  # a sigmoid far out gives exactly 0 and 1, in both classes
        probabilities = np.clip(np.round(3 * probabilities - 1, 2), 0, 1)
    return labels, probabilities


def rates(labels, probabilities, cut):
    called = probabilities >= cut
    return called[labels == 1].mean(), 1 - called[labels == 0].mean()


@pytest.mark.parametrize("kind", ["good", "fair", "useless", "tied", "saturated"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_promises_hold_where_they_were_made(kind, seed):
    labels, probabilities = cases(kind, seed)
    points = choose_operating_points(labels, probabilities)
    assert points[RULE_OUT] <= points[BALANCED] <= points[RULE_IN]
    assert rates(labels, probabilities, points[RULE_OUT])[0] >= 0.98
    assert rates(labels, probabilities, points[RULE_IN])[1] >= 0.95


def test_points_are_the_best_of_their_kind():
    labels, probabilities = cases("fair")
    points = choose_operating_points(labels, probabilities)
    next_up = probabilities[probabilities >= points[RULE_OUT]].min() + 1e-9
    assert rates(labels, probabilities, next_up)[0] < 0.98 or next_up > points[BALANCED]
    next_down = probabilities[probabilities < points[RULE_IN]].max()
    assert rates(labels, probabilities, next_down)[1] < 0.95
    gap = np.abs(np.subtract(*rates(labels, probabilities, points[BALANCED])))
    assert all(gap <= np.abs(np.subtract(*rates(labels, probabilities, cut))) for cut in probabilities)


def test_separable_by_hand():
    # Nothing between 0.2 and 0.8: every cut there is perfect, the middle is taken, and all three points meet.
    points = choose_operating_points([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert points == {BALANCED: 0.5, RULE_OUT: 0.5, RULE_IN: 0.5}


def test_by_hand_with_one_healthy_child_among_the_sick():
    labels = np.array([0] * 20 + [1] * 20)
    probabilities = np.concatenate([np.linspace(0.01, 0.19, 19), [0.75], np.linspace(0.61, 0.99, 20)])
    points = choose_operating_points(labels, probabilities)
    assert points[RULE_OUT] == pytest.approx((0.19 + 0.61) / 2)  # the highest cut that misses none of 20
    assert points[RULE_IN] == points[BALANCED]  # already 19 of 20 healthy are spared there
    assert rates(labels, probabilities, points[BALANCED]) == (0.95, 0.95)


def test_all_negatives_at_one_leave_a_cut_that_calls_no_one():
    points = choose_operating_points([0, 0, 1, 1], [1.0, 1.0, 1.0, 0.3])
    assert points[RULE_IN] > 1
    assert points[RULE_OUT] <= 0.3


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1]])
def test_one_class_is_refused(labels):
    with pytest.raises(DataError, match=f"both classes; received {sum(labels)} PNEUMONIA of 3"):
        choose_operating_points(labels, [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("probability", "expected"),
    [(0.0, RULE_OUT), (0.1999, RULE_OUT), (0.2, INDETERMINATE), (0.7999, INDETERMINATE), (0.8, RULE_IN), (1.0, RULE_IN)],
)
def test_zone_edges(probability, expected):
    assert zone(probability, {RULE_OUT: 0.2, BALANCED: 0.5, RULE_IN: 0.8}) == expected


def test_no_indeterminate_zone_when_the_points_meet():
    points = {RULE_OUT: 0.5, BALANCED: 0.5, RULE_IN: 0.5}
    assert [zone(p, points) for p in (0.49, 0.5)] == [RULE_OUT, RULE_IN]


def test_zone_of_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        zone(float("nan"), {RULE_OUT: 0.2, RULE_IN: 0.8})


def test_every_point_has_a_meaning():
    assert set(MEANING) == {BALANCED, RULE_OUT, RULE_IN}
    assert "0.98" in MEANING[RULE_OUT]
    assert "0.95" in MEANING[RULE_IN]
