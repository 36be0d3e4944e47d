"""Logins ended by the operator: a small file, read at each request, because a login's cookie cannot be revoked in the browser.

Each line holds a subject or e-mail address of an identity token, or * for everybody, and a time. Logins of that account
issued at or before that time are no longer valid.
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
    """Read the file. Raises ConfigError if it is unreadable or a line is malformed: a typo must not let anybody in."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigError("PNEUMO_ENDED_LOGINS: expected a text file that can be read; see docs/access.md.") from None
    numbered = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return tuple(_read(number, line) for number, line in numbered if line and not line.startswith("#"))


def has_ended(claims: Mapping[str, object], ended: tuple[EndedLogin, ...]) -> bool:
    """Whether an entry names this token's subject or e-mail address, verified or not, and the token was issued at or before it."""
    names = {value.lower() for value in (claims.get("sub"), claims.get("email")) if isinstance(value, str)} | {EVERYBODY}
    issued = claims.get("iat")
    return any(end.who in names and (not isinstance(issued, int | float) or issued <= end.until) for end in ended)


def _read(number: int, line: str) -> EndedLogin:
    """Parse one line. Its text is not quoted in the error, which every visitor sees: it may name somebody."""
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
