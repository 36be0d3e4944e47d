"""Answers and records for these tests, with a clock set by hand and a file in a temporary folder."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pneumo.record.case import Answered
from pneumo.record.database import Database
from pneumo.record.store import Record

ANSWER = Answered(
    session="s1",
    file_sha256="ab" * 32,
    model="tiny",
    model_sha256="cd" * 32,
    probability=0.9375,
    operating_point="balanced",
    threshold=0.5,
    label="PNEUMONIA",
    zone="rule-in",
    gate="pass",
    warnings=(),
)


def answers(count: int, session: str = "s1") -> list[Answered]:
    return [replace(ANSWER, session=session, file_sha256=f"{number:064x}") for number in range(count)]


class Clock:
    def __init__(self, text: str = "2026-03-01T12:00:00+00:00"):
        self.now = datetime.fromisoformat(text).astimezone(UTC)

    def __call__(self) -> datetime:
        return self.now


def make_record(folder: Path, days: int | None = None, clock: Clock | None = None) -> Record:
    return Record(Database(f"sqlite:///{folder / 'record.sqlite'}"), days, clock or Clock())


def tamper(folder: Path, *statements: str) -> None:
    """Change the file as somebody with a database shell could, after dropping the log's triggers."""
    with sqlite3.connect(folder / "record.sqlite") as connection:
        for statement in ("DROP TRIGGER IF EXISTS audit_no_update", "DROP TRIGGER IF EXISTS audit_no_delete", *statements):
            connection.execute(statement)
    connection.close()


def rows(folder: Path, query: str) -> list[tuple]:
    connection = sqlite3.connect(folder / "record.sqlite")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()
