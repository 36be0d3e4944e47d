"""Where the record is kept and for how long, from the environment. Off unless PNEUMO_RECORD is set."""

import os

from pneumo.errors import ConfigError


def record_url() -> str | None:
    """The database of the record as an SQLAlchemy URL, from PNEUMO_RECORD; None: no record."""
    return os.environ.get("PNEUMO_RECORD", "").strip() or None


def retention_days() -> int | None:
    """Days a case is kept, from PNEUMO_RECORD_DAYS; None: no limit. Raises ConfigError."""
    text = os.environ.get("PNEUMO_RECORD_DAYS", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 36_500):
        raise ConfigError(f"PNEUMO_RECORD_DAYS must be a number of days from 1 to 36500; received {text!r}. Nothing is recorded.")
    return int(text)
