"""A wrong clock deletes nothing."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from record.making import ANSWER, Clock, answers, make_record, rows

from pneumo.errors import ClockError
from pneumo.record.clock import FAR, ahead

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def log(*days):
    return [((NOON + day * DAY).isoformat(), "create") for day in days]


@pytest.mark.parametrize(
    ("entries", "day", "far"),
    [
        ([], 900, None),
        (log(0), 60, None),
        (log(0), 61, 61),
        (log(0, 1, 2, 50, 90), 120, None),
        (log(0, 1826), 1827, 1827),  # entries by the wrong clock do not make it right
        (log(0, 1826, 1), 2, None),  # it was corrected
        (log(0, 1826, 1), 1826, 1825),
        (log(1826, 1), 1827, 1826),  # a record that began under a wrong clock
        ([*log(0), ((NOON + 100 * DAY).isoformat(), "clock")], 130, None),
        ([*log(0), ("yesterday", "create"), (None, "clock"), (b"\xff", "create")], 61, 61),
    ],
)
def test_how_far_the_clock_is_ahead(entries, day, far):
    assert timedelta(days=60) == FAR
    assert ahead(entries, NOON + day * DAY) == (far and timedelta(days=far))


def test_a_clock_five_years_ahead_purges_nothing(tmp_path, caplog):
    clock = Clock("2026-03-01T12:00:00+00:00")
    record = make_record(tmp_path, 30, clock)
    record.keep(answers(3), "a")
    clock.now += 5 * 365 * DAY
    with pytest.raises(ClockError, match=r"clock says 2031-02-28, which is 1825 days .*Nothing was deleted.*--clock-is-right"):
        record.purge()
    (kept,) = record.keep([replace(ANSWER, session="late")], "a")  # the answer is still kept
    assert "Nothing was deleted" in caplog.text
    with pytest.raises(ClockError):  # and its entry, of 2031, does not make the clock right
        record.purge()
    assert len(rows(tmp_path, "SELECT * FROM cases")) == 4
    assert [case.id for case in record.search()] == [kept]  # cases that seem past their days are hidden meanwhile
    clock.now -= 5 * 365 * DAY
    assert len(record.search()) == 4
    assert record.purge() == 0
    clock.now += 31 * DAY
    assert record.purge() == 3  # by the right clock, as usual
    assert record.verify().problem is None


def test_confirming_the_clock_is_logged_and_stays_valid(tmp_path):
    clock = Clock("2026-03-01T12:00:00+00:00")
    record = make_record(tmp_path, 90, clock)
    record.keep(answers(2), "a")
    clock.now += 80 * DAY  # a quiet time: these two are still within their days
    (later,) = record.keep([replace(ANSWER, session="later")], "a")
    clock.now += 20 * DAY
    with pytest.raises(ClockError):
        record.purge()
    assert record.purge("command line") == 2
    assert [case.id for case in record.search()] == [later]
    entries = rows(tmp_path, "SELECT actor, action, case_id = '', digest = '' FROM audit WHERE sequence > 3 ORDER BY sequence")
    assert entries == [("command line", "clock", 1, 1), ("retention", "purge", 0, 1), ("retention", "purge", 0, 1)]
    assert record.verify().problem is None
    clock.now += 59 * DAY
    record.keep([replace(ANSWER, session="last")], "a")
    clock.now += 12 * DAY
    assert record.purge() == 1  # the word still stands
    assert record.purge("command line") == 0  # nothing past its days: nothing to log
    with closing(sqlite3.connect(tmp_path / "record.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM audit WHERE action = 'clock'").fetchone() == (1,)
    assert record.verify().problem is None
