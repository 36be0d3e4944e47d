"""A record of an earlier version is upgraded without loss; a failed upgrade leaves nothing behind."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from record.making import ANSWER, answers, make_record, rows
from sqlalchemy import create_engine

from pneumo.errors import RecordError
from pneumo.imaging.measures import Measures
from pneumo.record import upgrade
from pneumo.record.case import Refused, Shadow
from pneumo.record.chain import GENESIS
from pneumo.record.database import Database
from pneumo.record.store import Record
from pneumo.record.tables import METADATA

OLD = Path(__file__).with_name("record_of_0_1.sql")  # two cases, a deleted one, agreement and note; made by Pneumo 0.1.0
HEAD = "84cfd7ec18bad2d6a40dc94759ff308ad9191ceb5d5b27cd17f0f9eba3a47f3b"
CASES = "SELECT id, created, session, salt, file_sha256, probability, agreement, note FROM cases ORDER BY id"


@pytest.fixture
def old(tmp_path):
    with closing(sqlite3.connect(tmp_path / "record.sqlite")) as connection:
        connection.executescript(OLD.read_text())
    return tmp_path


def test_an_older_record_is_upgraded_when_it_is_read_and_loses_nothing(old):
    before = rows(old, CASES), rows(old, "SELECT * FROM audit ORDER BY sequence")
    assert len(before[0]) == 2
    record = make_record(old)
    result = record.verify(noted=HEAD)
    assert (result.problem, result.entries, result.cases, result.head.hash) == (None, 7, 2, HEAD)
    assert (rows(old, CASES), rows(old, "SELECT * FROM audit ORDER BY sequence")) == before
    assert {case.reference for case in record.search()} == {"none"}
    assert {case.note for case in record.search()} == {"seen in the round", ""}
    assert rows(old, "SELECT version_num FROM alembic_version") == [(upgrade.REVISION,)]


def test_an_upgraded_record_can_be_written_and_its_log_cannot_be_changed(old):
    record = make_record(old)
    (case_id,) = record.keep([replace(ANSWER, file_sha256="9" * 64, measures=Measures(above=0.1))], "b")
    assert record.get(case_id).measures.above == 0.1
    record.change(case_id, "b", reference="NORMAL")
    assert (record.verify().problem, record.verify().entries) == (None, 9)
    with pytest.raises(RecordError, match=r"may only grow"):
        record.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM audit"))


def test_a_failed_upgrade_leaves_the_record_unchanged(old, monkeypatch):
    before = (old / "record.sqlite").read_bytes()
    steps = upgrade.upgrade_record

    def cut_off(connection):
        steps(connection)
        raise OSError("no space left")

    monkeypatch.setattr("pneumo.record.database.upgrade_record", cut_off)
    with pytest.raises(RecordError, match="disk is full"):
        make_record(old).search()
    assert (old / "record.sqlite").read_bytes() == before
    monkeypatch.undo()
    assert len(make_record(old).search()) == 2


def test_a_read_only_older_record_is_reported(old):
    record = Record(Database(f"sqlite:///file:{old / 'record.sqlite'}?mode=ro&uri=true"))
    with pytest.raises(RecordError, match=r"upgraded from an earlier version.*may only be read"):
        record.search()


def test_a_record_of_a_newer_version_is_left_unchanged(tmp_path):
    record = make_record(tmp_path)
    record.keep(answers(1), "a")
    with closing(sqlite3.connect(tmp_path / "record.sqlite")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
        connection.commit()
    for deed in (lambda: make_record(tmp_path).search(), lambda: make_record(tmp_path).keep(answers(2), "a")):
        with pytest.raises(RecordError, match=r"newer version of Pneumo \(form 0099"):
            deed()
    assert rows(tmp_path, "SELECT count(*) FROM cases") == [(1,)]


def test_the_steps_make_the_tables_that_the_code_knows(tmp_path):
    record = make_record(tmp_path)
    record.keep([ANSWER], "a")
    engine = create_engine(f"sqlite:///{tmp_path / 'record.sqlite'}")
    from sqlalchemy import inspect

    made = {name: {column["name"] for column in inspect(engine).get_columns(name)} for name in inspect(engine).get_table_names()}
    assert {table.name: {column.name for column in table.columns} for table in METADATA.tables.values()} == {
        name: columns for name, columns in made.items() if name != "alembic_version"
    }
    engine.dispose()
    assert rows(tmp_path, "SELECT previous FROM audit WHERE sequence = 1") == [(GENESIS,)]
    assert {name for (name,) in rows(tmp_path, "SELECT name FROM sqlite_master WHERE type = 'trigger'")} == {
        "audit_no_update",
        "audit_no_delete",
    }


def test_refusals_and_shadows_are_kept_once_and_deleted_with_their_time_and_case(tmp_path):
    record = make_record(tmp_path, days=30)
    (case_id,) = record.keep([ANSWER], "a")
    refused = Refused("s", "f" * 64, "m", "w", "rejected")
    record.keep_refused([refused, refused, replace(refused, status="error"), replace(refused, session="t")])
    assert {(each.session, each.status) for each in record.refused()} == {("s", "rejected"), ("t", "rejected")}
    shadow = Shadow(case_id, "new", "w2", "c2", "ok", 0.5, "NORMAL", "PNEUMONIA", "indeterminate")
    record.keep_shadows([shadow, shadow, replace(shadow, case_id="gone")])
    assert record.shadows("c2") == {case_id: shadow}
    assert record.shadows("other") == {}
    record._clock.now = record._clock.now.replace(month=4, day=20)
    assert record.purge() == 1
    assert (record.refused(), record.shadows("c2"), record.verify().problem) == ([], {}, None)
    assert rows(tmp_path, "SELECT count(*) FROM refusals") == rows(tmp_path, "SELECT count(*) FROM shadows") == [(0,)]


def test_what_is_measured_is_sealed(tmp_path):
    record = make_record(tmp_path)
    record.keep([replace(ANSWER, measures=Measures(lung_height=0.8))], "a")
    assert record.verify().problem is None
    with closing(sqlite3.connect(tmp_path / "record.sqlite")) as connection:
        connection.execute("UPDATE cases SET lung_height = NULL")
        connection.commit()
    assert "altered outside Pneumo" in record.verify().problem
