"""Outcome of sending an object: it counts as arrived only if the archive confirms it in a query."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

CONFIRMED, UNCONFIRMED, FAILED = "arrived", "sent, not confirmed", "failed"
_PAUSE = 0.25  # seconds between two queries


@dataclass(frozen=True)
class Outcome:
    """Outcome of one object. Contains no identifier, so it may be logged."""

    kind: str  # modality: "SR"; "OT" for the capture, "DOC" for the PDF, "SEG"
    state: str  # CONFIRMED, UNCONFIRMED (accepted by an archive that cannot be queried) or FAILED
    detail: str = ""  # the reason, for the user


def all_failed(objects: Iterable[Dataset], detail: str) -> tuple[Outcome, ...]:
    return tuple(Outcome(instance.Modality, FAILED, detail) for instance in objects)


def outcome_after_query(instance: Dataset, present: bool | None) -> Outcome:
    """Outcome of an object that the archive accepted. `present`: whether a query finds it; None if it cannot be queried."""
    if present is None:
        return Outcome(instance.Modality, UNCONFIRMED, "The archive took it, but offers no query to check.")
    if present:
        return Outcome(instance.Modality, CONFIRMED)
    return Outcome(instance.Modality, FAILED, "The archive said it stored the object, but does not have it. Ask its administrator.")


def wait_until_found(query: Callable[[], bool | None], seconds: float) -> bool | None:
    """Repeat `query` until it finds the object, fails (None), or `seconds` have passed; returns its last result."""
    end = time.monotonic() + seconds
    while (present := query()) is False and time.monotonic() < end:
        time.sleep(_PAUSE)
    return present
