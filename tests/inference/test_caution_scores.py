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
    found = scores.score_cautions(raw.at(prevalence), votes, reading(3.0, prevalence))
    assert found == pytest.approx({"lungs hidden": 2.5, "small changes": 2, "models": 4.0, "similar cases": 2, "heat": 0.5})


@pytest.mark.parametrize("prevalence", PREVALENCES)
def test_where_nothing_speaks_there_is_no_score(prevalence):
    raw = opinion((3.0, 2.1), 1.9, heat=(0.5, 0.4), labels=("NORMAL", "PNEUMONIA"))
    votes = [Vote("own", at(3.0, prevalence), "PNEUMONIA"), Vote("other", at(0.0, prevalence), "INDETERMINATE")]
    assert all(map(math.isnan, scores.score_cautions(raw.at(prevalence), votes, reading(3.0, prevalence)).values()))


def test_a_normal_is_asked_neither_for_its_heat_nor_for_what_hiding_shows():
    found = scores.score_cautions(opinion((-3.0, 3.0), 4.0).at(0.3), [Vote("other", at(5.0, 0.3), "PNEUMONIA")], reading(-3.0, 0.3))
    assert math.isnan(found["lungs hidden"])
    assert math.isnan(found["heat"])
    assert found["small changes"] == 1
    assert found["models"] == pytest.approx(5.0)


def test_an_open_answer_has_nothing_held_against_it():
    votes = [Vote("other", 0.001, "NORMAL")]
    found = scores.score_cautions(opinion((3.0,), 4.0, labels=("NORMAL",)).at(0.3), votes, reading(0.0, 0.3))
    assert all(map(math.isnan, found.values()))


def test_what_was_not_measured_does_not_speak():
    found = scores.score_cautions(opinion((3.0,), math.nan, heat=(math.nan, math.nan)).at(0.3), [], reading(3.0, 0.3))
    assert all(map(math.isnan, found.values()))
