"""A local fit on answers of a simulated site whose logits are 3 too high."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tiny_model import make_registry

from pneumo.errors import ConfigError, DataError
from pneumo.evaluation.calibration import fit_calibration_curve
from pneumo.evaluation.intervals import patient_intervals
from pneumo.registry.models import read_card
from pneumo.site.answers import CaseAnswer
from pneumo.site.cases import SiteCase
from pneumo.site.fit import STATED_NOWHERE, Prevalence, fit_profile, halves


@pytest.fixture
def card(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    for slow in (patient_intervals, fit_calibration_curve):
        monkeypatch.setattr(slow, "__defaults__", (0, 60))
    return read_card("tiny")


def answers_of(children=160, images=1, shift=3.0, spread=2.0, seed=0, half=None):
    """A third are sick; logits have deviation `spread` around -2 and 2, plus `shift`."""
    rng, answers = np.random.default_rng(seed), []
    for child in range(children):
        sick = child % 3 == 0
        for image in range(images):
            logit = rng.normal(2 if sick else -2, spread) + shift
            case = SiteCase(
                "", f"{child}-{image}", "PNEUMONIA" if sick else "NORMAL", f"child {child}", half=half(child) if half else ""
            )
            answers.append(CaseAnswer(case, "ok", (), (), "", float(logit), None))
    return answers


def fitted(answers, card, prevalence=STATED_NOWHERE):
    return fit_profile("winter", "Ward 3", answers, card, prevalence)


def test_the_fit_recovers_bias_and_temperature_and_is_better_on_the_other_half(card):
    profile = fitted(answers_of(1200), card)
    assert profile.calibration.temperature == pytest.approx(1.0, abs=0.2)
    assert profile.calibration.bias == pytest.approx(-3.0, abs=0.6)
    assert profile.loss_less["low"] > 0
    assert profile.judged["calibration"]["intercept"]["value"] == pytest.approx(0, abs=0.5)
    assert profile.own["calibration"]["intercept"]["value"] < -1
    assert profile.cuts["rule-out"] <= -math.log(10)
    assert profile.cuts["rule-in"] >= math.log(10)
    assert (profile.fitted_on.sick_children, profile.judged_on.sick_children) == (200, 200)


def test_a_site_that_matches_the_model_gains_nothing(card):
    own = replace(card, calibration=replace(card.calibration, temperature=1.0))
    assert abs(fitted(answers_of(400, shift=0.0), own).loss_less["value"]) < 0.05


def test_no_child_is_in_both_halves_and_all_its_pictures_stay_together(card):
    one, other = halves(answers_of(80, images=3), seed=5)
    assert {each.case.patient for each in one} & {each.case.patient for each in other} == set()
    assert len(one) + len(other) == 240
    assert len({each.case.patient for each in one if each.case.sick}) == 14
    assert halves(answers_of(80, images=3), seed=5) == (one, other)


def test_the_sites_own_halves_are_taken_and_a_child_in_both_is_refused(card):
    fit, judge = halves(answers_of(6, half=lambda child: ("fit", "judge")[child % 2]))
    assert {each.case.patient for each in fit} == {"child 0", "child 2", "child 4"}
    assert len(judge) == 3
    both = answers_of(6, images=2, half=lambda _: "fit")
    both[1] = replace(both[1], case=replace(both[1].case, half="judge"))
    with pytest.raises(DataError, match="1 children are in both halves"):
        halves(both)
    with pytest.raises(DataError, match="in neither half"):
        halves([replace(both[0], case=replace(both[0].case, half="")), *both[2:]])


def test_too_few_children_and_classes_that_do_not_overlap(card):
    with pytest.raises(DataError, match=r"Too few children for a local fit: the fitting half has 20 sick and 40 healthy"):
        fitted(answers_of(120), card)
    with pytest.raises(DataError, match="do not overlap"):
        fitted(answers_of(240, spread=0.01), card)


def test_prevalence_only_if_stated_or_from_consecutive_children(card):
    answers = answers_of(300)
    assert fitted(answers, card).prevalence is None
    assert fitted(answers, card, Prevalence(0.2, "stated")).prevalence == 0.2
    told = fitted(answers, card, "consecutive")
    assert told.prevalence == pytest.approx(1 / 3, abs=0.01)
    assert "150 consecutive children" in told.prevalence_from
    with pytest.raises(ConfigError):
        fitted(answers, card, "guess")
