"""Values of types that Pneumo never writes, in every column: `audit verify` reports each in a sentence."""

import sqlite3
from contextlib import closing

import pytest
from record.making import answers, make_record, tamper

from pneumo.cli.main import main
from pneumo.errors import RecordError
from pneumo.record.tables import AUDIT, CASES, HEAD

ODD = ["7", "0.5", "-9e999", "'word'", "'[1, {}]'", "x'ff00'", "CAST(x'ff' AS TEXT)", "9223372036854775807", "''"]
COLUMNS = [
    (table.name, column.name) for table in (CASES, AUDIT, HEAD) for column in table.columns if (table, column.name) != (HEAD, "id")
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_any_value_in_any_column_gives_a_sentence(tmp_path, monkeypatch, capsys, table, column):
    record = make_record(tmp_path)
    record.keep(answers(2), "a")
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.delenv("PNEUMO_RECORD_DAYS", raising=False)
    whole = (tmp_path / "record.sqlite").read_bytes()
    tried = 0
    for value in ODD:
        (tmp_path / "record.sqlite").write_bytes(whole)
        try:
            tamper(
                tmp_path,
                "PRAGMA ignore_check_constraints = ON",
                f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT max(rowid) FROM {table})",
            )
        except sqlite3.IntegrityError:
            continue  # the database itself refuses
        if not changed(tmp_path, whole):
            continue
        tried += 1
        code = main(["audit", "verify"])
        said = capsys.readouterr()
        assert code == 1, (value, said.out)
        assert "BROKEN: " in said.out or "could not be read" in said.err, value
        assert said.out.count("\n") + said.err.count("\n") <= 3
        try:  # the other methods do not crash either
            record.search()
            record.purge()
            record.entries()
        except RecordError:
            continue
    assert tried >= 2


def changed(folder, whole) -> bool:
    """Whether any row has changed: some values equal the old one, or are converted to it by the column."""
    with closing(sqlite3.connect(":memory:")) as before, closing(sqlite3.connect(folder / "record.sqlite")) as now:
        before.deserialize(whole)
        for connection in (before, now):
            connection.text_factory = bytes
        return any(
            before.execute(f"SELECT * FROM {name}").fetchall() != now.execute(f"SELECT * FROM {name}").fetchall()
            for name in ("cases", "audit", "audit_head")
        )


def test_a_search_names_a_case_with_odd_types(tmp_path):
    record = make_record(tmp_path)
    (case_id,) = record.keep(answers(1), "a")
    tamper(tmp_path, "UPDATE cases SET note = x'00ff'")
    with pytest.raises(RecordError, match=rf"Case {case_id} .* its note has a type .*audit verify"):
        record.search()
    assert "altered outside Pneumo" in record.verify().problem
