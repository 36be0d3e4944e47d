import numpy as np
import pytest
from tiny_model import make_registry

from pneumo.data.phantom import make_phantom, phantom_png
from pneumo.errors import ConfigError
from pneumo.imaging.overlay import png
from pneumo.inference.finding import judge, read
from pneumo.inference.predictor import Predictor


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
    reading = judge(probability, predictor.card, point)
    assert (reading.label, reading.zone) == (label, zone)


def test_unknown_operating_point(predictor):
    with pytest.raises(ConfigError, match="balanced, rule-out, rule-in"):
        judge(0.5, predictor.card, "screening")


def test_answered_file(predictor):
    finding = read(png(np.full((100, 80), 255, np.uint8)), predictor)
    assert finding.status == "ok"
    assert finding.answer.probability > 0.99
    assert finding.radiograph.pixels.shape == (100, 80)
    assert finding.model_sha256 == predictor.card.sha256


def test_a_phantom_is_marked(predictor):
    finding = read(phantom_png(make_phantom(seed=1, height=80, width=100)), predictor)
    assert "no patient" in finding.warnings[0]
    assert read(png(np.zeros((80, 80), np.uint8)), predictor).warnings == ()


@pytest.mark.parametrize(("data", "status"), [(b"", "error"), (b"a letter", "error"), ("tiny image", "rejected")])
def test_unanswered_file_says_why(predictor, data, status):
    data = png(np.zeros((1, 1), np.uint8)) if data == "tiny image" else data
    finding = read(data, predictor)
    assert finding.status == status
    assert finding.answer is None
    assert len(finding.reasons[0]) > 20
