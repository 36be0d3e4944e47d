"""A search of the History page as database conditions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement

from pneumo.record.case import timestamp
from pneumo.record.tables import CASES


@dataclass(frozen=True)
class Search:
    """All parts must match; empty ones are ignored. Days are UTC, inclusive."""

    hash_prefix: str = ""
    model: str = ""
    label: str = ""
    zone: str = ""
    agreement: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""  # in the note, ignoring case


EVERYTHING = Search()


def conditions(search: Search) -> list[ColumnElement[bool]]:
    """All but the text: databases fold case differently (SQLite: ASCII only)."""
    terms = [CASES.c[name] == value for name in ("model", "label", "zone", "agreement") if (value := getattr(search, name))]
    if search.hash_prefix.strip():
        terms.append(CASES.c.file_sha256.startswith(search.hash_prefix.strip().lower(), autoescape=True))
    if search.since:
        terms.append(CASES.c.created >= _midnight(search.since))
    if search.until:
        terms.append(CASES.c.created < _midnight(search.until + timedelta(days=1)))
    return terms


def _midnight(day: date) -> str:
    return timestamp(datetime.combine(day, time(), UTC))
