"""Check this computer's clock against the log before old cases are deleted."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pneumo.record.chain import CLOCK

FAR = timedelta(days=60)  # a longer gap means an unused record or a wrong clock


def ahead(entries: Iterable[tuple[str, str]], now: datetime) -> timedelta | None:
    """How far `now` is ahead of the last plausible entry, if more than FAR; None if the clock is plausible.

    `entries`: (time, action) in the order of the log. An entry is plausible if it is at most FAR after the last plausible
    one, or if a user confirmed the clock there: entries written while the clock was ahead do not count.
    """
    last: datetime | None = None
    for text, action in entries:
        moment = _moment(text)
        if moment and (last is None or action == CLOCK or moment <= last + FAR):
            last = moment
    return now - last if last and now > last + FAR else None


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
