"""The record of cases. Creating, changing and removing a case appends to the log in the same transaction."""

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, Table, select

from pneumo.errors import ClockError, RecordError
from pneumo.record import chain
from pneumo.record.case import AGREEMENTS, REFERENCES, Answered, RecordedCase, Refused, Shadow, clean_note, timestamp
from pneumo.record.chain import Entry, Head, Verification
from pneumo.record.clock import ahead
from pneumo.record.database import Database
from pneumo.record.rows import case_of, content_digest, digest_of, row_of
from pneumo.record.search import EVERYTHING, Search, conditions
from pneumo.record.settings import record_url, retention_days
from pneumo.record.tables import AUDIT, CASES, HEAD, REFUSALS, SHADOWS

T = TypeVar("T")
log = logging.getLogger(__name__)
_database = lru_cache(maxsize=4)(Database)  # a Database remembers that its file existed


def open_record() -> "Record | None":
    """The record set in the environment; None if it is off. Raises ConfigError, RecordError."""
    url = record_url()
    return Record(_database(url), retention_days()) if url else None


class Record:
    """Every method is one transaction and raises RecordError. `days`: how long a case is kept; None: no limit."""

    def __init__(self, database: Database, days: int | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.database, self.days, self._clock = database, days, clock

    @property
    def place(self) -> str:
        return self.database.place

    def keep(self, answers: Sequence[Answered], actor: str) -> list[str]:
        """Record answers, each once per session; returns their ids. Purges expired cases in the same transaction."""

        def work(connection: Connection) -> list[str]:
            try:
                self._purge(connection)
            except ClockError as error:  # the answers are still recorded
                log.warning("%s", error)
            once = ("session", "file_sha256", "model_sha256", "operating_point")
            return [_known(connection, CASES, answer, once) or self._create(connection, answer, actor) for answer in answers]

        return self.database.write(work)

    def keep_refused(self, files: Sequence[Refused]) -> None:
        """Count files without an answer, once per session and model. They are no cases and not in the log."""

        def work(connection: Connection) -> None:
            for each in files:
                if not _known(connection, REFUSALS, each, ("session", "file_sha256", "model_sha256")):
                    row = asdict(each) | {"id": secrets.token_hex(16), "created": timestamp(self._clock())}
                    connection.execute(REFUSALS.insert().values(row))

        self.database.write(work)

    def keep_shadows(self, shadows: Sequence[Shadow]) -> None:
        """Record a candidate's answers, once per case and version of the candidate; not for cases that were removed."""

        def work(connection: Connection) -> None:
            for each in shadows:
                there = connection.scalar(select(CASES.c.id).where(CASES.c.id == each.case_id))
                if there and not _known(connection, SHADOWS, each, ("case_id", "model_sha256", "card_sha256")):
                    connection.execute(SHADOWS.insert().values(asdict(each)))

        self.database.write(work)

    def change(
        self, case_id: str, actor: str, *, agreement: str | None = None, note: str | None = None, reference: str | None = None
    ) -> RecordedCase:
        """Set agreement, note or reference label of a case (None: unchanged). Logs only actual changes."""
        for value, allowed in ((agreement, AGREEMENTS), (reference, REFERENCES)):
            if value is not None and value not in allowed:
                raise ValueError(f"expected one of {', '.join(allowed)}, received {value!r}")
        note = None if note is None else clean_note(note)
        changes = ((chain.AGREEMENT, agreement), (chain.NOTE, note), (chain.REFERENCE, reference))

        def work(connection: Connection) -> RecordedCase:
            case = _existing(connection, case_id)
            for action, value in changes:
                if value is not None and value != getattr(case, action):
                    changed: dict[str, Any] = {action: value}
                    case = replace(case, **changed)
                    connection.execute(CASES.update().where(CASES.c.id == case_id).values(changed))
                    self._append(connection, actor, action, case_id, content_digest(case))
            return case

        return self.database.write(work)

    def delete(self, case_id: str, actor: str) -> None:
        """Remove a case. The log keeps that it existed, and who removed it when."""

        def work(connection: Connection) -> None:
            _existing(connection, case_id)
            self._remove(connection, case_id, actor, chain.DELETE)

        self.database.write(work)

    def purge(self, confirmed_by: str = "") -> int:
        """Remove cases older than `days`; returns how many. Raises ClockError if the clock is implausible.

        `confirmed_by`: the actor who says that the clock is right; this is logged.
        """

        def work(connection: Connection) -> int:
            if confirmed_by:
                self._append(connection, confirmed_by, chain.CLOCK, case_id="", digest="")
            return self._purge(connection)

        return self.database.write(work) if self.database.read(self._overdue, False) else 0

    def entries(self, after: int = 0) -> list[Entry]:
        """The log's entries after sequence number `after`."""
        query = select(AUDIT).where(AUDIT.c.sequence > after).order_by(AUDIT.c.sequence)
        return self._read(query, lambda row: Entry(**row._mapping))

    def refused(self) -> list[Refused]:
        """Files without an answer, oldest first, without expired ones."""
        query = select(*(REFUSALS.c[field.name] for field in fields(Refused))).where(REFUSALS.c.created >= self._oldest())
        return self._read(query.order_by(REFUSALS.c.created, REFUSALS.c.id), lambda row: Refused(**row._mapping))

    def shadows(self, card_sha256: str) -> dict[str, Shadow]:
        """Case id -> answer of the candidate with this card."""
        query = select(SHADOWS).where(SHADOWS.c.card_sha256 == card_sha256)
        return {shadow.case_id: shadow for shadow in self._read(query, lambda row: Shadow(**row._mapping))}

    def models(self) -> list[str]:
        """Names of the models in the record, sorted."""
        return self._read(select(CASES.c.model).distinct().order_by(CASES.c.model), lambda row: str(row.model))

    def get(self, case_id: str) -> RecordedCase | None:
        return next(iter(self._read(select(CASES).where(CASES.c.id == case_id), case_of)), None)

    def search(self, search: Search = EVERYTHING) -> list[RecordedCase]:
        """Matching cases, newest first, without expired ones that were not purged yet."""
        query = select(CASES).where(*conditions(search), CASES.c.created >= self._oldest())
        text = search.text.strip().casefold()
        cases = self._read(query.order_by(CASES.c.created.desc(), CASES.c.id), case_of)
        return [case for case in cases if text in case.note.casefold()]

    def is_begun(self) -> bool:
        """Whether the record exists. Raises RecordError if the database cannot be read."""
        return self.database.read(lambda _: True, False)

    def verify(self, noted: str | None = None) -> Verification:
        """Check the log and the cases against it; see `chain.verify`."""

        def work(connection: Connection) -> Verification:
            digests = {row.id: digest_of(row) for row in connection.execute(select(CASES))}
            head = connection.execute(select(HEAD.c.sequence, HEAD.c.hash)).first()
            entries = connection.execute(select(AUDIT).order_by(AUDIT.c.sequence), execution_options={"yield_per": 1000})
            return chain.verify((Entry(**row._mapping) for row in entries), digests, Head(*head) if head else None, noted)

        verification = self.database.read(work, None)
        if verification is None:
            raise RecordError(f"There is no record yet: {self.place} holds none.")
        return verification

    def _read(self, query: Select[Any], make: Callable[[Row[Any]], T]) -> list[T]:
        """What `make` makes of each row; nothing while there is no record."""
        return self.database.read(lambda connection: [make(row) for row in connection.execute(query)], [])

    def _oldest(self) -> str:
        """The earliest time that is not expired; empty, which sorts before every time, without a limit."""
        return "" if self.days is None else timestamp(self._clock() - timedelta(days=self.days))

    def _overdue(self, connection: Connection) -> bool:
        expired = (select(table.c.id).where(table.c.created < self._oldest()) for table in (CASES, REFUSALS))
        return any(connection.execute(query).first() for query in expired)

    def _purge(self, connection: Connection) -> int:
        oldest = self._oldest()
        expired = list(connection.scalars(select(CASES.c.id).where(CASES.c.created < oldest)))
        if self._overdue(connection):
            self._check_clock(connection)
            connection.execute(REFUSALS.delete().where(REFUSALS.c.created < oldest))
        for case_id in expired:
            self._remove(connection, case_id, "retention", chain.PURGE)
        return len(expired)

    def _check_clock(self, connection: Connection) -> None:
        moments = connection.execute(select(AUDIT.c.time, AUDIT.c.action).order_by(AUDIT.c.sequence))
        if far := ahead(((row.time, row.action) for row in moments), self._clock()):
            raise ClockError(
                f"This computer's clock says {timestamp(self._clock())[:10]}, which is {far.days} days after the last entry of the "
                "log that can be believed. Nothing was deleted for its age. Set the clock; or, where it is right, run "
                "`python -m pneumo audit purge --clock-is-right`."
            )

    def _create(self, connection: Connection, answer: Answered, actor: str) -> str:
        case = RecordedCase(**vars(answer), id=secrets.token_hex(16), created=timestamp(self._clock()), salt=secrets.token_hex(16))
        connection.execute(CASES.insert().values(row_of(case)))
        self._append(connection, actor, chain.CREATE, case.id, content_digest(case))
        return case.id

    def _remove(self, connection: Connection, case_id: str, actor: str, action: str) -> None:
        connection.execute(SHADOWS.delete().where(SHADOWS.c.case_id == case_id))
        connection.execute(CASES.delete().where(CASES.c.id == case_id))
        self._append(connection, actor, action, case_id, digest="")

    def _append(self, connection: Connection, actor: str, action: str, case_id: str, digest: str) -> None:
        """Append an entry. The lock on the head's row (SQLite: on the file, since BEGIN) admits one writer at a time."""
        row = connection.execute(select(HEAD.c.sequence, HEAD.c.hash).with_for_update()).first()
        if row is None:
            raise RecordError(f"The log of the record ({self.place}) was tampered with: run `python -m pneumo audit verify`.")
        entry = chain.following(Head(*row), timestamp(self._clock()), actor, action, case_id, digest)
        connection.execute(AUDIT.insert().values(asdict(entry)))
        connection.execute(HEAD.update().values(sequence=entry.sequence, hash=entry.hash))


def _known(connection: Connection, table: Table, item: object, once: tuple[str, ...]) -> str | None:
    """The first column of the row with the values of `item` in the columns `once`."""
    return connection.scalar(select(table.c[0]).where(*(table.c[name] == getattr(item, name) for name in once)))


def _existing(connection: Connection, case_id: str) -> RecordedCase:
    row = connection.execute(select(CASES).where(CASES.c.id == case_id).with_for_update()).first()
    if row is None:
        raise RecordError("This case is not in the record any more: it was deleted, or its days were over.")
    return case_of(row)
