import numpy as np
import pytest

from pneumo.evaluation.chosen_cuts import chosen_cut_intervals
from pneumo.evaluation.predictions import make_predictions
from pneumo.evaluation.summary import figures, summarise


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
