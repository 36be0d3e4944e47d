"""What became of each object that was sent: only what the archive shows when asked again counts as arrived."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

CONFIRMED, UNCONFIRMED, FAILED = "arrived", "sent, not confirmed", "failed"
_PAUSE = 0.25  # seconds between two looks


@dataclass(frozen=True)
class Outcome:
    """Of one object. Holds no identifier, so it may be logged."""

    kind: str  # by modality: "SR", or "OT" for the capture
    state: str  # CONFIRMED, UNCONFIRMED (the archive took it and cannot be asked) or FAILED
    detail: str = ""  # why, in plain words


def all_failed(objects: Iterable[Dataset], detail: str) -> tuple[Outcome, ...]:
    return tuple(Outcome(one.Modality, FAILED, detail) for one in objects)


def outcome_after_query(one: Dataset, found: bool | None) -> Outcome:
    """Outcome of an object that the archive said it took: `found` True, False, or None where it cannot be asked."""
    if found is None:
        return Outcome(one.Modality, UNCONFIRMED, "The archive took it, but offers no query to check.")
    if found:
        return Outcome(one.Modality, CONFIRMED)
    return Outcome(one.Modality, FAILED, "The archive said it stored the object, but does not have it. Ask its administrator.")


def wait_until_found(look: Callable[[], bool | None], seconds: float) -> bool | None:
    """Look until the object is there, the archive turns out not to answer queries (None), or the time is up."""
    end = time.monotonic() + seconds
    while (found := look()) is False and time.monotonic() < end:
        time.sleep(_PAUSE)
    return found
