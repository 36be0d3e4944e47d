import math

import pytest
from readings import reading_of
from scipy.special import expit, logit

from pneumo.inference import caution_scores as scores
from pneumo.inference.finding import Reading
from pneumo.inference.lung_checks import HeatShare, Occlusion
from pneumo.inference.second_opinion import SecondOpinion, SimilarCase, Stability, Vote

PREVALENCES = [0.05, 0.3, 0.8]


def at(log_ratio: float, prevalence: float) -> float:
    return float(expit(log_ratio + logit(prevalence)))


def reading(log_ratio: float, prevalence: float) -> Reading:
    """Zones from log ratios of -2 to 2."""
    low, high = at(-2.0, prevalence), at(2.0, prevalence)
    return reading_of(at(log_ratio, prevalence), low=low, high=high, prevalence=prevalence)


def opinion(changed, hidden, heat=(0.2, 0.4), labels=()) -> SecondOpinion:
    similar = tuple(SimilarCase(str(i), label, "none", 0.5) for i, label in enumerate(labels))
    return SecondOpinion(Stability(3.0, changed), Occlusion(3.0, hidden), HeatShare(*heat), similar)


@pytest.mark.parametrize("prevalence", PREVALENCES)
def test_scores_of_a_pneumonia_do_not_move_with_the_prevalence(prevalence):
    raw = opinion((3.0, 1.0, -3.0), 2.5, labels=("NORMAL", "NORMAL", "PNEUMONIA"))
    votes = [Vote("own", at(3.0, prevalence), "PNEUMONIA"), Vote("other", at(-4.0, prevalence), "NORMAL")]
    cautions = scores.score_cautions(raw.at(prevalence), votes, reading(3.0, prevalence))
    assert cautions == pytest.approx({"lungs hidden": 2.5, "small changes": 2, "models": 4.0, "similar cases": 2, "heat": 0.5})


@pytest.mark.parametrize("prevalence", PREVALENCES)
def test_without_doubts_there_is_no_score(prevalence):
    raw = opinion((3.0, 2.1), 1.9, heat=(0.5, 0.4), labels=("NORMAL", "PNEUMONIA"))
    votes = [Vote("own", at(3.0, prevalence), "PNEUMONIA"), Vote("other", at(0.0, prevalence), "INDETERMINATE")]
    assert all(map(math.isnan, scores.score_cautions(raw.at(prevalence), votes, reading(3.0, prevalence)).values()))


def test_a_normal_has_no_score_for_heat_or_hidden_lungs():
    cautions = scores.score_cautions(
        opinion((-3.0, 3.0), 4.0).at(0.3), [Vote("other", at(5.0, 0.3), "PNEUMONIA")], reading(-3.0, 0.3)
    )
    assert math.isnan(cautions["lungs hidden"])
    assert math.isnan(cautions["heat"])
    assert cautions["small changes"] == 1
    assert cautions["models"] == pytest.approx(5.0)


def test_an_indeterminate_answer_has_no_scores():
    votes = [Vote("other", 0.001, "NORMAL")]
    cautions = scores.score_cautions(opinion((3.0,), 4.0, labels=("NORMAL",)).at(0.3), votes, reading(0.0, 0.3))
    assert all(map(math.isnan, cautions.values()))


def test_without_measurements_there_is_no_score():
    cautions = scores.score_cautions(opinion((3.0,), math.nan, heat=(math.nan, math.nan)).at(0.3), [], reading(3.0, 0.3))
    assert all(map(math.isnan, cautions.values()))
