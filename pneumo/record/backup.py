"""Back up the record while Pneumo is running: a consistent copy, verified against its log."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from pneumo.errors import RecordError
from pneumo.record.chain import Verification
from pneumo.record.database import Database
from pneumo.record.store import Record


def back_up(database: Database, copy: Path) -> Verification:
    """Copy the SQLite database to a new file that only its owner may read, and verify the copy. Raises RecordError.

    A copy that does not verify is kept: the record itself is broken then.
    """
    if database.path is None:
        raise RecordError(f"{database.place} is no SQLite file. Back it up with the database's own tool: pg_dump (docs/record.md).")
    if not database.path.is_file():
        raise RecordError(f"There is no record yet: {database.place} holds none.")
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise RecordError(f"The copy {copy} cannot be made: {error.strerror or error}. Name a new file.") from error
    try:
        with (
            closing(sqlite3.connect(f"{database.path.as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as new,
        ):
            source.backup(new)
    except sqlite3.Error as error:
        copy.unlink()
        raise RecordError(f"The record ({database.place}) could not be copied: {error}. Try again.") from error
    return Record(Database(f"sqlite:///{copy.absolute()}")).verify()
