import dataclasses

import numpy as np
import pytest
from makers import dicom_bytes, png_bytes, ramp
from pictures import make_reference
from tiny_model import make_registry

from pneumo.errors import ModelError
from pneumo.inference.finding import ask_again, image_to_keep, read
from pneumo.inference.predictor import Predictor
from pneumo.synthetic.phantom import make_phantom, phantom_png

X_RAY = dicom_bytes(ramp(200, 240), PatientAge="040Y")


@pytest.fixture
def first(tmp_path) -> Predictor:
    return Predictor.load("tiny", make_registry(tmp_path / "one"))


@pytest.fixture
def other(tmp_path) -> Predictor:
    return Predictor.load("tiny", make_registry(tmp_path / "two", subtype=True))


def wary(predictor: Predictor) -> Predictor:
    """The same, with a gate that finds everything strange."""
    strange = make_reference()
    strange = dataclasses.replace(strange, weights=np.append(np.zeros(len(strange.weights) - 1), 9).astype(np.float32))
    predictor.reference, answer = strange, predictor.answer
    predictor.answer = lambda image: dataclasses.replace(answer(image), features=np.zeros(6, np.float32))
    return predictor


def asked(finding, predictor):
    return ask_again(finding.sha256, image_to_keep(finding), finding.radiograph.facts, predictor)


@pytest.mark.parametrize("data", [X_RAY, png_bytes(ramp(300, 400)), phantom_png(make_phantom(seed=1))])
def test_the_answer_is_the_same_as_from_the_file(first, other, data):
    fresh, again = read(data, other), asked(read(data, first), other)
    assert (again.status, again.warnings, again.sha256, again.model) == ("ok", fresh.warnings, fresh.sha256, "tiny")
    assert (again.answer.logit, again.answer.bacterial) == (fresh.answer.logit, fresh.answer.bacterial)
    assert again.radiograph is again.canonical is None


def test_warnings_from_the_header_are_kept(first, other):
    assert "The patient is an adult" in asked(read(X_RAY, first), other).warnings[0]


def test_its_own_gate_refuses(first, other):
    finding = asked(read(X_RAY, first), wary(other))
    assert (finding.status, finding.answer, finding.warnings) == ("rejected", None, ())
    assert "does not look like" in finding.reasons[0]


def test_an_image_refused_by_another_gate_can_be_answered(first, other):
    refused = read(X_RAY, wary(first))
    assert refused.status == "rejected"
    assert asked(refused, other).answer.logit == read(X_RAY, other).answer.logit
    assert image_to_keep(read(b"Dear colleague", first)) is None


def test_a_model_that_fails(first, other, monkeypatch):
    def fail(image):
        raise ModelError("gave no number")

    monkeypatch.setattr(other, "answer", fail)
    finding = asked(read(X_RAY, first), other)
    assert (finding.status, finding.reasons, finding.answer) == ("error", ("gave no number",), None)
