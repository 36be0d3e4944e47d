import numpy as np
import pytest

from pneumo.errors import DataError
from pneumo.evaluation.operating_point import (
    BALANCED,
    MEANING,
    RULE_IN,
    RULE_OUT,
    choose_operating_points,
    chosen_cut_intervals,
    zone,
)
from pneumo.evaluation.predictions import make_predictions
from pneumo.evaluation.summary import figures, summarise
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


def part(n: int, seed: int):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.6).astype(int)
    logits = rng.normal(0, 1.5, n) + 3.0 * labels - 1.5
    names = [f"person{i}_virus_{i}.png" if label else f"IM-{i:04}-0001.png" for i, label in enumerate(labels)]
    return make_predictions(
        names, ["PNEUMONIA" if label else "NORMAL" for label in labels], ["none"] * n, logits, 1 / (1 + np.exp(-logits))
    )


def test_intervals_are_wider_than_at_a_fixed_cut_and_more_so_for_a_smaller_calibration_part():
    tested = part(300, 1)
    widths = []
    for n in (80, 800):
        rates = chosen_cut_intervals(part(n, 2), tested, resamples=100)["balanced"]
        value, low, high = rates["sensitivity"]
        assert low < value < high
        widths.append(high - low)
    sensitivity = figures(tested.labels, tested.logits, tested.patients, {"balanced": 0.0})["balanced"]["sensitivity"]
    fixed = sensitivity["high"] - sensitivity["low"]
    assert widths[0] > 1.4 * fixed
    assert widths[1] < 1.3 * fixed


def test_the_balanced_cut_has_the_true_rates():
    rates = chosen_cut_intervals(part(600, 3), part(600, 4), resamples=2)["balanced"]
    assert rates["sensitivity"][0] == pytest.approx(0.841, abs=0.05)  # of normal scores 3 apart, deviation 1.5
    assert rates["specificity"][0] == pytest.approx(0.841, abs=0.06)


def test_a_class_that_is_missing_gives_nan():
    alone = make_predictions(["IM-0001-0001.png", "IM-0002-0001.png"], ["NORMAL"] * 2, ["none"] * 2, [0, 1], [0.5, 0.7])
    assert np.isnan(chosen_cut_intervals(alone, part(50, 5), resamples=3)["rule-in"]["sensitivity"]).all()


def test_the_summary_leaves_out_a_choice_of_another_cut():
    tested, chosen = part(60, 6), part(60, 7)
    value = chosen_cut_intervals(chosen, tested, resamples=1)["balanced"]
    cuts = np.unique(tested.probabilities)
    sensitivity = np.array([np.mean(tested.probabilities[tested.labels == 1] >= cut) for cut in cuts])
    same = float(cuts[np.argmin(np.abs(sensitivity - value["sensitivity"][0]))])
    specificity = np.mean(tested.probabilities[tested.labels == 0] < same)
    point = summarise(tested, {"balanced": same}, chosen)["operating_points"]["balanced"]
    assert ("with_choice" in point) == (abs(specificity - value["specificity"][0]) <= 0.01)
    assert "with_choice" not in summarise(tested, {"balanced": 0.999}, chosen)["operating_points"]["balanced"]
    assert "with_choice" not in summarise(tested, {"balanced": same})["operating_points"]["balanced"]
