import dataclasses
import math

import numpy as np
import pytest
from pictures import CHEST, make_reference
from scipy.special import logit
from tiny_model import make_registry

from pneumo.errors import ConfigError
from pneumo.imaging.overlay import png
from pneumo.inference.finding import Terms, judge, read
from pneumo.inference.predictor import Predictor
from pneumo.reporting.finding_words import SENTENCES
from pneumo.synthetic.phantom import make_phantom, phantom_png


@pytest.fixture
def predictor(tmp_path):
    return Predictor.load("tiny", make_registry(tmp_path))


@pytest.mark.parametrize(
    ("probability", "point", "label", "zone"),
    [
        (0.10, "balanced", "NORMAL", "rule-out"),
        (0.30, "balanced", "NORMAL", "indeterminate"),
        (0.50, "balanced", "PNEUMONIA", "indeterminate"),
        (0.30, "rule-out", "PNEUMONIA", "indeterminate"),
        (0.80, "rule-in", "PNEUMONIA", "rule-in"),
        (0.70, "rule-in", "NORMAL", "indeterminate"),
    ],
)
def test_label_follows_the_point_and_zone_does_not(predictor, probability, point, label, zone):
    reading = judge(float(logit(probability)), predictor.card, Terms(point, 0.5))
    assert (reading.label, reading.zone) == (label, zone)
    assert reading.probability == pytest.approx(probability)


@pytest.mark.parametrize("prevalence", [0.001, 0.05, 0.3, 0.5, 0.74, 0.999])
@pytest.mark.parametrize("log_ratio", [-800.0, -3.0, -1.1, -1.0, 0.0, 0.4, 1.0, 1.2, 5.0, 800.0])
def test_a_reading_is_the_posterior_and_is_consistent(predictor, log_ratio, prevalence):
    reading = judge(log_ratio, predictor.card, Terms("balanced", prevalence))
    ratio = math.exp(max(-700.0, min(700.0, log_ratio)))
    odds = ratio * prevalence / (1 - prevalence)
    assert reading.likelihood_ratio == pytest.approx(ratio)
    assert reading.probability == pytest.approx(odds / (1 + odds))
    assert reading.prevalence == prevalence
    assert reading.verdict == (
        "NORMAL" if log_ratio < -math.log(3) else "PNEUMONIA" if log_ratio >= math.log(3) else "INDETERMINATE"
    )
    assert {"rule-out": "NORMAL", "indeterminate": "INDETERMINATE", "rule-in": "PNEUMONIA"}[reading.zone] == reading.verdict
    assert reading.verdict != {"NORMAL": "PNEUMONIA", "PNEUMONIA": "NORMAL"}[reading.label]
    assert reading.verdict_of(reading.probability) == reading.verdict
    assert reading.verdict in SENTENCES


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, float("nan"), 30.0])
def test_an_invalid_prevalence(predictor, prevalence):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        judge(0.0, predictor.card, Terms("balanced", prevalence))


def test_unknown_operating_point(predictor):
    with pytest.raises(ConfigError, match="balanced, rule-out, rule-in"):
        judge(0.5, predictor.card, Terms("screening"))


def test_answered_file(predictor):
    finding = read(png(CHEST), predictor)
    assert finding.status == "ok"
    assert finding.answer.log_ratio == predictor.answer(CHEST).log_ratio
    assert finding.radiograph.pixels.shape == (224, 224)
    assert finding.model_sha256 == predictor.card.sha256


def test_a_phantom_is_marked(predictor):
    finding = read(phantom_png(make_phantom(seed=1, height=80, width=100)), predictor)
    assert "no patient" in finding.warnings[0]
    assert read(png(CHEST), predictor).warnings == ()


def test_what_the_gate_refuses_has_no_probability(predictor):
    flat = png(np.full((300, 300), 255, np.uint8))
    finding = read(flat, predictor)
    assert finding.status == "rejected"
    assert "hardly any contrast" in finding.reasons[0]
    assert (finding.answer, finding.canonical, finding.warnings) == (None, None, ())
    assert read(flat, predictor, gated=False).answer.log_ratio > 4.6  # only for published figures


class Featured(Predictor):
    """Gives the features it is given."""

    told = np.zeros(6, np.float32)

    def answer(self, image):
        return dataclasses.replace(super().answer(image), features=self.told)


def test_the_learned_distance_is_used_if_the_model_has_a_reference(tmp_path):
    predictor = Featured.load("tiny", make_registry(tmp_path))
    predictor.reference = make_reference()
    assert (read(png(CHEST), predictor).status, read(png(CHEST), predictor).warnings) == ("ok", ())
    predictor.told = np.full(6, 100, np.float32)
    assert read(png(CHEST), predictor).status == "rejected"
    assert read(phantom_png(make_phantom(seed=1)), predictor).status == "ok"


def test_a_warning_stands_beside_the_answer(tmp_path):
    predictor = Featured.load("tiny", make_registry(tmp_path))
    predictor.reference = make_reference(pose=4)
    finding = read(png(CHEST), predictor)
    assert finding.answer is not None
    assert "inverted" in finding.warnings[0]


@pytest.mark.parametrize(("data", "status"), [(b"", "error"), (b"a letter", "error"), ("tiny image", "rejected")])
def test_unanswered_file_says_why(predictor, data, status):
    data = png(np.zeros((1, 1), np.uint8)) if data == "tiny image" else data
    finding = read(data, predictor)
    assert finding.status == status
    assert finding.answer is None
    assert len(finding.reasons[0]) > 20
