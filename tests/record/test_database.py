import sqlite3
import sys

import pytest
from record.making import ANSWER, answers, make_record
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from pneumo.errors import ConfigError, RecordError
from pneumo.record import database
from pneumo.record.database import Database
from pneumo.record.store import Record


def test_a_locked_database(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    record = make_record(tmp_path)
    record.keep(answers(1), "a")
    other = sqlite3.connect(tmp_path / "record.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for deed in (lambda: record.keep([ANSWER], "a"), record.search, record.verify):
        with pytest.raises(RecordError, match="in use by another program"):
            deed()
    other.execute("ROLLBACK")
    other.close()
    record.keep([ANSWER], "a")
    assert record.verify().entries == 2


def test_a_read_only_database_is_read_and_not_written(tmp_path):
    make_record(tmp_path).keep([ANSWER], "a")
    record = Record(Database(f"sqlite:///file:{tmp_path / 'record.sqlite'}?mode=ro&uri=true"))
    assert len(record.search()) == 1
    assert record.verify().problem is None
    with pytest.raises(RecordError, match="may only be read"):
        record.keep(answers(1), "a")


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    record = make_record(tmp_path)
    record.keep(answers(1), "a")
    before = record.verify()
    pages = sqlite3.connect(tmp_path / "record.sqlite").execute("PRAGMA page_count").fetchone()[0]
    event.listen(record.database._engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(RecordError, match="disk is full"):
        record.keep(answers(500, session="s2"), "a")
    assert record.verify() == before


def test_a_vanished_record_is_not_silently_replaced(tmp_path):
    record = make_record(tmp_path)
    record.keep([ANSWER], "a")
    (tmp_path / "record.sqlite").unlink()
    for deed in (lambda: record.keep(answers(1), "a"), record.search, record.verify):
        with pytest.raises(RecordError, match="is gone"):
            deed()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder(tmp_path):
    record = make_record(tmp_path / "missing")
    with pytest.raises(RecordError, match="could not be written to: its folder is missing"):
        record.keep([ANSWER], "a")


def test_files_that_are_no_record(tmp_path):
    (tmp_path / "record.sqlite").write_bytes(b"Dear colleague, " * 100)
    for deed in (lambda: make_record(tmp_path).keep([ANSWER], "a"), lambda: make_record(tmp_path).search()):
        with pytest.raises(RecordError, match="no database"):
            deed()


def test_a_writer_retries_after_a_conflict(tmp_path, monkeypatch):
    """Where a database let two writers in, the unique hash of the previous entry refuses the second."""
    record = make_record(tmp_path)
    tries = []

    def overtaken(times):
        def work(connection):
            tries.append(times)
            if tries.count(times) <= times:
                raise IntegrityError("INSERT", None, Exception("UNIQUE constraint failed: audit.previous"))
            return "done"

        return work

    assert record.database.write(overtaken(4)) == "done"
    with pytest.raises(RecordError):
        record.database.write(overtaken(99))
    assert tries.count(99) == 5


def test_a_fork_is_refused_by_the_table(tmp_path):
    record = make_record(tmp_path)
    record.keep(answers(2), "a")
    fork = "INSERT INTO audit SELECT 9, time, actor, action, case_id, digest, previous, 'x' FROM audit WHERE sequence = 2"
    with pytest.raises(RecordError) as caught:
        record.database.write(lambda connection: connection.exec_driver_sql(fork))
    assert isinstance(caught.value.__cause__, IntegrityError)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("record.sqlite", "no database URL"),
        ("postgresql://eve:secret@host:port/x", "no database URL"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("clay:///tablet", "unknown database 'clay'"),
    ],
)
def test_a_setting_that_is_no_database(url, said):
    with pytest.raises(ConfigError, match=said) as caught:
        Database(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_without_its_driver_says_what_to_install(monkeypatch, scheme):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(RecordError, match=r"driver psycopg is not installed.*pip install 'psycopg\[binary\]'") as caught:
        Database(f"{scheme}://eve:secret@db.example/pneumo")
    assert "secret" not in str(caught.value)


def test_the_place_is_readable_and_contains_no_password(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "create_engine", lambda *_, **__: None)
    assert Database("postgresql://eve:secret@db.example/pneumo").place == "the postgresql database pneumo on db.example"
    monkeypatch.undo()
    assert make_record(tmp_path).place == f"the file {tmp_path / 'record.sqlite'} on the computer that runs Pneumo"
