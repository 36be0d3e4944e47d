from pneumo.evaluation.mistakes import most_confident_mistakes
from pneumo.evaluation.predictions import make_predictions

P = make_predictions(
    list("abcdefg"),
    ["NORMAL"] * 3 + ["PNEUMONIA"] * 4,
    ["none"] * 3 + ["viral", "bacterial", "viral", "none"],
    [0.0] * 7,
    [0.5, 0.95, 0.1, 0.4, 0.02, 0.5, 0.49],
)


def test_order_and_kind():
    missed, alarms = most_confident_mistakes(P, 0.5)
    assert [(m.file, m.truth, m.called) for m in missed] == [
        ("e", "PNEUMONIA, bacterial", "NORMAL"),
        ("d", "PNEUMONIA, viral", "NORMAL"),
        ("g", "PNEUMONIA", "NORMAL"),
    ]
    assert [(m.file, m.label, m.probability) for m in alarms] == [("b", "NORMAL", 0.95), ("a", "NORMAL", 0.5)]


def test_at_most_the_given_number_and_possibly_none():
    assert [m.file for m in most_confident_mistakes(P, 0.5, most=1)[0]] == ["e"]
    assert most_confident_mistakes(P, 0.0)[0] == ()
