import csv
import io
import json
import math
import os
import re

import numpy as np
import pytest

from pneumo.outgoing import cell, code, json_text, markdown, printable, without_nan

LATIN_1 = os.fsdecode("Müller.png".encode("latin-1"))  # its ü is not valid UTF-8
HOSTILE = [
    "=cmd|' /C calc'!A0.jpeg",
    "a\nok NORMAL 0.01 forged.png",
    "\x1b]0;title\x07\x1b[31mred",
    "\x9b31m",
    "\u202egnp.x",
    "a\u2028b",
    "a\rb",
    LATIN_1,
    "\ud800",
    "@SUM(1)",
    "\t=1+1",
    " =1+1",
    "＝1+1",
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Müller 肺 a\u00a0b.png", "Müller 肺 a\u00a0b.png"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[31m\x7f\x9b", r"\x1b[31m\x7f\u009b"),
        ("\u202egnp", r"\u202egnp"),
        (LATIN_1, r"M\xfcller.png"),
        ("\ud800", r"\ud800"),
        (r"C:\new\xfc.png", r"C:\new\xfc.png"),
    ],
)
def test_printable(text, expected):
    assert printable(text) == expected


def test_kept_characters():
    assert printable("one\ntwo\x1b", keep="\n") == "one\ntwo\\x1b"


@pytest.mark.parametrize("text", HOSTILE)
def test_lines_and_cells_are_made_harmless(text):
    for line in (printable(text), cell(text)):
        assert len(line.splitlines()) == 1
        assert line.encode("utf-8")
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", line)
    assert not cell(text).lstrip().startswith(("=", "+", "-", "@", "＝"))


def test_cells_of_other_kinds():
    assert [cell(value) for value in (-1.5, None, True, 3)] == [-1.5, None, True, 3]
    assert cell(["=a", "b\n"]) == r"'=a; b\n"
    assert cell(("one", "two")) == "one; two"
    assert cell({"bacterial": 0.5}) == '{"bacterial": 0.5}'


def test_json_is_utf_8_and_names_survive_it():
    text = json_text({"names": HOSTILE})
    assert text.encode("utf-8")
    assert len(text.splitlines()) == 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", text)
    back = json.loads(text)["names"]
    assert [name for name in back if "\\" not in name] == [name for name in HOSTILE if name not in (LATIN_1, "\ud800")]
    assert back[HOSTILE.index(LATIN_1)] == r"M\xfcller.png"
    assert json_text({"a": ["肺"]}, indent=1) == '{\n "a": [\n  "肺"\n ]\n}'


def test_the_bytes_of_a_name_can_be_restored_from_json():
    for name in np.random.default_rng(0).integers(1, 256, (200, 12), np.uint8):
        original = bytes(name).replace(b"/", b"").replace(b"\\", b"")
        escaped = json.loads(json_text(os.fsdecode(original)))
        assert re.sub(rb"\\x([0-9a-f]{2})", lambda byte: bytes([int(byte[1], 16)]), escaped.encode()) == original


def test_a_csv_row_is_one_line():
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for text in HOSTILE:
        writer.writerow([cell(text), "ok"])
    assert len(stream.getvalue().splitlines()) == len(HOSTILE)


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://evil.example/x.png)",
        "<img src=http://evil.example/x.png>",
        "[x](http://evil.example)",
        "`a`",
        "*a* _b_",
        "~~c~~",
        "$a$",
        ":red[a]",
        ":material/home:",
        "&lt;",
        "# a",
        "> a",
        "- a\n- b",
        "1. a",
        "12) a",
        "=== a",
        "+ a",
        "a | b\n--- | ---",
        "  * a",
        "{a}",
        "\\![x](http://evil.example/x.png)",
        "\\<img src=x>",
    ],
)
def test_markdown_shows_text_literally(text):
    """By two rules of CommonMark: a backslash before punctuation is not shown, and the punctuation has no special meaning."""
    escaped = markdown(text)
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped) == text
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "x", escaped)
    assert not re.search(r"[\\`*_\[\]<>&$~|#]|:\S|^\s*[-+=]|^\s*\d+[.)](\s|$)", bare, re.MULTILINE)


def test_markdown_does_not_change_ordinary_sentences():
    text = "The file has 51 MB; at most 50 MB are read (cnn-1, 0.5 %): export a single image. Says 'x', \"y\" and z/a.png?"
    assert markdown(text) == text
    assert markdown("3.15.1") == "3.15.1"
    assert markdown("one\n\ntwo\x1b") == "one\n\ntwo\\\\x1b"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.png", "`a.png`"), ("a`b", "`` a`b ``"), ("``a", "``` ``a ```"), ("a\n\n![x](y)", r"`a\n\n![x](y)`"), ("a|b", "`a|b`")],
)
def test_code(name, expected):
    assert code(name) == expected


def test_undefined_is_null_at_any_depth():
    assert without_nan({"a": [math.nan, 1.0, {"b": math.nan}], "c": "nan"}) == {"a": [None, 1.0, {"b": None}], "c": "nan"}
