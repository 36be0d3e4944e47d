from dataclasses import replace

import pytest

from pneumo.record.chain import GENESIS, Head, entry_hash, following, verify


@pytest.fixture
def log():
    """a created, b created, a's note, b deleted."""
    head, entries = Head(), []
    for action, case_id, digest in [("create", "a", "d1"), ("create", "b", "d2"), ("note", "a", "d3"), ("delete", "b", "")]:
        entry = following(head, "2026-03-01T12:00:00.000Z", "session 1", action, case_id, digest)
        entries.append(entry)
        head = Head(entry.sequence, entry.hash)
    return entries


def head(log):
    return Head(log[-1].sequence, log[-1].hash)


def resealed(entries):
    """The changed log with new hashes, as a forger who knows the rules would write it."""
    made, last = [], Head()
    for entry in entries:
        entry = following(last, entry.time, entry.actor, entry.action, entry.case_id, entry.digest)
        made.append(entry)
        last = Head(entry.sequence, entry.hash)
    return made


def test_a_whole_log(log):
    result = verify(log, {"a": "d3"}, head(log))
    assert (result.problem, result.entries, result.cases, result.head) == (None, 4, 1, head(log))
    assert log[0].previous == GENESIS
    assert log[1].hash == entry_hash(2, "2026-03-01T12:00:00.000Z", "session 1", "create", "b", "d2", log[0].hash)


def test_an_empty_log():
    assert verify([], {}, Head()).problem is None


@pytest.mark.parametrize("name", ["time", "actor", "action", "case_id", "digest"])
def test_an_altered_entry_is_named(log, name):
    log[1] = replace(log[1], **{name: "other"})
    result = verify(log, {"a": "d3"}, head(log))
    assert result.problem.startswith("Entry 2 (")
    assert "altered" in result.problem
    assert result.head.sequence == 1


def test_an_altered_entry_with_its_hash_redone_breaks_at_the_next(log):
    forged = replace(log[1], actor="other")
    log[1] = replace(
        forged,
        hash=entry_hash(*(getattr(forged, n) for n in ("sequence", "time", "actor", "action", "case_id", "digest", "previous"))),
    )
    assert verify(log, {"a": "d3"}, head(log)).problem.startswith("Entry 3 does not follow entry 2")


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_deleted_entry(log, gone):
    del log[gone]
    assert verify(log, {"a": "d3"}, head(log)).problem.startswith(f"Entry {gone + 1} is missing")


def test_an_inserted_entry(log):
    extra = following(Head(2, log[1].hash), "t", "x", "note", "a", "d9")
    shifted = [replace(entry, sequence=entry.sequence + 1) for entry in log[2:]]
    assert verify([*log[:2], extra, *shifted], {"a": "d3"}, head(log)).problem.startswith("Entry 4 does not follow entry 3")


def test_an_appended_entry(log):
    extra = following(head(log), "t", "x", "note", "a", "d9")
    assert "not the last one" in verify([*log, extra], {"a": "d9"}, head(log)).problem


def test_a_truncated_log(log):
    assert verify(log[:3], {"a": "d3"}, head(log)).problem == "Entry 4 is missing: 4 were written, the log ends at 3."
    assert "row that names the last entry" in verify(log[:3], {"a": "d3"}, None).problem


def test_a_log_cut_short_and_resealed_is_caught_by_its_cases_or_by_a_noted_head(log):
    cut = log[:3]
    assert "Case a" in verify(log[:2], {"a": "d3", "b": "d2"}, head(log[:2])).problem
    assert verify(cut, {"a": "d3", "b": "d2"}, head(cut)).problem is None  # a consistent change of everything is not detected ...
    noted = verify(cut, {"a": "d3", "b": "d2"}, head(cut), noted=log[-1].hash)
    assert "noted head" in noted.problem  # ... except with a noted head
    forged = resealed([replace(log[0], actor="somebody else"), *log[1:]])
    assert verify(forged, {"a": "d3"}, head(forged)).problem is None
    assert "noted head" in verify(forged, {"a": "d3"}, head(forged), noted=log[-1].hash).problem
    assert verify(log, {"a": "d3"}, head(log), noted=log[1].hash.upper()).problem is None


def test_cases_are_compared_with_the_log(log):
    assert "Case a (last entry 3, note" in verify(log, {"a": "d1"}, head(log)).problem
    assert "gone" in verify(log, {}, head(log)).problem
    assert "removed, yet" in verify(log, {"a": "d3", "b": "d2"}, head(log)).problem
    assert "Case c has no entry" in verify(log, {"a": "d3", "c": "d5"}, head(log)).problem
