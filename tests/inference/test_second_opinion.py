"""Each check on a model whose rule is known, so that every figure follows from it."""

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from readings import reading_of
from scipy.special import expit
from tiny_model import SPEC, make_registry, put

from pneumo.errors import ConfigError
from pneumo.evaluation.cautions import CautionRate
from pneumo.evaluation.likelihood import posterior
from pneumo.files import sha256
from pneumo.imaging.preprocess import model_input
from pneumo.imaging.radiograph import SYNTHETIC, ImageFacts
from pneumo.inference.finding import Reading, Terms
from pneumo.inference.lung_checks import HeatShare, Lungs, Occlusion, heat_in_lungs, load_finder, lungs_of, occlusion
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import Reference
from pneumo.inference.second_opinion import SMALL_CHANGES, SecondOpinion, Stability, Vote, compute_second_opinion, vote
from pneumo.inference.similar_cases import SimilarCase, find_similar_cases
from pneumo.registry.models import read_card, write_card
from pneumo.reporting import second_opinion_words as words

CALLED, HEALTHY = (
    reading_of(0.9, low=0.5, high=0.5),
    reading_of(0.1, low=0.5, high=0.5),
)  # two zones: every value is one or the other


def at_even_odds(found: Occlusion) -> Occlusion:
    return Occlusion(float(expit(found.unchanged)), float(expit(found.hidden)), found.reason)


def warnings(opinion: SecondOpinion, votes: list[Vote], reading: Reading) -> tuple[str, ...]:
    """Where no rates are stored."""
    return tuple(caution.sentence for caution in words.cautions(opinion, votes, reading, {}))


def lungs() -> np.ndarray:
    """Two upright fields, bool (224, 224)."""
    mask = np.zeros((224, 224), bool)
    mask[70:160, 50:95] = mask[70:160, 130:175] = True
    return mask


def two_greys(inside: int, outside: int) -> np.ndarray:
    return np.where(lungs(), inside, outside).astype(np.uint8)


def reader_of(root, mask: np.ndarray) -> Predictor:
    """A model with logit = 20 (mean grey inside `mask` - 0.5); its map is each 8 x 8 cell's grey - 0.5."""
    make_registry(root)
    weight = model_input((mask * 255).astype(np.uint8), SPEC)
    weight = (weight >= 0.99).astype(np.float32)  # cells wholly inside
    weight *= 20.0 / weight.sum()
    info, node = helper.make_tensor_value_info, helper.make_node
    graph = helper.make_graph(
        [
            node("Sub", ["radiograph", "half"], ["centred"]),
            node("Mul", ["centred", "weight"], ["weighted"]),
            node("ReduceSum", ["weighted", "axes"], ["logit"], keepdims=0),
            node("Transpose", ["centred"], ["planes"], perm=[0, 3, 1, 2]),
            node("AveragePool", ["planes"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
            node("Squeeze", ["cells", "one"], ["map"]),
            node("ReduceMean", ["planes"], ["features"], axes=[2, 3], keepdims=0),
        ],
        "reader",
        [info("radiograph", TensorProto.FLOAT, ["n", 32, 32, 1])],
        [
            info("logit", TensorProto.FLOAT, ["n"]),
            info("map", TensorProto.FLOAT, ["n", 4, 4]),
            info("features", TensorProto.FLOAT, ["n", 1]),
        ],
        initializer=[
            helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
            helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.ravel()),
            helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
            helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        ],
    )
    path = root / "tiny" / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    card = read_card("tiny", root)
    write_card(dataclasses.replace(card, files={**card.files, "model.onnx": sha256(path)}), root / "tiny", ("model.onnx",))
    predictor = Predictor.load("tiny", root)
    predictor.reference = None  # similar cases have tests of their own
    return predictor


def around() -> np.ndarray:
    """Far from the lungs: nothing that hides them reaches here."""
    mask = np.zeros((224, 224), bool)
    mask[16:46] = mask[184:208] = True
    return mask


def test_a_model_that_reads_the_surroundings_must_be_warned_of(tmp_path):
    predictor = reader_of(tmp_path, around())
    image = two_greys(inside=60, outside=200)  # sigmoid(10 (200 / 255 - 0.5)) = 0.945
    answer = predictor.answer(image)
    found = at_even_odds(occlusion(image, predictor, answer, Lungs(lungs())))
    assert found.unchanged == pytest.approx(0.945, abs=1e-3)
    assert found.hidden == found.unchanged
    opinion = compute_second_opinion(image, predictor, answer, Lungs(lungs())).at(0.5)
    assert "The score stays at 0.94 with the lungs hidden: the answer does not need them." in warnings(opinion, [], CALLED)
    assert "hardly rests on what the lungs show" in words.occlusion_sentence(found, CALLED)


def test_a_model_that_reads_the_lungs_must_not(tmp_path):
    predictor = reader_of(tmp_path, lungs())
    image = two_greys(inside=200, outside=60)
    answer = predictor.answer(image)
    found = at_even_odds(occlusion(image, predictor, answer, Lungs(lungs())))
    assert found.unchanged == pytest.approx(0.945, abs=1e-3)
    assert found.hidden == pytest.approx(1 / (1 + np.exp(10 * (0.5 - 60 / 255))), abs=1e-3)  # 0.066: all grey of the surroundings
    assert warnings(compute_second_opinion(image, predictor, answer, Lungs(lungs())).at(0.5), [], CALLED) == ()
    assert words.occlusion_sentence(found, CALLED) == (
        "The score is 0.94 as it is, 0.07 with the lungs painted over in the grey around them. "
        "The answer rests on what the lungs show."
    )


@pytest.mark.parametrize(
    ("unchanged", "hidden", "stays", "said"),
    [
        (0.95, 0.50, True, "though not on that alone"),
        (0.95, 0.49, False, "rests on what the lungs show."),  # what a model trained to know nothing without lungs says
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
    found, reading = Occlusion(unchanged, hidden), CALLED if unchanged >= 0.5 else HEALTHY
    assert bool(words.hidden_caution(found, reading, {})) is stays
    assert said in words.occlusion_sentence(found, reading)


def test_a_caution_is_said_above_its_limit_alone_and_with_its_rates():
    right, wrong = {"value": 0.04, "low": 0.02, "high": 0.08}, {"value": 0.4, "low": 0.2, "high": 0.63}
    opinion = SecondOpinion(Stability(0.9, (0.1, 0.2, 0.9)), Occlusion(0.9, 0.1), HeatShare(0.5, 0.3), ())
    for limit, said in ((1.0, True), (2.0, False)):
        rates = {"small changes": CautionRate({"PNEUMONIA": limit}, right, wrong)}
        found = words.cautions(opinion, [], CALLED, rates)
        assert bool(found) is said
        assert words.caution_text(found) == said * (
            "Small changes to the picture turn the answer: 2 of 3 give another verdict. On held-out X-rays this was said of "
            "4 % of the right answers (2 to 8 %) and of 40 % of the wrong answers (20 to 63 %)."
        )
    unknown = dict.fromkeys(wrong)
    (told,) = words.changes_caution(opinion.stability, CALLED, {"small changes": CautionRate({}, right, unknown)})
    assert told.sentence.endswith("this was said of 4 % of the right answers (2 to 8 %).")


def test_heat_outside_the_lungs_and_an_unknown_age():
    (found,) = words.heat_caution(HeatShare(0.2, 0.4), CALLED, {})
    assert found.title == "Heat outside the lungs"
    assert "20 % of the heat lies in the lungs, which take 40 %" in found.sentence
    assert words.heat_caution(HeatShare(0.4, 0.4), CALLED, {}) == words.heat_caution(HeatShare(0.2, 0.4), HEALTHY, {}) == ()
    facts = ImageFacts("PNG", 1, 224, 224, 8)
    assert words.age_caution(facts)[0].title == "Age unknown"
    assert words.age_caution(dataclasses.replace(facts, patient_age="003Y")) == ()
    assert words.age_caution(dataclasses.replace(facts, notes=(SYNTHETIC,))) == ()


def test_what_hiding_lungs_does_to_this_model_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path))
    opinion = SecondOpinion(Stability(0.9, (0.9,)), Occlusion(0.9, 0.9), HeatShare(0.5, 0.3), ())
    assert words.usual_when_hidden("tiny") is None
    stored = make_registry(tmp_path) / "tiny" / "robustness.json"
    older = '{"lungs_hidden": {"mean_probability_healthy": 0.92}}'  # at a prevalence that it does not name
    for text, usual in (("{", None), ("{}", None), (older, None), ('{"lungs_hidden": {"median_log_ratio_healthy": 2.5}}', 2.5)):
        put(stored, text)
        assert words.usual_when_hidden("tiny") == usual
    said = dict(words.rows(opinion, [], CALLED, usual=2.5))["Lungs hidden"]  # sigmoid(2.5)
    assert "A healthy child with hidden lungs gets 0.92 from this model (median): it calls nearly any picture" in said
    assert dict(words.rows(opinion, [], CALLED, usual=-0.4))["Lungs hidden"].endswith("gets 0.40 from this model (median).")
    assert "healthy child" not in dict(words.rows(opinion, [], CALLED))["Lungs hidden"]


@pytest.mark.parametrize("prevalence", [0.05, 0.3, 0.8])
def test_what_is_usual_is_told_and_judged_at_the_readings_own_prevalence(prevalence):
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
    found = heat_in_lungs(predictor.answer(image), predictor.card, Lungs(half))
    assert found.area_of_lungs == 0.5
    assert found.in_lungs > 0.9
    mirror = heat_in_lungs(predictor.answer(image), predictor.card, Lungs(~half))
    assert found.in_lungs + mirror.in_lungs == pytest.approx(1.0)
    none = heat_in_lungs(predictor.answer(np.zeros((224, 224), np.uint8)), predictor.card, Lungs(half))
    assert np.isnan(none.in_lungs)
    assert words.heat_sentence(none) == (
        "Heat in the lungs not measured: No place spoke for pneumonia, so there is no heat to share out."
    )
    assert words.heat_sentence(HeatShare(0.741, 0.312)) == (
        "74 % of the heat lies in the lungs, which take 31 % of what the model is shown."
    )


def test_lungs_that_cannot_be_believed_are_measured_nowhere(tmp_path):
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
    assert load_finder() is not None  # the one that came with Pneumo
    monkeypatch.setattr("pneumo.inference.lung_fields.SHIPPED", tmp_path / "lungs")
    assert load_finder() is None
    found = lungs_of(two_greys(60, 200), None)
    assert found.mask is None
    assert "no lung segmenter" in found.reason


def test_a_change_that_gets_no_answer_is_no_number_and_counts_as_another_answer():
    found = Stability(0.8, (0.9, float("nan"), 0.7))
    assert (found.lowest, found.highest) == (0.7, 0.9)
    assert found.turned(CALLED) == 1


def test_small_changes(tmp_path):
    """A model that reads one side alone: mirrored, it says the opposite; blur and JPEG of a flat field change nothing."""
    left = np.zeros((224, 224), bool)
    left[40:184, 30:100] = True
    predictor = reader_of(tmp_path, left)
    image = np.where(np.arange(224) < 112, 200, 60) * np.ones((224, 1))
    image = image.astype(np.uint8)
    found = compute_second_opinion(image, predictor, predictor.answer(image), Lungs(lungs())).at(0.5).stability
    by_name = dict(zip([name for name, _ in SMALL_CHANGES], found.changed, strict=True))
    assert by_name["mirrored"] == pytest.approx(1 / (1 + np.exp(10 * (0.5 - 60 / 255))), abs=1e-3)
    assert by_name["blurred by 0.7 px"] == pytest.approx(0.945, abs=2e-3)
    assert by_name["brighter by 0.10"] == pytest.approx(1 / (1 + np.exp(10 * (0.5 - 200 / 255 - 0.1))), abs=2e-3)
    assert found.lowest == by_name["mirrored"]
    assert found.highest == by_name["brighter by 0.10"]
    assert found.turned(CALLED) == 1
    assert found.turned(reading_of(0.9, low=0.01, high=0.01)) == 0


def test_words_of_small_changes():
    opinion = SecondOpinion(Stability(0.6, (0.3, 0.4, 0.9)), Occlusion(0.6, 0.1), HeatShare(0.5, 0.3), ())
    assert warnings(opinion, [], CALLED) == ("Small changes to the picture turn the answer: 2 of 3 give another verdict.",)
    said = words.stability_sentence(opinion.stability, CALLED)
    assert said.startswith("The score goes from 0.30 to 0.90 over 3 changes")
    assert said.endswith("; 2 of them give another verdict.")
    assert words.stability_sentence(Stability(0.999, (0.998,)), CALLED).startswith("The score stays at above 0.99 over 1")


def reference(scores, labels, files) -> Reference:
    """Two components: the features less 1, the second over its width of 10."""
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
    found = find_similar_cases(np.array([3.0, 3.0], np.float32), stored, count=3)  # less the mean and by width: (2, 0.2)
    assert [case.file.rpartition("/")[2] for case in found] == ["person7_virus_2.jpeg", "person8_virus_1.jpeg", "IM-0001-0001.jpeg"]
    assert [case.label for case in found] == ["PNEUMONIA", "PNEUMONIA", "NORMAL"]
    assert found[0].subtype == "viral"
    assert found[0].same
    assert found[1].similarity == pytest.approx(2.2 / (np.hypot(2, 0.2) * np.sqrt(2)), abs=1e-5)
    assert not found[1].same


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


def test_votes_are_each_by_the_models_own_zones(tmp_path):
    make_registry(tmp_path)
    card = read_card("tiny", tmp_path)
    for log_ratio, probability, verdict in ((2.0, 0.8808, "PNEUMONIA"), (0.4, 0.5987, "INDETERMINATE"), (-2.0, 0.1192, "NORMAL")):
        found = vote(card, log_ratio, Terms("balanced", 0.5))
        assert found == Vote("tiny", pytest.approx(probability, abs=1e-4), verdict)
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
