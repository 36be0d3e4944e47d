import csv
import io
import json

from pneumo.inference.rows import FIELDS, csv_text, json_text

NAMES = [
    "=cmd|' /C calc'!A0.jpeg",
    "a\nforged.png,,ok,,,NORMAL",
    "b\r\x1b[31m.png",
    "c\u202egnp.png",
    "M\udcfcller.png",
    "plain.png",
]
SAME = dict.fromkeys(FIELDS) | {"reasons": ["one", "two"], "probability": -0.5}
ROWS = [{**SAME, "file": name} for name in NAMES]


def test_the_worklists_csv_has_no_formula_and_no_forged_row():
    text = csv_text(ROWS)
    assert text.encode("utf-8")
    assert len(text.splitlines()) == 1 + len(NAMES)
    assert "\x1b" not in text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["file"] for row in rows] == [
        "'=cmd|' /C calc'!A0.jpeg",
        r"a\nforged.png,,ok,,,NORMAL",
        r"b\r\x1b[31m.png",
        r"c\u202egnp.png",
        r"M\xfcller.png",
        "plain.png",
    ]
    assert {(row["reasons"], row["probability"]) for row in rows} == {("one; two", "-0.5")}


def test_its_json_preserves_every_name():
    text = json_text(ROWS)
    assert text.encode("utf-8")
    assert "\u202e" not in text
    assert [json.loads(line)["file"] for line in text.splitlines()] == [*NAMES[:4], r"M\xfcller.png", "plain.png"]
