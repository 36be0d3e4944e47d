import json
import math

import numpy as np
import pytest

from pneumo.evaluation.cautions import NAMES, CautionRate, Judged, caution_rates, limit_of
from pneumo.evaluation.wilson import wilson_interval

NAN = math.nan


@pytest.mark.parametrize(
    ("scores", "limit"),
    [
        ([NAN] * 20, -math.inf),  # no scores: no limit is needed
        ([3.0] + [NAN] * 19, -math.inf),  # one in twenty may fire
        ([3.0, 2.0] + [NAN] * 18, 2.0),
        ([3.0, 3.0] + [NAN] * 18, 3.0),  # tied scores are not separated: neither fires
        ([3.0, 2.0, 1.0] + [NAN] * 37, 1.0),
        ([5.0], 5.0),
        ([], -math.inf),
    ],
)
def test_at_most_one_right_answer_in_twenty_lies_above_the_limit(scores, limit):
    assert limit_of(np.array(scores)) == limit


@pytest.mark.parametrize("seed", range(5))
def test_the_rate_holds_for_any_scores(seed):
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random(173) < 0.6, rng.integers(1, 9, 173), NAN).astype(float)
    limit = limit_of(scores)
    assert np.mean(scores > limit) <= 0.05
    below = max(scores[scores < limit], default=-math.inf)
    assert np.mean(scores > below) > 0.05  # a lower limit would fire too often


def judged(patient, verdict, right, score):
    return Judged(str(patient), verdict, right, dict.fromkeys(NAMES, score))


def test_limits_are_set_by_verdict_and_rates_come_from_the_other_part():
    sure = [judged(i, "PNEUMONIA", True, float(i)) for i in range(20)]  # 18 and 19 are the highest: one may fire
    calm = [judged(i, "NORMAL", True, NAN) for i in range(20)]
    told = [
        *(judged(f"r{i}", "PNEUMONIA", True, 18.5 if i < 1 else 3.0) for i in range(10)),
        *(judged(f"w{i}", "PNEUMONIA", False, 19.0 if i < 3 else 1.0) for i in range(4)),
        judged("n", "NORMAL", False, 0.1),
    ]
    rate = caution_rates(sure + calm, told)["models"]
    assert rate.limits == {"PNEUMONIA": 18.0, "NORMAL": -math.inf}
    assert rate.right["value"] == pytest.approx(0.1)
    assert rate.wrong["value"] == pytest.approx(0.8)
    assert rate.wrong["high"] == pytest.approx(wilson_interval(4, 5).high, abs=0.02)


def test_nothing_fires_without_a_score_and_everything_without_a_limit():
    rate = CautionRate({"PNEUMONIA": 2.0}, {}, {})
    assert not rate.fires("PNEUMONIA", NAN)
    assert not rate.fires("PNEUMONIA", 2.0)
    assert rate.fires("PNEUMONIA", 2.1)
    assert rate.fires("NORMAL", -5.0)


def test_round_trip_through_json():
    figure = {"value": 0.1, "low": 0.05, "high": 0.2}
    rate = CautionRate({"PNEUMONIA": 2.0, "NORMAL": -math.inf}, figure, dict.fromkeys(figure))
    assert CautionRate.from_dict(json.loads(json.dumps(rate.to_dict(), allow_nan=False))) == rate
    with pytest.raises(ValueError, match="expected value, low and high"):
        CautionRate.from_dict({**rate.to_dict(), "right": {"value": 1}})
