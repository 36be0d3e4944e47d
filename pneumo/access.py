"""Access rules: settings from the environment, roles, permitted actions, and addresses on which the app may listen."""

import ipaddress
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from pathlib import Path

from pneumo.errors import ConfigError

OPEN_WORD = "no-login"  # not just "1", so that nobody sets it by accident
OWN_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
ANYBODY = "*"  # in PNEUMO_READERS and among ended logins: everybody who can log in
Claims = Mapping[str, object]  # of the identity token


class Role(IntEnum):
    """Each role includes the rights of those before it."""

    READER = 1
    RESEARCHER = 2
    ADMIN = 3


class Action(Enum):
    READ = "see the pages"  # all but Train; get answers and agree or disagree with them
    TRAIN = "train"  # start, cancel, resume, delete and promote runs
    DATA = "get data"  # a data set, and its audit
    RECORD = "change the record"  # on History: change, delete and export cases
    SITE = "change what answers here"  # on Site: the model, the candidate, the site profile


LEAST = {
    Action.READ: Role.READER,
    Action.TRAIN: Role.RESEARCHER,
    Action.DATA: Role.RESEARCHER,
    Action.RECORD: Role.ADMIN,
    Action.SITE: Role.ADMIN,
}


@dataclass(frozen=True)
class EndedLogin:
    """Ended by the operator: logins of this account issued at or before this time are no longer valid.

    A small file holds them, read at each request, because a login's cookie cannot be revoked in the browser. Each of its lines has
    a subject or e-mail address of an identity token, or * for everybody, and a time.
    """

    who: str  # subject or e-mail address in lower case, or ANYBODY
    until: float  # seconds since 1970


@dataclass(frozen=True)
class AccessSettings:
    """By default there is no login: everybody who reaches the app may do everything, and it listens on this computer only."""

    login: bool = False
    claim: str = "roles"  # claim of the identity token; dots lead into nested claims
    readers: frozenset[str] = frozenset({"pneumo-reader"})  # values of that claim, or verified e-mail addresses
    researchers: frozenset[str] = frozenset({"pneumo-researcher"})
    admins: frozenset[str] = frozenset({"pneumo-admin"})
    hours: float = 12.0  # lifetime of a login; a role withdrawn meanwhile is kept until then
    ended: tuple[EndedLogin, ...] = ()  # logins ended by the operator before their hours were over
    hosts: frozenset[str] = frozenset()  # host names under which browsers may call the app, besides OWN_NAMES
    open: bool = False  # explicitly open to a network without a login

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "AccessSettings":
        """From PNEUMO_LOGIN, PNEUMO_ROLE_CLAIM, PNEUMO_READERS, _RESEARCHERS, _ADMINS, PNEUMO_LOGIN_HOURS, PNEUMO_ENDED_LOGINS (a
        file, read at every call), PNEUMO_HOSTS, PNEUMO_OPEN. Raises ConfigError.
        """

        def setting(name: str) -> str:
            return environment.get(f"PNEUMO_{name}", "").strip()

        def names(name: str, default: frozenset[str]) -> frozenset[str]:
            return frozenset(part.strip() for part in setting(name).split(",") if part.strip()) or default

        for name, word in (("LOGIN", "oidc"), ("OPEN", OPEN_WORD)):
            if setting(name) not in ("", word):
                raise ConfigError(f"PNEUMO_{name}: expected {word}, or nothing; received {setting(name)!r}.")
        try:
            hours = float(setting("LOGIN_HOURS") or cls.hours)
        except ValueError:
            hours = math.nan
        if not 0 < hours <= 720:
            raise ConfigError(f"PNEUMO_LOGIN_HOURS: expected hours from above 0 to 720; received {setting('LOGIN_HOURS')!r}.")
        settings = cls(
            login=setting("LOGIN") == "oidc",
            claim=setting("ROLE_CLAIM") or cls.claim,
            readers=names("READERS", cls.readers),
            researchers=names("RESEARCHERS", cls.researchers),
            admins=names("ADMINS", cls.admins),
            hours=hours,
            ended=read_ended_logins(Path(setting("ENDED_LOGINS"))) if setting("ENDED_LOGINS") else (),
            hosts=frozenset(name.lower() for name in names("HOSTS", frozenset())),
            open=setting("OPEN") == OPEN_WORD,
        )
        if ANYBODY in settings.researchers | settings.admins:
            raise ConfigError(f"{ANYBODY!r} (everybody who can log in) is allowed in PNEUMO_READERS only.")
        for name in settings.hosts:
            if host_name(name) != name:
                raise ConfigError(f"PNEUMO_HOSTS: expected names such as pneumo.example.org, without port; received {name!r}.")
        return settings


def may(role: Role | None, action: Action) -> bool:
    return role is not None and role >= LEAST[action]


def role_of(claims: Claims, settings: AccessSettings, now: float) -> Role | None:
    """The highest role of an identity token; None if it gives none or the login has expired (`now`: seconds since 1970).

    Without login everybody is admin. An e-mail address counts only if the provider says that it is verified.
    """
    if not settings.login:
        return Role.ADMIN
    if not is_current(claims, settings, now):
        return None
    names = _values(_claim(claims, settings.claim))
    if str(claims.get("email_verified")).lower() == "true":
        names |= {value.lower() for value in _values(claims.get("email"))}
    for role, members in ((Role.ADMIN, settings.admins), (Role.RESEARCHER, settings.researchers), (Role.READER, settings.readers)):
        if names & (members | {name.lower() for name in members if "@" in name}):
            return role
    return Role.READER if ANYBODY in settings.readers else None


def is_current(claims: Claims, settings: AccessSettings, now: float) -> bool:
    """Whether the token is of a login within PNEUMO_LOGIN_HOURS that has not been ended. The cookie itself lasts 30 days."""
    issued = claims.get("iat")
    if claims.get("is_logged_in") is not True or not isinstance(issued, int | float):
        return False
    return now - issued < settings.hours * 3600 and not has_ended(claims, settings.ended)


def read_ended_logins(path: Path) -> tuple[EndedLogin, ...]:
    """The entries of a file. Raises ConfigError if it is unreadable or a line is malformed: a typo must not let anybody in."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigError("PNEUMO_ENDED_LOGINS: expected a text file that can be read; see docs/access.md.") from None
    numbered = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return tuple(_ended_login(number, line) for number, line in numbered if line and not line.startswith("#"))


def has_ended(claims: Claims, ended: tuple[EndedLogin, ...]) -> bool:
    """Whether an entry names this token's subject or e-mail address, verified or not, and the token was issued at or before it."""
    names = {value.lower() for value in (claims.get("sub"), claims.get("email")) if isinstance(value, str)} | {ANYBODY}
    issued = claims.get("iat")
    return any(end.who in names and (not isinstance(issued, int | float) or issued <= end.until) for end in ended)


def is_loopback(address: str) -> bool:
    """Whether `address` (IPv4, IPv6 or a host name) is reachable from this computer only."""
    try:
        ip = ipaddress.ip_address(address.strip().strip("[]").split("%")[0])
    except ValueError:
        return address.strip().lower() == "localhost"
    mapped = getattr(ip, "ipv4_mapped", None)  # ::ffff:127.0.0.1, from a dual-stack socket
    return (mapped or ip).is_loopback


def host_name(host: str) -> str | None:
    """The name in a Host header, lower case, without port; None if the header is malformed."""
    match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+?)\.?(:[0-9]+)?", host.lower())
    return match and match[1]


def is_own_name(host: str, settings: AccessSettings) -> bool:
    """Whether a Host header names this app. Other names are refused, against DNS rebinding by foreign pages."""
    return host_name(host) in OWN_NAMES | settings.hosts


def refusal(address: str | None, settings: AccessSettings) -> str | None:
    """Why the app must not listen on `address` (None or empty: every interface); None if it may."""
    if settings.login or settings.open or is_loopback(address or "0.0.0.0"):
        return None
    return (
        f"Pneumo does not start on {address or 'every network interface'}: without a login, everybody in the network could read "
        "the X-rays of all sessions, train, and delete. Set up a login (PNEUMO_LOGIN=oidc, docs/access.md), or listen on 127.0.0.1 "
        f"only, which is the default. To be open to everybody anyway, also set PNEUMO_OPEN={OPEN_WORD}."
    )


def _claim(claims: Claims, name: str) -> object:
    """A claim by its full name, which may contain dots (a URL), otherwise nested by its dots, such as realm_access.roles."""
    if name in claims:
        return claims[name]
    claim: object = claims
    for part in name.split("."):
        claim = claim.get(part) if isinstance(claim, Mapping) else None
    return claim


def _values(claim: object) -> set[str]:
    """The strings of a claim: itself, or those in its list."""
    return {value for value in (claim if isinstance(claim, list | tuple) else [claim]) if isinstance(value, str) and value}


def _ended_login(number: int, line: str) -> EndedLogin:
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
