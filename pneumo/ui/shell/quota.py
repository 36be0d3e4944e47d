"""Memory limits of one session: the files that wait to be read, and as much again for the cases made from them.

No streamlit here. `session` is a session's state.
"""

import os
from collections.abc import Iterable
from typing import Any, Protocol

from pneumo.errors import ConfigError
from pneumo.imaging.decoding.archive import Contents, members_of, refused, shown_name
from pneumo.inference.finding import Finding
from pneumo.labels import Status

SETTING, DEFAULT = "PNEUMO_SESSION_MB", 512
NOT_TAKEN = b"Pneumo did not take this file: its session had no room"  # replaces the content of such a file
CASES, PENDING, ROWS, INTAKE = "cases", "pending", "worklist_rows", "worklist_intake"  # keys of a session's state


class Session(Protocol):
    """Streamlit's own state has no `get`."""

    def __contains__(self, key: str, /) -> bool: ...

    def __getitem__(self, key: str, /) -> Any: ...


def limit() -> int:
    """Bytes, for waiting files and for cases alike. Raises ConfigError."""
    value = os.environ.get(SETTING, "") or str(DEFAULT)
    if not value.isascii() or not value.isdigit() or int(value) == 0:
        raise ConfigError(f"{SETTING} is {value!r}; expected a whole number of megabytes, for example {DEFAULT}.")
    return int(value) << 20


def waiting(session: Session) -> int:
    """Bytes of dropped files and archives that were not read yet."""
    intake = _of(session, INTAKE, None)
    return int(sum(member.holds for member, _ in _of(session, PENDING, ())) + (intake.holds if intake else 0))


def room(session: Session) -> int:
    """Bytes left for cases; 0 or less: none."""
    return limit() - int(sum(case.nbytes for key in (CASES, ROWS) for case in _of(session, key, ())))


def answers_size(findings: Iterable[Finding]) -> int:
    """Bytes of the arrays in findings that have no pictures."""
    answers = [finding.answer for finding in findings if finding.answer]
    return sum(answer.heatmap.heat.nbytes + answer.gradcam.nbytes + getattr(answer.features, "nbytes", 0) for answer in answers)


def offered(name: str, data: bytes) -> Contents:
    """The `members_of` an uploaded file, or the reason why it was not taken."""
    return Contents((refused(shown_name(name), not_taken()),), 0) if data == NOT_TAKEN else members_of(name, data)


def not_taken() -> str:
    return f"No room: at most {_shown()} of a session's files may wait to be read. Drop it again when the others are read."


def full() -> str:
    return (
        f"No room: this session holds {_shown()} of X-rays, which is the limit. Save what you need, choose Clear all on Diagnose "
        "and Worklist, and drop it again."
    )


def warning(findings: Iterable[Finding]) -> str:
    """How many of a page's files were left out for lack of room, and why; empty where none was."""
    reasons = [finding.reasons[0] for finding in findings if finding.status == Status.ERROR]
    counted = ((reasons.count(reason), reason) for reason in (not_taken(), full()))
    return " ".join(f"{count} of the files left out. {reason}" for count, reason in counted if count)


def _of(session: Session, key: str, default: Any) -> Any:
    return session[key] if key in session else default  # noqa: SIM401


def _shown() -> str:
    return f"{limit() >> 20:,} MB"
