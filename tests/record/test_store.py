import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from record.making import ANSWER, Clock, answers, make_record, rows, tamper

from pneumo.errors import RecordError
from pneumo.record.search import Search
from pneumo.record.store import open_record

ROOT = Path(__file__).parent.parent.parent


def log(folder):
    return rows(folder, "SELECT sequence, actor, action, digest != '' FROM audit ORDER BY sequence")


def test_off_opens_nothing(monkeypatch):
    monkeypatch.delenv("PNEUMO_RECORD", raising=False)
    assert open_record() is None


def test_opening_and_reading_make_no_file(tmp_path):
    record = make_record(tmp_path)
    assert record.search() == []
    assert record.models() == []
    assert record.get("x") is None
    assert record.purge() == 0
    with pytest.raises(RecordError, match="no record yet"):
        record.verify()
    assert list(tmp_path.iterdir()) == []


def test_a_case_comes_back_as_it_was_kept(tmp_path):
    record = make_record(tmp_path)
    answer = replace(ANSWER, probability=0.1 + 0.2, warnings=("Turned by 90 degrees.", "Märchen"), gate="warn")
    (case_id,) = record.keep([answer], "session 1")
    case = record.get(case_id)
    assert {name: getattr(case, name) for name in vars(answer)} == vars(answer)
    assert (case.created, case.agreement, case.note) == ("2026-03-01T12:00:00.000Z", "none", "")
    assert log(tmp_path) == [(1, "session 1", "create", 1)]
    assert (tmp_path / "record.sqlite").stat().st_mode & 0o077 == 0


def test_once_a_session_file_model_and_operating_point(tmp_path):
    record = make_record(tmp_path)
    others = [replace(ANSWER, **{name: "other"}) for name in ("session", "file_sha256", "model_sha256", "operating_point")]
    first = record.keep([ANSWER, ANSWER], "a")
    assert first[0] == first[1]
    ids = record.keep([ANSWER, *others], "a")
    assert ids[0] == first[0]
    assert len(set(ids)) == 5 == len(record.search())
    assert len(log(tmp_path)) == 5


def test_agreement_and_note_are_logged_as_they_change(tmp_path):
    record = make_record(tmp_path)
    (case_id,) = record.keep([ANSWER], "a")
    record.change(case_id, "b", agreement="disagree")
    record.change(case_id, "b", agreement="disagree")  # already so
    record.change(case_id, "c", note="  viral, I think ")
    case = record.get(case_id)
    assert (case.agreement, case.note) == ("disagree", "viral, I think")
    assert log(tmp_path) == [(1, "a", "create", 1), (2, "b", "agreement", 1), (3, "c", "note", 1)]
    assert record.verify().problem is None
    with pytest.raises(ValueError, match="agree, disagree, none"):
        record.change(case_id, "b", agreement="perhaps")


def test_deletion_leaves_entries_and_no_content(tmp_path):
    record = make_record(tmp_path)
    gone, stays = record.keep(answers(2), "a")
    record.change(gone, "a", note="a sentence to be forgotten")
    record.delete(gone, "b")
    assert record.get(gone) is None
    assert [case.id for case in record.search()] == [stays]
    assert log(tmp_path)[-1] == (4, "b", "delete", 0)
    assert record.verify().problem is None
    assert b"to be forgotten" not in (tmp_path / "record.sqlite").read_bytes()  # overwritten, not only unlinked
    for deed in (lambda: record.delete(gone, "b"), lambda: record.change(gone, "b", note="x")):
        with pytest.raises(RecordError, match="not in the record any more"):
            deed()


def test_retention(tmp_path):
    clock = Clock("2026-03-01T12:00:00+00:00")
    record = make_record(tmp_path, 30, clock)
    record.keep(answers(2), "a")
    clock.now += timedelta(days=30)
    assert record.purge() == 0  # thirty days old is not older than thirty days
    clock.now += timedelta(seconds=1)
    assert record.search() == []  # not shown, though still to be deleted
    assert len(rows(tmp_path, "SELECT * FROM cases")) == 2
    (new,) = record.keep([ANSWER], "a")  # recording deletes cases past their days
    assert rows(tmp_path, "SELECT id FROM cases") == [(new,)]
    assert log(tmp_path)[2:] == [(3, "retention", "purge", 0), (4, "retention", "purge", 0), (5, "a", "create", 1)]
    clock.now += timedelta(days=31)
    assert record.purge() == 1
    assert record.verify().problem is None
    assert make_record(tmp_path, None, clock).purge() == 0


def test_search(tmp_path):
    clock = Clock("2026-03-01T23:59:59+00:00")
    record = make_record(tmp_path, clock=clock)
    (first,) = record.keep([ANSWER], "a")
    clock.now += timedelta(seconds=1)  # the next day
    other = replace(ANSWER, file_sha256="AC%_".lower() + "0" * 60, model="other", label="NORMAL", zone="rule-out")
    (second,) = record.keep([other], "a")
    record.change(second, "a", agreement="agree", note="ÄLTERE Aufnahme, 100 %")

    def ids(**search):
        return [case.id for case in record.search(Search(**search))]

    assert ids() == [second, first]  # the newest first
    assert ids(hash_prefix=" ABAB ") == [first]
    assert ids(hash_prefix="b") == []
    assert ids(hash_prefix="a_") == []  # no pattern of SQL
    assert ids(hash_prefix="ac%_") == [second]
    assert ids(model="other") == [second]
    assert ids(label="PNEUMONIA") == [first]
    assert ids(zone="rule-out") == [second]
    assert ids(agreement="none") == [first]
    assert ids(text="ältere aufnahme") == [second]
    assert ids(text="1%0") == []
    assert ids(since=date(2026, 3, 2)) == [second]
    assert ids(until=date(2026, 3, 1)) == [first]
    assert ids(since=date(2026, 3, 1), until=date(2026, 3, 2)) == [second, first]
    assert record.models() == ["other", "tiny"]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE cases SET probability = 0.1", "altered outside Pneumo"),
        ("UPDATE cases SET note = 'nothing to see'", "altered outside Pneumo"),
        ("UPDATE cases SET warnings = 'no json'", "altered outside Pneumo"),
        ("DELETE FROM cases", "gone, and no entry says"),
        (
            "INSERT INTO cases SELECT 'f', created, 's9', salt, file_sha256, model, model_sha256, probability, operating_point, "
            "threshold, label, zone, gate, warnings, agreement, note, reference, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL "
            "FROM cases LIMIT 1",
            "Case f has no entry",
        ),
        ("UPDATE audit SET actor = 'nobody' WHERE sequence = 2", "Entry 2 (create"),
        ("DELETE FROM audit WHERE sequence = 2", "Entry 2 is missing"),
        ("DELETE FROM audit WHERE sequence = 3", "3 were written, the log ends at 2"),
        ("DELETE FROM audit", "Entry 1 is missing: 3 were written"),
        ("DELETE FROM audit_head", "row that names the last entry"),
        ("INSERT INTO audit SELECT 4, time, actor, action, case_id, digest, hash, 'x' FROM audit WHERE sequence = 3", "Entry 4 ("),
    ],
)
def test_tampering_is_named(tmp_path, statement, problem):
    record = make_record(tmp_path)
    record.keep(answers(3), "a")
    assert record.verify().problem is None
    tamper(tmp_path, statement)
    assert problem in record.verify().problem


def test_the_database_itself_keeps_the_log_append_only(tmp_path):
    record = make_record(tmp_path)
    record.keep([ANSWER], "a")
    for statement in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(RecordError, match="may only grow"):
            record.database.write(lambda connection, statement=statement: connection.exec_driver_sql(statement))
    assert record.verify().problem is None


def test_writing_continues_after_a_truncation_without_hiding_it(tmp_path):
    record = make_record(tmp_path)
    record.keep(answers(2), "a")
    tamper(tmp_path, "DELETE FROM audit WHERE sequence = 2")
    record.keep([ANSWER], "a")
    assert record.verify().problem == "Entry 2 is missing or moved: after entry 1 comes entry 3."
    tamper(tmp_path, "DELETE FROM audit_head")
    with pytest.raises(RecordError, match="audit verify"):
        record.keep([replace(ANSWER, session="s2")], "a")


WRITER = """
import sys, time
from pathlib import Path
sys.path[:0] = [".", "tests"]
from pneumo.record import database
from record.making import answers, make_record
database.BUSY_SECONDS = 50  # a busy machine may starve one of the two for long
folder, name = Path(sys.argv[1]), sys.argv[2]
record = make_record(folder)
(folder / f"{name}.ready").touch()
while len(list(folder.glob("*.ready"))) < 2:
    time.sleep(0.005)
for answer in answers(25, session=name):
    record.keep([answer], name)
"""


def test_two_processes_make_one_chain(tmp_path):
    """From the first write, which creates the tables."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], cwd=ROOT, stderr=subprocess.PIPE)
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.wait(60) == 0, writer.stderr.read().decode()
        writer.stderr.close()
    assert [row[0] for row in log(tmp_path)] == list(range(1, 51))
    assert sorted(row[1] for row in log(tmp_path)) == ["one"] * 25 + ["two"] * 25
    assert make_record(tmp_path).verify().problem is None
