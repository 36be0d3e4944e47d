import csv
import io
import json
from dataclasses import asdict, replace

from record.making import ANSWER

from pneumo.record.case import RecordedCase
from pneumo.record.export import as_csv, as_json

CASE = RecordedCase(**asdict(replace(ANSWER, warnings=("one", "two"))), id="i", created="2026-03-01T12:00:00.000Z", salt="salt",
                    agreement="agree", note='he said "no",\nÜbermorgen')  # fmt: skip


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


def test_nothing_to_export():
    assert as_csv([]).startswith("id,created,file_sha256,")
    assert json.loads(as_json([])) == []
