"""The record: cases kept, changed, removed and found. Each of these but the last appends to the log, in the same transaction."""

import json
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, false, select

from pneumo.errors import ClockError, RecordError
from pneumo.imaging.measures import MEANING, Measures
from pneumo.record import chain
from pneumo.record.case import (
    AGREEMENTS,
    REFERENCES,
    Answered,
    RecordedCase,
    Refused,
    Shadow,
    clean_note,
    content_digest,
    known_measures,
    timestamp,
)
from pneumo.record.chain import Entry, Head, Verification
from pneumo.record.clock import ahead
from pneumo.record.database import Database
from pneumo.record.search import EVERYTHING, Search, conditions
from pneumo.record.settings import record_url, retention_days
from pneumo.record.tables import AUDIT, CASES, HEAD, REFUSALS, SHADOWS

log = logging.getLogger(__name__)

_KINDS: dict[Any, Any] = {str: str, float: int | float, tuple[str, ...]: tuple}


def open_record() -> "Record | None":
    """The record that the environment names; None while it is off. Raises ConfigError, RecordError."""
    url = record_url()
    return Record(_database(url), retention_days()) if url else None


@lru_cache(maxsize=4)  # it remembers that its file was there
def _database(url: str) -> Database:
    return Database(url)


class Record:
    """Every method is one transaction and raises RecordError; `days` (None: for good) is how long a case is kept."""

    def __init__(self, database: Database, days: int | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self._database, self.days, self._clock = database, days, clock

    @property
    def database(self) -> Database:
        return self._database

    @property
    def place(self) -> str:
        return self._database.place

    def keep(self, answers: Sequence[Answered], actor: str) -> list[str]:
        """Keep answers, each once a session; returns their ids. Cases past their days leave in the same transaction."""

        def work(connection: Connection) -> list[str]:
            try:
                self._purge(connection)
            except ClockError as error:  # no reason not to keep the answer
                log.warning("%s", error)
            return [_known(connection, answer) or self._create(connection, answer, actor) for answer in answers]

        return self._database.write(work)

    def keep_refused(self, files: Sequence[Refused]) -> None:
        """Count files that got no answer, each once a session and model. They are no cases, and the log says nothing of them."""

        def work(connection: Connection) -> None:
            for each in files:
                once = ("session", "file_sha256", "model_sha256")
                if connection.scalar(select(REFUSALS.c.id).where(*(REFUSALS.c[name] == getattr(each, name) for name in once))):
                    continue
                row = asdict(each) | {"id": secrets.token_hex(16), "created": timestamp(self._clock())}
                connection.execute(REFUSALS.insert().values(row))

        self._database.write(work)

    def keep_shadows(self, shadows: Sequence[Shadow]) -> None:
        """What a candidate said of kept cases, once a case and state of the candidate; of a case that is gone nothing is kept."""

        def work(connection: Connection) -> None:
            for each in shadows:
                once = ("case_id", "model_sha256", "card_sha256")
                known = select(SHADOWS.c.case_id).where(*(SHADOWS.c[name] == getattr(each, name) for name in once))
                there = connection.scalar(select(CASES.c.id).where(CASES.c.id == each.case_id))
                if there and connection.scalar(known) is None:
                    connection.execute(SHADOWS.insert().values(asdict(each)))

        self._database.write(work)

    def change(
        self, case_id: str, actor: str, *, agreement: str | None = None, note: str | None = None, reference: str | None = None
    ) -> RecordedCase:
        """Write agreement, note or reference of a case (None: leave it). What is already so is not logged again."""
        for value, allowed in ((agreement, AGREEMENTS), (reference, REFERENCES)):
            if value is not None and value not in allowed:
                raise ValueError(f"expected one of {', '.join(allowed)}, received {value!r}")
        changes = (
            (chain.AGREEMENT, agreement),
            (chain.NOTE, None if note is None else clean_note(note)),
            (chain.REFERENCE, reference),
        )

        def work(connection: Connection) -> RecordedCase:
            case = _existing(connection, case_id)
            for action, value in changes:
                if value is not None and value != getattr(case, action):
                    changed: dict[str, Any] = {action: value}
                    case = replace(case, **changed)
                    connection.execute(CASES.update().where(CASES.c.id == case_id).values(changed))
                    self._append(connection, actor, action, case_id, content_digest(case))
            return case

        return self._database.write(work)

    def delete(self, case_id: str, actor: str) -> None:
        """Remove a case's content; that it was there, and who removed it when, stays in the log."""

        def work(connection: Connection) -> None:
            _existing(connection, case_id)
            self._remove(connection, case_id, actor, chain.DELETE)

        self._database.write(work)

    def purge(self) -> int:
        """Remove what is older than `days`; returns how many cases that were. Raises ClockError, and removes nothing."""
        return self._database.write(self._purge) if self._database.read(self._overdue, False) else 0

    def purge_by_this_clock(self, actor: str) -> int:
        """The same after `actor` said that the clock is right, which is logged."""

        def work(connection: Connection) -> int:
            self._append(connection, actor, chain.CLOCK, case_id="", digest="")
            return self._purge(connection)

        return self._database.write(work) if self._database.read(self._overdue, False) else 0

    def entries(self, after: int = 0) -> list[Entry]:
        """The log, from the entry that follows `after`, as it stands."""
        query = select(AUDIT).where(AUDIT.c.sequence > after).order_by(AUDIT.c.sequence)
        return self._database.read(lambda connection: [Entry(**row._mapping) for row in connection.execute(query)], list[Entry]())

    def refused(self) -> list[Refused]:
        """Every file counted that got no answer, the oldest first; none past the days."""
        query = select(*(REFUSALS.c[field.name] for field in fields(Refused))).order_by(REFUSALS.c.created, REFUSALS.c.id)
        if (oldest := self._oldest()) is not None:
            query = query.where(REFUSALS.c.created >= oldest)
        return self._database.read(lambda reading: [Refused(**row._mapping) for row in reading.execute(query)], list[Refused]())

    def shadows(self, card_sha256: str) -> dict[str, Shadow]:
        """What a candidate, by its card, said of the cases that are kept, by case id."""
        query = select(SHADOWS).where(SHADOWS.c.card_sha256 == card_sha256)
        shadows = self._database.read(lambda reading: [Shadow(**row._mapping) for row in reading.execute(query)], list[Shadow]())
        return {shadow.case_id: shadow for shadow in shadows}

    def models(self) -> list[str]:
        """The models that the record names, in order."""
        query = select(CASES.c.model).distinct().order_by(CASES.c.model)
        return self._database.read(lambda connection: list(connection.scalars(query)), list[str]())

    def get(self, case_id: str) -> RecordedCase | None:
        def work(connection: Connection) -> RecordedCase | None:
            row = connection.execute(select(CASES).where(CASES.c.id == case_id)).first()
            return _case(row) if row else None

        return self._database.read(work, None)

    def search(self, search: Search = EVERYTHING) -> list[RecordedCase]:
        """What fits, the newest first; never a case past its days, even where it could not be purged yet."""
        query = select(CASES).where(*conditions(search)).order_by(CASES.c.created.desc(), CASES.c.id)
        if (oldest := self._oldest()) is not None:
            query = query.where(CASES.c.created >= oldest)
        text = search.text.strip().casefold()
        cases = self._database.read(lambda connection: [_case(row) for row in connection.execute(query)], list[RecordedCase]())
        return [case for case in cases if text in case.note.casefold()]

    def is_begun(self) -> bool:
        """Whether anything was ever kept. Raises RecordError where the database cannot be asked."""
        return self._database.read(lambda _: True, False)

    def verify(self, noted: str | None = None) -> Verification:
        """Hold the log and the cases to each other; see `chain.verify`."""

        def work(connection: Connection) -> Verification:
            digests = {row.id: _digest(row) for row in connection.execute(select(CASES))}
            head = connection.execute(select(HEAD.c.sequence, HEAD.c.hash)).first()
            entries = connection.execute(select(AUDIT).order_by(AUDIT.c.sequence), execution_options={"yield_per": 1000})
            return chain.verify((Entry(**row._mapping) for row in entries), digests, Head(*head) if head else None, noted)

        verification = self._database.read(work, None)
        if verification is None:
            raise RecordError(f"There is no record yet: {self.place} holds none.")
        return verification

    def _oldest(self) -> str | None:
        return None if self.days is None else timestamp(self._clock() - timedelta(days=self.days))

    def _expired(self, connection: Connection) -> list[str]:
        oldest = self._oldest()
        return [] if oldest is None else list(connection.scalars(select(CASES.c.id).where(CASES.c.created < oldest)))

    def _overdue(self, connection: Connection) -> bool:
        return bool(self._expired(connection)) or connection.scalar(select(REFUSALS.c.id).where(self._old_refusals())) is not None

    def _old_refusals(self) -> ColumnElement[bool]:
        oldest = self._oldest()
        return false() if oldest is None else REFUSALS.c.created < oldest

    def _purge(self, connection: Connection) -> int:
        expired = self._expired(connection)
        if self._overdue(connection):
            self._believe_the_clock(connection)
            connection.execute(REFUSALS.delete().where(self._old_refusals()))
        for case_id in expired:
            self._remove(connection, case_id, "retention", chain.PURGE)
        return len(expired)

    def _believe_the_clock(self, connection: Connection) -> None:
        moments = connection.execute(select(AUDIT.c.time, AUDIT.c.action).order_by(AUDIT.c.sequence))
        if far := ahead(((row.time, row.action) for row in moments), self._clock()):
            raise ClockError(
                f"This computer's clock says {timestamp(self._clock())[:10]}, which is {far.days} days after the last entry of the "
                "log that can be believed. Nothing was deleted for its age. Set the clock; or, where it is right, run "
                "`python -m pneumo audit purge --clock-is-right`."
            )

    def _create(self, connection: Connection, answer: Answered, actor: str) -> str:
        case = RecordedCase(**vars(answer), id=secrets.token_hex(16), created=timestamp(self._clock()), salt=secrets.token_hex(16))
        row = asdict(case) | {"warnings": json.dumps(case.warnings)} | known_measures(case.measures)
        del row["measures"]
        connection.execute(CASES.insert().values(row))
        self._append(connection, actor, chain.CREATE, case.id, content_digest(case))
        return case.id

    def _remove(self, connection: Connection, case_id: str, actor: str, action: str) -> None:
        connection.execute(SHADOWS.delete().where(SHADOWS.c.case_id == case_id))
        connection.execute(CASES.delete().where(CASES.c.id == case_id))
        self._append(connection, actor, action, case_id, digest="")

    def _append(self, connection: Connection, actor: str, action: str, case_id: str, digest: str) -> None:
        """The next entry. The lock on the head's row (SQLite: on the file, since BEGIN) lets one writer in at a time."""
        row = connection.execute(select(HEAD.c.sequence, HEAD.c.hash).with_for_update()).first()
        if row is None:
            raise RecordError(f"The log of the record ({self.place}) was tampered with: run `python -m pneumo audit verify`.")
        entry = chain.following(Head(*row), timestamp(self._clock()), actor, action, case_id, digest)
        connection.execute(AUDIT.insert().values(asdict(entry)))
        connection.execute(HEAD.update().values(sequence=entry.sequence, hash=entry.hash))


def _known(connection: Connection, answer: Answered) -> str | None:
    once = ("session", "file_sha256", "model_sha256", "operating_point")
    return connection.scalar(select(CASES.c.id).where(*(CASES.c[name] == getattr(answer, name) for name in once)))


def _existing(connection: Connection, case_id: str) -> RecordedCase:
    row = connection.execute(select(CASES).where(CASES.c.id == case_id).with_for_update()).first()
    if row is None:
        raise RecordError("This case is not in the record any more: it was deleted, or its days were over.")
    return _case(row)


def _case(row: Row[Any]) -> RecordedCase:
    """Raises RecordError where a value is of a kind that Pneumo does not write."""
    values = dict(row._mapping)
    measures = {name: values.pop(name) for name in MEANING}
    known = {name: value for name, value in measures.items() if value is not None}
    case = RecordedCase(**{**values, "warnings": _warnings(row.warnings), "measures": Measures(**known)})
    checked = {field.name: (getattr(case, field.name), _KINDS.get(field.type, object)) for field in fields(RecordedCase)}
    for name, (value, kind) in (checked | {name: (value, int | float) for name, value in known.items()}).items():
        if not isinstance(value, kind):
            raise RecordError(
                f"Case {case.id} was altered behind the log's back: its {name} is of a kind that Pneumo does not write. "
                "Run `python -m pneumo audit verify`, and restore the record from a backup."
            )
    return case


def _digest(row: Row[Any]) -> str:
    """No digest fits where there is none."""
    try:
        return content_digest(_case(row))
    except RecordError:
        return ""


def _warnings(text: str) -> tuple[str, ...]:
    """What is no list of sentences was put there by another hand: it stays readable, and does not fit its digest."""
    try:
        sentences = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        sentences = None
    return tuple(sentences) if isinstance(sentences, list) and all(isinstance(each, str) for each in sentences) else (str(text),)
