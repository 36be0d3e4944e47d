"""How much the lungs count, measured on a model with a known rule from which every figure follows."""

import dataclasses

import numpy as np
import pytest
from known_rule import CALLED, HEALTHY, lungs, reader_of, warnings
from readings import reading_of
from scipy.special import expit
from tiny_model import make_registry, put

from pneumo.evaluation.likelihood import posterior
from pneumo.imaging.radiograph import SYNTHETIC, ImageFacts
from pneumo.inference.lung_checks import HeatShare, Lungs, Occlusion, heat_in_lungs, load_finder, lungs_of, occlusion
from pneumo.inference.second_opinion import SecondOpinion, Stability, compute_second_opinion
from pneumo.reporting import second_opinion_words as words


def at_even_odds(ratios: Occlusion) -> Occlusion:
    return Occlusion(float(expit(ratios.unchanged)), float(expit(ratios.hidden)), ratios.reason)


def two_greys(inside: int, outside: int) -> np.ndarray:
    return np.where(lungs(), inside, outside).astype(np.uint8)


def around() -> np.ndarray:
    """A region far from the lungs, not reached by hiding them."""
    mask = np.zeros((224, 224), bool)
    mask[16:46] = mask[184:208] = True
    return mask


def test_a_model_that_reads_the_surroundings_causes_a_warning(tmp_path):
    predictor = reader_of(tmp_path, around())
    image = two_greys(inside=60, outside=200)  # sigmoid(10 (200 / 255 - 0.5)) = 0.945
    answer = predictor.answer(image)
    probabilities = at_even_odds(occlusion(image, predictor, answer, Lungs(lungs())))
    assert probabilities.unchanged == pytest.approx(0.945, abs=1e-3)
    assert probabilities.hidden == probabilities.unchanged
    opinion = compute_second_opinion(image, predictor, answer, Lungs(lungs())).at(0.5)
    assert "The score stays at 0.94 with the lungs hidden: the answer does not need them." in warnings(opinion, [], CALLED)
    assert "hardly rests on what the lungs show" in words.occlusion_sentence(probabilities, CALLED)


def test_a_model_that_reads_the_lungs_causes_no_warning(tmp_path):
    predictor = reader_of(tmp_path, lungs())
    image = two_greys(inside=200, outside=60)
    answer = predictor.answer(image)
    probabilities = at_even_odds(occlusion(image, predictor, answer, Lungs(lungs())))
    assert probabilities.unchanged == pytest.approx(0.945, abs=1e-3)
    assert probabilities.hidden == pytest.approx(
        1 / (1 + np.exp(10 * (0.5 - 60 / 255))), abs=1e-3
    )  # 0.066: all grey of the surroundings
    assert warnings(compute_second_opinion(image, predictor, answer, Lungs(lungs())).at(0.5), [], CALLED) == ()
    assert words.occlusion_sentence(probabilities, CALLED) == (
        "The score is 0.94 as it is, 0.07 with the lungs painted over in the grey around them. "
        "The answer rests on what the lungs show."
    )


@pytest.mark.parametrize(
    ("unchanged", "hidden", "stays", "said"),
    [
        (0.95, 0.50, True, "though not on that alone"),
        (0.95, 0.49, False, "rests on what the lungs show."),  # as from a model trained to know nothing without lungs
        (0.95, 0.76, True, "hardly rests"),
        (0.95, 0.74, True, "though not on that alone"),
        (0.70, 0.99, True, "hardly rests"),  # more sure without lungs than with them
        (0.55, 0.45, False, "near the threshold"),
        (0.05, 0.06, False, "says little"),  # NORMAL
        (0.05, 0.50, False, "rests on what the lungs show."),
        (0.05, 0.45, False, "though not on that alone"),
    ],
)
def test_when_the_lungs_count(unchanged, hidden, stays, said):
    probabilities, reading = Occlusion(unchanged, hidden), CALLED if unchanged >= 0.5 else HEALTHY
    assert bool(words.hidden_caution(probabilities, reading, {})) is stays
    assert said in words.occlusion_sentence(probabilities, reading)


def test_heat_outside_the_lungs_and_an_unknown_age():
    (caution,) = words.heat_caution(HeatShare(0.2, 0.4), CALLED, {})
    assert caution.title == "Heat outside the lungs"
    assert "20 % of the heat lies in the lungs, which take 40 %" in caution.sentence
    assert words.heat_caution(HeatShare(0.4, 0.4), CALLED, {}) == words.heat_caution(HeatShare(0.2, 0.4), HEALTHY, {}) == ()
    facts = ImageFacts("PNG", 1, 224, 224, 8)
    assert words.age_caution(facts)[0].title == "Age unknown"
    assert words.age_caution(dataclasses.replace(facts, patient_age="003Y")) == ()
    assert words.age_caution(dataclasses.replace(facts, notes=(SYNTHETIC,))) == ()


def test_the_usual_answer_with_hidden_lungs_is_stated(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path))
    opinion = SecondOpinion(Stability(0.9, (0.9,)), Occlusion(0.9, 0.9), HeatShare(0.5, 0.3), ())
    assert words.usual_when_hidden("tiny") is None
    stored = make_registry(tmp_path) / "tiny" / "robustness.json"
    older = '{"lungs_hidden": {"mean_probability_healthy": 0.92}}'  # at an unknown prevalence
    for text, usual in (("{", None), ("{}", None), (older, None), ('{"lungs_hidden": {"median_log_ratio_healthy": 2.5}}', 2.5)):
        put(stored, text)
        assert words.usual_when_hidden("tiny") == usual
    said = dict(words.rows(opinion, [], CALLED, usual=2.5))["Lungs hidden"]  # sigmoid(2.5)
    assert "A healthy child with hidden lungs gets 0.92 from this model (median): it calls nearly any picture" in said
    assert dict(words.rows(opinion, [], CALLED, usual=-0.4))["Lungs hidden"].endswith("gets 0.40 from this model (median).")
    assert "healthy child" not in dict(words.rows(opinion, [], CALLED))["Lungs hidden"]


@pytest.mark.parametrize("prevalence", [0.05, 0.3, 0.8])
def test_the_usual_answer_is_stated_at_the_prevalence_of_the_reading(prevalence):
    usual, cut = 2.0, 2.5  # log likelihood ratios: below the cut at every prevalence
    low, high = (float(posterior(ratio, prevalence)) for ratio in (-cut, cut))
    reading = reading_of(float(posterior(4.0, prevalence)), low=low, high=high, prevalence=prevalence)
    opinion = SecondOpinion(Stability(4.0, (4.0,)), Occlusion(4.0, 1.0), HeatShare(0.5, 0.3), ()).at(prevalence)
    said = dict(words.rows(opinion, [], reading, usual))["Lungs hidden"]
    assert f"gets {words.in_words(float(posterior(usual, prevalence)))} from this model (median)." in said
    above = dict(words.rows(opinion, [], reading, 2.6))["Lungs hidden"]
    assert "it calls nearly any picture without lungs PNEUMONIA" in above


def test_heat_in_the_lungs_is_of_the_raw_map(tmp_path):
    predictor = reader_of(tmp_path, lungs())
    half = np.zeros((224, 224), bool)
    half[:, :112] = True
    image = np.where(half, 255, 0).astype(np.uint8)
    share = heat_in_lungs(predictor.answer(image), predictor.card, Lungs(half))
    assert share.area_of_lungs == 0.5
    assert share.in_lungs > 0.9
    mirror = heat_in_lungs(predictor.answer(image), predictor.card, Lungs(~half))
    assert share.in_lungs + mirror.in_lungs == pytest.approx(1.0)
    none = heat_in_lungs(predictor.answer(np.zeros((224, 224), np.uint8)), predictor.card, Lungs(half))
    assert np.isnan(none.in_lungs)
    assert words.heat_sentence(none) == (
        "Heat in the lungs not measured: No place spoke for pneumonia, so there is no heat to share out."
    )
    assert words.heat_sentence(HeatShare(0.741, 0.312)) == (
        "74 % of the heat lies in the lungs, which take 31 % of what the model is shown."
    )


def test_implausible_lungs_are_not_measured(tmp_path):
    predictor = reader_of(tmp_path, lungs())
    image = two_greys(200, 60)
    opinion = compute_second_opinion(image, predictor, predictor.answer(image), Lungs(None, "No lung field was found.")).at(0.5)
    assert np.isnan(opinion.occlusion.hidden)
    assert words.hidden_caution(opinion.occlusion, CALLED, {}) == ()
    said = dict(words.rows(opinion, [], CALLED))
    assert said["Lungs hidden"] == "Not measured: No lung field was found."
    assert said["Heat"] == "Heat in the lungs not measured: No lung field was found."


def test_without_a_segmenter_nothing_is_said_of_the_lungs(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path))
    assert load_finder() is not None  # the one shipped with Pneumo
    monkeypatch.setattr("pneumo.inference.lung_fields.SHIPPED", tmp_path / "lungs")
    assert load_finder() is None
    fields = lungs_of(two_greys(60, 200), None)
    assert fields.mask is None
    assert "no lung segmenter" in fields.reason
