import numpy as np
import pytest

from pneumo.errors import DataError
from pneumo.evaluation.operating_point import BALANCED, MEANING, RULE_IN, RULE_OUT, choose_operating_points, zone
from pneumo.labels import Zone

LEAST = np.log(10)


def cases(kind: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and log likelihood ratios."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [120, 300])
    apart = {"good": 4, "fair": 2, "useless": 0}.get(kind, 2)
    ratios = apart * (rng.normal(size=420) + apart * (labels - 0.5))
    return labels, np.round(ratios) if kind == "tied" else ratios


def rates(labels, ratios, cut):
    called = ratios >= cut
    return called[labels == 1].mean(), 1 - called[labels == 0].mean()


@pytest.mark.parametrize("kind", ["good", "fair", "useless", "tied"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_promised_rates_hold_on_the_cases_they_were_chosen_on(kind, seed):
    labels, ratios = cases(kind, seed)
    points = choose_operating_points(labels, ratios)
    assert points[RULE_OUT] <= min(points[BALANCED], -LEAST)
    assert points[RULE_IN] >= max(points[BALANCED], LEAST)
    assert rates(labels, ratios, points[RULE_OUT])[0] >= 0.98
    assert rates(labels, ratios, points[RULE_IN])[1] >= 0.95


def test_points_are_the_best_of_their_kind():
    labels, ratios = cases("fair")
    points = choose_operating_points(labels, ratios)
    next_up = ratios[ratios >= points[RULE_OUT]].min() + 1e-9
    assert rates(labels, ratios, next_up)[0] < 0.98 or next_up > -LEAST
    next_down = ratios[ratios < points[RULE_IN]].max()
    assert rates(labels, ratios, next_down)[1] < 0.95 or next_down < LEAST
    gap = np.abs(np.subtract(*rates(labels, ratios, points[BALANCED])))
    assert all(gap <= np.abs(np.subtract(*rates(labels, ratios, cut))) for cut in ratios)


def test_where_the_classes_separate_the_points_still_differ():
    points = choose_operating_points([0, 0, 1, 1], [-5.0, -4.0, 6.0, 7.0])
    assert points == {BALANCED: 1.0, RULE_OUT: pytest.approx(-LEAST), RULE_IN: pytest.approx(LEAST)}


def test_a_balanced_cut_far_out_moves_the_nearer_point():
    points = choose_operating_points([0, 0, 1, 1], [-9.0, 6.0, 8.0, 9.0])
    assert points[BALANCED] == points[RULE_IN] == 7.0


def test_if_all_healthy_score_highest_the_rule_in_cut_calls_no_one():
    points = choose_operating_points([0, 0, 1, 1], [5.0, 5.0, 5.0, -3.0])
    assert points[RULE_IN] > 5
    assert points[RULE_OUT] <= -3


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1]])
def test_one_class_is_refused(labels):
    with pytest.raises(DataError, match=f"both classes; received {sum(labels)} PNEUMONIA of 3"):
        choose_operating_points(labels, [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("probability", "expected"),
    [(0.0, RULE_OUT), (0.1999, RULE_OUT), (0.2, Zone.INDETERMINATE), (0.7999, Zone.INDETERMINATE), (0.8, RULE_IN), (1.0, RULE_IN)],
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
    assert "98%" in MEANING[RULE_OUT]
    assert "95%" in MEANING[RULE_IN]
