"""Whether this computer's clock can be believed, before cases are deleted for being old: by the moments of the log."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pneumo.record.chain import CLOCK

FAR = timedelta(days=60)  # a record that was quiet for longer, or a clock that is wrong by a month or a year


def ahead(entries: Iterable[tuple[str, str]], now: datetime) -> timedelta | None:
    """How far `now` lies ahead of the last believable entry, where that is too far; None: the clock is believed.

    `entries`: (time, action) in the order of the log. What a clock that ran ahead wrote is not believed either: an entry
    counts only where it is at most FAR after the last that counted, or where somebody said there that the clock is right.
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
