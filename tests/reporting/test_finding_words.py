import pytest
from readings import reading_of

from pneumo.labels import Verdict
from pneumo.reporting import finding_words as words
from pneumo.reporting.finding_words import SENTENCES, in_words, subtype_accuracy, subtype_sentence

PNEUMONIA, UNSURE = reading_of(0.9), reading_of(0.6)


@pytest.mark.parametrize(
    ("probability", "text"), [(0.0001, "below 0.01"), (0.014, "0.01"), (0.5, "0.50"), (0.99, "0.99"), (0.9999, "above 0.99")]
)
def test_no_certainty(probability, text):
    assert in_words(probability) == text


def test_every_verdict_has_a_sentence():
    assert set(SENTENCES) == set(Verdict)
    assert "open" in SENTENCES[UNSURE.verdict]


def test_probability_says_at_which_prevalence():
    assert words.probability_sentence(reading_of(0.9, prevalence=0.3)) == (
        "probability 0.90 where 30 % of the patients have pneumonia"
    )
    assert (words.share(0.004), words.share(0.3), words.share(0.995)) == ("0.4 %", "30 %", "99.5 %")


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.75, "3.0 times as frequent among sick children as among healthy"),
        (0.25, "3.0 times as frequent among healthy"),
        (0.96, "24 times"),
        (0.9999, "more than 100 times"),
        (0.0001, "more than 100 times as frequent among healthy"),
    ],
)
def test_likelihood_ratio_in_words(probability, said):
    assert said in words.likelihood_sentence(reading_of(probability))


BANDS = [
    {"low": low, "high": high, "n": n, "patients": patients, "sick": sick}
    for low, high, n, patients, sick in (
        (None, -1.0, 90, 80, 2),
        (-1.0, 1.0, 40, 40, 20),
        (1.0, 3.0, 60, 50, 45),
        (3.0, None, 5, 5, 5),
    )
]
COUNTED = {"test": {"prevalence": 0.5, "bands": BANDS}}


def test_children_who_scored_like_this():
    said = words.like_this_sentence(COUNTED, 2.0, reading_of(0.9, prevalence=0.3), ())
    assert said.startswith(
        "Of 60 test X-rays of children who scored like this, 45 were of sick children (75 %, 95 % interval 62 to 85 %)."
    )
    assert "Where 30 % of the patients have pneumonia, that would be about 56 of 100 (41 to 71)." in said  # odds 3 x 3/7
    unsure = words.like_this_sentence(COUNTED, 0.0, UNSURE, ())
    assert unsure.startswith("Of 40 test X-rays")
    assert "of 100" not in unsure
    assert "too few" in words.like_this_sentence(COUNTED, 9.0, PNEUMONIA, ())


def test_with_a_warning_or_without_counts_the_sentence_is_empty():
    assert words.like_this_sentence(COUNTED, 2.0, PNEUMONIA, ("An adult.",)) == ""
    assert words.like_this_sentence({}, 2.0, PNEUMONIA, ()) == words.like_this_sentence({"test": {}}, 2.0, PNEUMONIA, ()) == ""


def measured(kind: float | None) -> dict:
    return {"validation": {"subtype": {"auc": {"value": 0.76}}}, "test": {"subtype": {"auc": {"value": kind}}}}


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (measured(0.912), "Its AUC is 0.76 on validation and 0.91 on test pneumonias."),
        (measured(None), "Its AUC is 0.76 on validation pneumonias."),
        ({"test": {"auc": {"value": 0.98}}}, "It was never measured."),
        ({}, "It was never measured."),
    ],
)
def test_subtype_says_how_far_to_trust_it(metrics, said):
    assert subtype_sentence(metrics, PNEUMONIA, 0.714) == (
        f"Bacterial 0.71, viral 0.29: a second answer, not to choose antibiotics by. {said}"
    )


def test_subtype_is_silent_on_the_healthy_and_without_the_output():
    assert subtype_sentence(measured(0.9), PNEUMONIA, None) == ""
    assert subtype_sentence(measured(0.9), UNSURE, 0.7) == ""


def test_accuracy_of_the_subtype_with_its_interval_where_it_was_measured():
    kind = {"n": 390, "accuracy": {"value": 0.844, "low": 0.8, "high": 0.881}}
    assert subtype_accuracy({"test": {"subtype": kind}}) == (
        "Bacterial or viral was right in 0.84 (0.80-0.88) of the 390 test pneumonias of known kind."
    )
    assert subtype_accuracy({"test": {}}) == subtype_accuracy({}) == subtype_accuracy(measured(0.9)) == ""


def figure(value: float) -> dict:
    return {"value": value, "low": value - 0.02, "high": value + 0.01}


def test_figures_are_those_of_the_verdicts():
    points = {
        "rule-out": {"sensitivity": figure(0.98), "specificity": figure(0.7)},
        "rule-in": {"sensitivity": figure(0.9), "specificity": figure(0.95)},
    }
    metrics = {"test": {"n": 624, "operating_points": points}}
    assert words.figures_sentence(metrics) == "On 624 test X-rays (95 % interval):"
    assert words.figure_rows(metrics) == [
        ("sick children called PNEUMONIA", "0.90 (0.88-0.91)"),
        ("sick children called NORMAL", "0.02 (0.01-0.04)"),
        ("healthy children called NORMAL", "0.70 (0.68-0.71)"),
        ("healthy children called PNEUMONIA", "0.05 (0.04-0.07)"),
    ]


@pytest.mark.parametrize("metrics", [{}, {"test": {"n": 3, "ece": 0.1, "operating_points": {}}}])
def test_without_figures_it_says_so(metrics):
    assert words.figures_sentence(metrics) == words.UNTESTED
    assert words.figure_rows(metrics) == []
