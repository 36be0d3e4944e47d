import csv
import io
import json
from dataclasses import asdict, replace

from record.making import ANSWER

from pneumo.record.case import RecordedCase
from pneumo.record.export import as_csv, as_json

CASE = RecordedCase(
    **asdict(replace(ANSWER, warnings=("one", "two"))),
    id="i",
    created="2026-03-01T12:00:00.000Z",
    salt="salt",
    agreement="agree",
    note='he said "no",\nÜbermorgen',
)


def test_csv():
    (row,) = csv.DictReader(io.StringIO(as_csv([CASE])))
    assert row["note"] == CASE.note
    assert row["warnings"] == "one; two"
    assert float(row["probability"]) == 0.9375
    assert row["file_sha256"] == "ab" * 32
    assert not {"salt", "session"} & set(row)


def test_json():
    (row,) = json.loads(as_json([CASE]))
    assert row["note"] == CASE.note
    assert row["warnings"] == ["one", "two"]
    assert row["probability"] == 0.9375
    assert not {"salt", "session"} & set(row)


def test_a_note_is_no_formula():
    (row,) = csv.DictReader(io.StringIO(as_csv([replace(CASE, note="=HYPERLINK(1)")])))
    assert row["note"] == "'=HYPERLINK(1)"


def test_no_cell_contains_a_formula_or_terminal_commands():
    case = replace(CASE, note="a\x1b[31m\n=1+1\r", model="=1+1", warnings=("@a\n", "b"))
    (row,) = csv.DictReader(io.StringIO(as_csv([case])))
    assert row["note"] == "a\\x1b[31m\n=1+1\\r"  # a second line is no cell of its own
    assert row["model"] == "'=1+1"
    assert row["warnings"] == "'@a\\n; b"
    assert "\x9b" not in as_json([replace(CASE, note="\x9b31m")])


def test_nothing_to_export():
    assert as_csv([]).startswith("id,created,file_sha256,")
    assert json.loads(as_json([])) == []
