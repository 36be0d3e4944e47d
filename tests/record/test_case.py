from dataclasses import fields, replace
from datetime import datetime

import pytest
from record.making import ANSWER

from pneumo.imaging.measures import Measures
from pneumo.record.case import EXPORTED, NOTE_LENGTH, RecordedCase, clean_note, timestamp
from pneumo.record.rows import content_digest

CASE = RecordedCase(**vars(ANSWER), id="1" * 32, created="2026-03-01T12:00:00.000Z", salt="2" * 32)
OTHER = {"probability": 0.5, "threshold": 0.25, "warnings": ("old film",), "measures": Measures(above=0.25)}


@pytest.mark.parametrize("name", [field.name for field in fields(RecordedCase)])
def test_every_field_is_sealed(name):
    changed = replace(CASE, **{name: OTHER.get(name, "x")})
    assert content_digest(changed) != content_digest(CASE)


def test_everything_but_session_and_salt_is_exported():
    assert set(EXPORTED) == {field.name for field in fields(RecordedCase)} - {"session", "salt", "measures"}
    assert len(EXPORTED) == len(set(EXPORTED))


def test_the_same_content_has_the_same_digest():
    assert content_digest(replace(CASE)) == content_digest(CASE)
    # fixed: a digest that changed with a version of Pneumo would call every old record broken
    assert content_digest(CASE) == "4d9e19a8bdc032d5260c81c341031bfffc69b2e6cf70b870cbb0929610ec4e34"


def test_timestamps_are_utc_and_sort_as_moments():
    early, late = datetime.fromisoformat("2026-03-01T00:30:00+02:00"), datetime.fromisoformat("2026-02-28T22:30:00.5+00:00")
    assert timestamp(early) == "2026-02-28T22:30:00.000Z"
    assert timestamp(early) < timestamp(late) == "2026-02-28T22:30:00.500Z"


def test_notes_are_limited_to_what_every_database_can_hold():
    assert clean_note(" Grüße\0 \ud83d ") == "Grüße ?"
    assert len(clean_note("x" * 5000)) == NOTE_LENGTH
