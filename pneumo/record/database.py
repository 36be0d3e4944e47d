"""Access to the database: one transaction per call, and failures in words that a clinician can act on."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from pneumo.errors import ConfigError, RecordError
from pneumo.record.chain import Head
from pneumo.record.tables import AUDIT, HEAD
from pneumo.record.upgrade import KNOWN, REVISION, revision_of, upgrade_record

T = TypeVar("T")
BUSY_SECONDS = 3  # longest wait for a locked database
_ROOM = 1 << 20  # bytes that a case and SQLite's journal need
ATTEMPTS = 5  # of a write that collides with another writer
_WORDS = (  # part of a driver's message -> its meaning
    ("locked", "it is in use by another program"),
    ("lock timeout", "it is in use by another program"),
    ("readonly", "it may only be read"),
    ("read-only", "it may only be read"),
    ("permission denied", "this program has no right to it"),
    ("disk is full", "the disk is full"),
    ("no space", "the disk is full"),
    ("unable to open", "it cannot be opened: its folder is missing, or may not be written to"),
    ("no such file", "its folder is missing"),
    ("not a database", "the file is no database"),
    ("malformed", "the file is damaged; restore it from a backup"),
    ("append-only", "the audit log may only grow"),
    ("no such column", "it was made by another version of Pneumo"),
    ("connect", "it does not answer"),
)


class Database:
    """A database by its URL. The first write creates file and tables."""

    def __init__(self, url: str):
        """Raises ConfigError for an invalid URL, RecordError if the driver is not installed."""
        parsed = _parse(url)
        self.path = _sqlite_file(parsed)  # None for a server
        self.place = _place(parsed, self.path)
        self._engine = _engine(parsed)
        # a consistent snapshot, so that log and cases match; SQLite always reads one
        self._reading = {} if parsed.get_backend_name() == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._begun = False  # this process has seen the tables, so they must exist from now on

    def read(self, work: Callable[[Connection], T], nothing: T) -> T:
        """Run `work` in a read transaction; `nothing` if there is no record yet. Raises RecordError.

        A record of an earlier version of Pneumo is upgraded first.
        """
        with self._in_words("read"):
            if self._missing_file():
                return nothing
            with self._engine.connect().execution_options(**self._reading) as connection, connection.begin():
                revision = self._understood(revision_of(connection))
                if revision in (None, REVISION):
                    return work(connection) if revision else nothing
        with self._in_words("upgraded from an earlier version of Pneumo, so it cannot be read"):
            self._write(lambda _: None)
        return self.read(work, nothing)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a write transaction, exclusive on the log; repeated if another writer came first. Raises RecordError."""
        for attempt in range(ATTEMPTS):
            try:
                with self._in_words("written to"):
                    return self._write(work)
            except RecordError as error:
                if not _overtaken(error.__cause__) or attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def check_writable(self) -> None:
        """Raises RecordError if the next case could not be written. Creates no record: where there is none, checks its folder."""
        if self.path is not None:
            folder = self.path.parent
            with self._in_words("written to"):
                if shutil.disk_usage(folder).free < _ROOM:
                    raise OSError("disk is full")
                if self._missing_file() and not os.access(folder, os.W_OK | os.X_OK):
                    raise OSError("permission denied")
                if not self.path.exists():
                    return
        self.write(lambda _: None)

    def _write(self, work: Callable[[Connection], T]) -> T:
        if self.path is not None and self._missing_file():
            self.path.touch(mode=0o600)  # readable by its owner only, from the start
        with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            if not self._begun:
                if self._understood(revision_of(connection)) != REVISION:
                    upgrade_record(connection)
                if connection.execute(select(HEAD.c.id)).first() is None and connection.execute(select(AUDIT)).first() is None:
                    connection.execute(HEAD.insert().values(id=1, sequence=0, hash=Head().hash))
            done = work(connection)
        self._begun = True
        return done

    def _understood(self, revision: str | None) -> str | None:
        """Raises RecordError for a record of a newer version, which this one cannot read or write."""
        if revision is not None and revision not in KNOWN:
            raise RecordError(
                f"The record ({self.place}) was made by a newer version of Pneumo (form {revision}; this one knows {REVISION}). "
                "Update Pneumo; the record was left as it is."
            )
        return revision

    def _missing_file(self) -> bool:
        """True before the first write. Raises RecordError if the file was there earlier and is gone."""
        if self.path is None or self.path.exists():
            return False
        if self._begun:
            raise RecordError(f"The record ({self.place}) is gone. Restore the file, or restart Pneumo to begin a new record.")
        return True

    @contextmanager
    def _in_words(self, action: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError, ValueError) as error:  # ValueError: a stored value that the driver cannot read
            message = str(getattr(error, "orig", None) or error).lower()
            meaning = next((words for sign, words in _WORDS if sign in message), f"the database reported {type(error).__name__}")
            raise RecordError(f"The record ({self.place}) could not be {action}: {meaning}.") from error


def _overtaken(error: BaseException | None) -> bool:
    """Whether another writer added the entry or created the tables first."""
    return isinstance(error, IntegrityError) or (isinstance(error, SQLAlchemyError) and "already exists" in str(error))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "PNEUMO_RECORD is no database URL. Expected for example sqlite:///record.sqlite or "
            "postgresql://user:password@host/database. Nothing is recorded."
        ) from None  # the cause would quote the URL, which may hold a password
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ConfigError("PNEUMO_RECORD must name a file, as in sqlite:///record.sqlite. Nothing is recorded.")
    return parsed


def _sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite database; None for a server, and for a file: URI."""
    if url.get_backend_name() != "sqlite" or url.database is None or url.database.startswith("file:"):
        return None
    return Path(url.database).absolute()


def _place(url: URL, path: Path | None) -> str:
    """Location of the record, without user and password."""
    if url.get_backend_name() == "sqlite":
        return f"the file {path or url.database} on the computer that runs Pneumo"
    return f"the {url.get_backend_name()} database {url.database} on {url.host or 'the computer that runs Pneumo'}"


def _engine(url: URL) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"pool_pre_ping": True}
    if sqlite:
        options = {"connect_args": {"timeout": BUSY_SECONDS}, "poolclass": NullPool}
    if url.get_backend_name() == "postgresql":
        options["connect_args"] = {"connect_timeout": 5, "options": f"-c lock_timeout={1000 * BUSY_SECONDS}"}
    try:
        engine = create_engine(url, hide_parameters=True, **options)  # keeps the content of cases out of logs
    except ImportError as error:
        extra = "pip install 'psycopg[binary]'" if url.get_backend_name() == "postgresql" else "install its Python driver"
        raise RecordError(
            f"PNEUMO_RECORD names a {url.get_backend_name()} database, and its driver {error.name} is not installed. "
            f"Install it where Pneumo runs ({extra}), or use sqlite:///FILE. Nothing is recorded."
        ) from error
    except NoSuchModuleError as error:
        raise ConfigError(
            f"PNEUMO_RECORD names the unknown database {url.drivername!r}; expected sqlite or postgresql. Nothing is recorded."
        ) from error
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # no implicit transactions by the driver
    connection.execute("PRAGMA secure_delete = ON")  # overwrite deleted cases


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock before reading the head of the log, so that no two writers read the same head."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
