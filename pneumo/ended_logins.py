"""Logins that whoever runs Pneumo has ended: a small file, read anew at each request, since a login's cookie lives in a browser.

A line says whose and until when: a subject or an e-mail address of the identity token, or * for everybody, and a time.
A login of that account that was issued at that time or before is none any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pneumo.errors import ConfigError

EVERYBODY = "*"


@dataclass(frozen=True)
class EndedLogin:
    who: str  # subject or e-mail address in lower case, or EVERYBODY
    until: float  # seconds since 1970


def read_ended_logins(path: Path) -> tuple[EndedLogin, ...]:
    """Raises ConfigError where the file cannot be read or a line means nothing: nobody must get in by a spelling mistake."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigError("PNEUMO_ENDED_LOGINS: expected a text file that can be read; see docs/access.md.") from None
    told = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return tuple(_read(number, line) for number, line in told if line and not line.startswith("#"))


def has_ended(claims: Mapping[str, object], ended: tuple[EndedLogin, ...]) -> bool:
    """Whether a line names this token's subject or address, verified or not, and is not older than the token."""
    names = {value.lower() for value in (claims.get("sub"), claims.get("email")) if isinstance(value, str)} | {EVERYBODY}
    issued = claims.get("iat")
    return any(end.who in names and (not isinstance(issued, int | float) or issued <= end.until) for end in ended)


def _read(number: int, line: str) -> EndedLogin:
    """The line itself, which may name somebody, is not repeated in an error that every visitor sees."""
    who, _, when = line.rpartition(" ")
    try:
        time = datetime.fromisoformat(when)
    except ValueError:
        time = None
    if not who.strip() or time is None or time.tzinfo is None:
        raise ConfigError(
            f"PNEUMO_ENDED_LOGINS: line {number}: expected a subject, an e-mail address or *, then a time with its offset, "
            "such as ada@example.org 2026-11-03T14:00:00+01:00."
        )
    return EndedLogin(who.strip().lower(), time.timestamp())
