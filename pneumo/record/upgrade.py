"""Schema version of a record, and its upgrade with Alembic in the caller's transaction."""

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from pneumo.record.tables import AUDIT

REVISION = "0002"  # of tables.py
FIRST = "0001"  # of a record without a version table
KNOWN = (FIRST, REVISION)
_VERSION = "alembic_version"
_STEPS = Path(__file__).with_name("migrations")


def revision_of(connection: Connection) -> str | None:
    """None: no record in this database."""
    tables = inspect(connection)
    if not tables.has_table(AUDIT.name):
        return None
    return connection.scalar(text(f"SELECT version_num FROM {_VERSION}")) if tables.has_table(_VERSION) else FIRST


def upgrade_record(connection: Connection) -> None:
    """Create a record, or upgrade one to REVISION, on a connection that may write. Rows and entries are unchanged."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it logs every step
    from alembic import command  # takes half a second, so only if needed
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    if revision_of(connection) == FIRST and not inspect(connection).has_table(_VERSION):
        command.stamp(config, FIRST)
    command.upgrade(config, REVISION)
