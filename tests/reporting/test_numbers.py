import pytest

from pneumo.reporting.numbers import interval, number, p_value, probability, signed

NAN = float("nan")


def test_undefined_is_said():
    assert {number(None), number(NAN), signed(None), signed(NAN), p_value(NAN)} == {"undefined"}


def test_digits_and_signs():
    assert (number(0.98765), signed(0.0204), signed(-0.5, 1)) == ("0.988", "+0.020", "-0.5")


@pytest.mark.parametrize(("p", "said"), [(0.2, "0.200"), (0.001, "0.001"), (0.00099, "below 0.001"), (0.0, "below 0.001")])
def test_p(p, said):
    assert p_value(p) == said


@pytest.mark.parametrize(
    ("value", "said"), [(1.0, "above 0.999"), (0.99951, "above 0.999"), (0.9994, "0.999"), (0.0, "below 0.001"), (0.0006, "0.001")]
)
def test_a_probability_is_never_a_certainty(value, said):
    assert probability(value) == said


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ({"value": 0.95, "low": 0.9, "high": 1.0}, "0.95 (0.90-1.00)"),
        ({"value": -0.45, "low": -0.9, "high": 0.0}, "-0.45 (-0.90 to 0.00)"),
        ({"value": None, "low": None, "high": None}, "undefined"),
    ],
)
def test_interval(figure, text):
    assert interval(figure, 2) == text
