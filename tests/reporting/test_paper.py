import logging

import pytest

from pneumo.reporting.paper import CUT, MISSING, Sheet

NARROW = 120.0


@pytest.fixture(scope="module")
def sheet():
    sheet = Sheet("a test")
    sheet.style(9)
    return sheet


def widest(sheet, lines) -> float:
    return max(sheet.get_string_width(line) for line in lines)


def test_lines_fit_and_lose_no_word(sheet):
    text = "Fever for four days, crackles on the right, saturation 93 % in room air"
    lines = sheet.lines(text, NARROW, 20)
    assert len(lines) > 2
    assert " ".join(lines) == text
    assert widest(sheet, lines) <= NARROW


def test_each_line_is_as_full_as_it_can_be(sheet):
    first, second, *_ = sheet.lines("one two three four five six seven eight nine ten", NARROW, 20)
    assert sheet.get_string_width(f"{first} {second.split()[0]}") > NARROW


def test_line_ends_are_kept(sheet):
    assert sheet.lines("a\r\n\nb", NARROW, 5) == ["a", "", "b"]


@pytest.mark.parametrize("lines", [1, 3])
def test_text_that_is_too_long_ends_with_a_mark_inside_the_width(sheet, lines):
    wrapped = sheet.lines("crackles " * 200, 200, lines)
    assert len(wrapped) == lines
    assert wrapped[-1].endswith(CUT)
    assert "crackles" in wrapped[-1]
    assert widest(sheet, wrapped) <= 200


def test_a_very_long_word_is_broken(sheet):
    lines = sheet.lines("W" * 100, NARROW, 50)
    assert "".join(lines) == "W" * 100
    assert widest(sheet, lines) <= NARROW


def test_text_longer_than_a_page_is_cut_whatever_its_width(sheet):
    assert sheet.lines("a" + "\u200d" * 9000, NARROW, 2)[-1].endswith(CUT)


def test_accents_do_not_pile_up_over_the_page(sheet):
    assert sheet.printable("a" + "\u0301" * 5000 + "b") == "a" + "\u0301" * 3 + MISSING + "b"


def test_a_paragraph_that_has_no_room_says_so(sheet):
    top = sheet.y
    assert not sheet.paragraph("words", end=top + 5)
    assert sheet.y == top
    assert sheet.paragraph("crackles " * 200, end=top + 30)
    assert top + 20 < sheet.y <= top + 33


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ödem, кашель, βήχας", "Ödem, кашель, βήχας"),
        ("咳嗽", 2 * MISSING),
        ("a\x00b\tc", "a b c"),
        ("\ud800", MISSING),
    ],
)
def test_printable(sheet, text, said):
    assert sheet.printable(text) == said


def test_no_letter_of_a_text_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    sheet = Sheet("Zwetschgenbaum")
    sheet.paragraph("Zwetschgenbaum, Ottilie")
    assert bytes(sheet.output()).startswith(b"%PDF")
    assert caplog.records == []
