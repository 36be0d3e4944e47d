"""Small changes, similar cases, votes and cautions, on a model with a known rule from which every figure follows."""

import dataclasses

import numpy as np
import pytest
from known_rule import CALLED, lungs, reader_of, warnings
from readings import reading_of
from tiny_model import make_registry

from pneumo.errors import ConfigError
from pneumo.evaluation.cautions import CautionRate
from pneumo.inference.finding import Terms
from pneumo.inference.lung_checks import HeatShare, Lungs, Occlusion
from pneumo.inference.reference import Reference
from pneumo.inference.second_opinion import (
    SMALL_CHANGES,
    SecondOpinion,
    SimilarCase,
    Stability,
    Vote,
    compute_second_opinion,
    find_similar_cases,
    vote,
)
from pneumo.registry.models import read_card
from pneumo.reporting import second_opinion_words as words


def test_a_caution_is_given_only_above_its_limit_and_with_its_rates():
    right, wrong = {"value": 0.04, "low": 0.02, "high": 0.08}, {"value": 0.4, "low": 0.2, "high": 0.63}
    opinion = SecondOpinion(Stability(0.9, (0.1, 0.2, 0.9)), Occlusion(0.9, 0.1), HeatShare(0.5, 0.3), ())
    for limit, said in ((1.0, True), (2.0, False)):
        rates = {"small changes": CautionRate({"PNEUMONIA": limit}, right, wrong)}
        cautions = words.cautions(opinion, [], CALLED, rates)
        assert bool(cautions) is said
        assert words.caution_text(cautions) == said * (
            "Small changes to the picture turn the answer: 2 of 3 give another verdict. On held-out X-rays this was said of "
            "4 % of the right answers (2 to 8 %) and of 40 % of the wrong answers (20 to 63 %)."
        )
    unknown = dict.fromkeys(wrong)
    (told,) = words.changes_caution(opinion.stability, CALLED, {"small changes": CautionRate({}, right, unknown)})
    assert told.sentence.endswith("this was said of 4 % of the right answers (2 to 8 %).")


def test_a_change_without_an_answer_is_nan_and_counts_as_another_answer():
    stability = Stability(0.8, (0.9, float("nan"), 0.7))
    assert (stability.lowest, stability.highest) == (0.7, 0.9)
    assert stability.turned(CALLED) == 1


def test_small_changes(tmp_path):
    """A model that reads only one side: mirroring reverses its answer; blur and JPEG of a flat field change nothing."""
    left = np.zeros((224, 224), bool)
    left[40:184, 30:100] = True
    predictor = reader_of(tmp_path, left)
    image = np.where(np.arange(224) < 112, 200, 60) * np.ones((224, 1))
    image = image.astype(np.uint8)
    stability = compute_second_opinion(image, predictor, predictor.answer(image), Lungs(lungs())).at(0.5).stability
    by_name = dict(zip([name for name, _ in SMALL_CHANGES], stability.changed, strict=True))
    assert by_name["mirrored"] == pytest.approx(1 / (1 + np.exp(10 * (0.5 - 60 / 255))), abs=1e-3)
    assert by_name["blurred by 0.7 px"] == pytest.approx(0.945, abs=2e-3)
    assert by_name["brighter by 0.10"] == pytest.approx(1 / (1 + np.exp(10 * (0.5 - 200 / 255 - 0.1))), abs=2e-3)
    assert stability.lowest == by_name["mirrored"]
    assert stability.highest == by_name["brighter by 0.10"]
    assert stability.turned(CALLED) == 1
    assert stability.turned(reading_of(0.9, low=0.01, high=0.01)) == 0


def test_words_of_small_changes():
    opinion = SecondOpinion(Stability(0.6, (0.3, 0.4, 0.9)), Occlusion(0.6, 0.1), HeatShare(0.5, 0.3), ())
    assert warnings(opinion, [], CALLED) == ("Small changes to the picture turn the answer: 2 of 3 give another verdict.",)
    said = words.stability_sentence(opinion.stability, CALLED)
    assert said.startswith("The score goes from 0.30 to 0.90 over 3 changes")
    assert said.endswith("; 2 of them give another verdict.")
    assert words.stability_sentence(Stability(0.999, (0.998,)), CALLED).startswith("The score stays at above 0.99 over 1")


def reference(scores, labels, files) -> Reference:
    """Two components: the features minus 1, the second divided by its width of 10."""
    n, none = len(files), np.zeros(1, np.float32)
    return Reference(
        np.array(files),
        np.array(labels, np.uint8),
        np.array([2 * label for label in labels], np.uint8),
        np.array(scores, np.float32).reshape(n, 2),
        np.ones(2, np.float32),
        np.eye(2, dtype=np.float32),
        *(none,) * 4,
        np.array([1.0, 10.0, 1.0], np.float32),
        *(none,) * 2,
        np.zeros((5, 785), np.float32),  # wide along the second
    )


def test_similar_cases_are_the_nearest_one_a_patient():
    stored = reference(
        [(1, 0), (1, 0.1), (0, 1), (-1, 0), (1, 1)],
        [1, 1, 0, 0, 1],
        [
            "train/PNEUMONIA/person7_virus_1.jpeg",
            "train/PNEUMONIA/person7_virus_2.jpeg",
            "train/NORMAL/IM-0001-0001.jpeg",
            "train/NORMAL/IM-0002-0001.jpeg",
            "train/PNEUMONIA/person8_virus_1.jpeg",
        ],
    )
    cases = find_similar_cases(np.array([3.0, 3.0], np.float32), stored, count=3)  # minus the mean, divided by the width: (2, 0.2)
    assert [case.file.rpartition("/")[2] for case in cases] == ["person7_virus_2.jpeg", "person8_virus_1.jpeg", "IM-0001-0001.jpeg"]
    assert [case.label for case in cases] == ["PNEUMONIA", "PNEUMONIA", "NORMAL"]
    assert cases[0].subtype == "viral"
    assert cases[0].same
    assert cases[1].similarity == pytest.approx(2.2 / (np.hypot(2, 0.2) * np.sqrt(2)), abs=1e-5)
    assert not cases[1].same


def test_words_of_similar_cases():
    def cases(sick, healthy):
        return tuple(SimilarCase(f"{i}", "PNEUMONIA", "viral" if i else "bacterial", 0.8) for i in range(sick)) + tuple(
            SimilarCase(f"n{i}", "NORMAL", "none", 0.7) for i in range(healthy)
        )

    assert words.similar_sentence(cases(10, 2)).startswith(
        "Of the 12 most similar train pictures, 10 are PNEUMONIA (1 bacterial, 9 viral). "
    )
    assert words.similar_sentence(()) == words.NO_REFERENCE
    calm = SecondOpinion(Stability(0.9, (0.9,)), Occlusion(0.9, 0.1), HeatShare(0.5, 0.3), cases(6, 6))
    assert warnings(calm, [], CALLED) == ()
    odd = dataclasses.replace(calm, similar=cases(5, 7))
    assert warnings(odd, [], CALLED) == ("Of the 12 most similar train pictures, 7 are NORMAL.",)
    copy = dataclasses.replace(calm, similar=(SimilarCase("0", "PNEUMONIA", "viral", 0.9999),))
    assert "learned from this very picture" in warnings(copy, [], CALLED)[0]


def test_each_vote_uses_the_models_own_zones(tmp_path):
    make_registry(tmp_path)
    card = read_card("tiny", tmp_path)
    for log_ratio, probability, verdict in ((2.0, 0.8808, "PNEUMONIA"), (0.4, 0.5987, "INDETERMINATE"), (-2.0, 0.1192, "NORMAL")):
        cast = vote(card, log_ratio, Terms("balanced", 0.5))
        assert cast == Vote("tiny", pytest.approx(probability, abs=1e-4), verdict)
    with pytest.raises(ConfigError, match="best"):
        vote(card, 0.6, Terms("best", 0.5))
    votes = [Vote("a", 0.91, "PNEUMONIA"), Vote("b", 0.68, "INDETERMINATE"), Vote("c", 0.31, "NORMAL")]
    assert words.votes_sentence(votes, CALLED).startswith(
        "1 of 3 models says PNEUMONIA, each by its own zones (a PNEUMONIA 0.91, b INDETERMINATE 0.68, c NORMAL 0.31)."
    )
    calm = SecondOpinion(Stability(0.9, (0.9,)), Occlusion(0.9, 0.1), HeatShare(0.5, 0.3), ())
    assert warnings(calm, votes, CALLED) == ("The models disagree: 1 of 3 says NORMAL (c).",)
    unsure = reading_of(0.6)
    steady = dataclasses.replace(calm, stability=Stability(0.6, (0.6,)))
    assert warnings(steady, votes, unsure) == ()  # nothing to disagree with
    assert words.votes_sentence(votes[:1], CALLED) == "Not measured: there is no other model to ask."
    assert words.votes_sentence(votes, CALLED, left_out=2).endswith(
        "can be wrong together. 2 models are left out: not signed by a known key."
    )
