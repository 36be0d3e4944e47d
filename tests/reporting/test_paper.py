import pytest

from pneumo.reporting.paper import CUT, MISSING, fitted, printable, text_width

NARROW = 120.0


def test_lines_fit_and_lose_no_word():
    text = "Fever for four days, crackles on the right, saturation 93 % in room air"
    lines = fitted(text, 9, NARROW, 20)
    assert len(lines) > 2
    assert " ".join(lines) == text
    assert max(text_width(line, 9) for line in lines) <= NARROW


def test_each_line_is_as_full_as_it_can_be():
    first, second, *_ = fitted("one two three four five six seven eight nine ten", 9, NARROW, 20)
    assert text_width(f"{first} {second.split()[0]}", 9) > NARROW


def test_line_ends_are_kept():
    assert fitted("a\r\n\nb", 9, NARROW, 5) == ["a", "", "b"]


@pytest.mark.parametrize("lines", [1, 3])
def test_what_is_too_long_ends_with_a_mark_inside_the_width(lines):
    found = fitted("crackles " * 200, 9, 200, lines)
    assert len(found) == lines
    assert found[-1].endswith(CUT)
    assert "crackles" in found[-1]
    assert max(text_width(line, 9) for line in found) <= 200


def test_a_word_without_end_is_broken():
    lines = fitted("W" * 100, 9, NARROW, 50)
    assert "".join(lines) == "W" * 100
    assert max(text_width(line, 9) for line in lines) <= NARROW


def test_a_line_of_marks_without_width_ends_too():
    assert fitted("a" + "\u0301" * 5000, 9, NARROW, 2)[-1].endswith(CUT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ödem, кашель, βήχας", "Ödem, кашель, βήχας"),
        ("咳嗽", 2 * MISSING),
        ("a\x00b\tc", "a b c"),
        ("\ud800", MISSING),
    ],
)
def test_printable(text, said):
    assert printable(text) == said
