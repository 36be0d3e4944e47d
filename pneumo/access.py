"""Who may do what, and where the app may listen: settings by environment, roles, and the rules, without a page or a server."""

import ipaddress
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path

from pneumo.ended_logins import EndedLogin, has_ended, read_ended_logins
from pneumo.errors import ConfigError

OPEN_WORD = "no-login"  # long enough not to be set by accident
OWN_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
ANYBODY = "*"  # in PNEUMO_READERS: whoever can log in
Claims = Mapping[str, object]  # of the identity token


class Role(IntEnum):
    """Each may do what those before it may."""

    READER = 1
    RESEARCHER = 2
    ADMIN = 3


class Action(Enum):
    READ = "see the pages"  # but Train; and be answered, and agree or not with these answers
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
class AccessSettings:
    """By default nobody logs in: whoever reaches the app may do everything, and it listens on this computer alone."""

    login: bool = False
    claim: str = "roles"  # of the identity token; a dot leads into a nested one
    readers: frozenset[str] = frozenset({"pneumo-reader"})  # values of that claim, or verified e-mail addresses
    researchers: frozenset[str] = frozenset({"pneumo-researcher"})
    admins: frozenset[str] = frozenset({"pneumo-admin"})
    hours: float = 12.0  # after which one has to log in again: until then a role that was taken away is still held
    ended: tuple[EndedLogin, ...] = ()  # logins that are none any more, though their hours are not over
    hosts: frozenset[str] = frozenset()  # names by which browsers may call the app, beside OWN_NAMES
    open: bool = False  # the second word that is needed to be open to a network without a login

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "AccessSettings":
        """From PNEUMO_LOGIN, PNEUMO_ROLE_CLAIM, PNEUMO_READERS, _RESEARCHERS, _ADMINS, PNEUMO_LOGIN_HOURS, PNEUMO_ENDED_LOGINS (a
        file, read at every call), PNEUMO_HOSTS, PNEUMO_OPEN.

        Raises ConfigError.
        """

        def told(name: str) -> str:
            return environment.get(f"PNEUMO_{name}", "").strip()

        def names(name: str, default: frozenset[str]) -> frozenset[str]:
            return frozenset(part.strip() for part in told(name).split(",") if part.strip()) or default

        for name, word in (("LOGIN", "oidc"), ("OPEN", OPEN_WORD)):
            if told(name) not in ("", word):
                raise ConfigError(f"PNEUMO_{name}: expected {word}, or nothing; received {told(name)!r}.")
        try:
            hours = float(told("LOGIN_HOURS") or cls.hours)
        except ValueError:
            hours = math.nan
        if not 0 < hours <= 720:
            raise ConfigError(f"PNEUMO_LOGIN_HOURS: expected hours from above 0 to 720; received {told('LOGIN_HOURS')!r}.")
        found = cls(
            login=told("LOGIN") == "oidc",
            claim=told("ROLE_CLAIM") or cls.claim,
            readers=names("READERS", cls.readers),
            researchers=names("RESEARCHERS", cls.researchers),
            admins=names("ADMINS", cls.admins),
            hours=hours,
            ended=read_ended_logins(Path(told("ENDED_LOGINS"))) if told("ENDED_LOGINS") else (),
            hosts=frozenset(name.lower() for name in names("HOSTS", frozenset())),
            open=told("OPEN") == OPEN_WORD,
        )
        if ANYBODY in found.researchers | found.admins:
            raise ConfigError(f"{ANYBODY!r} (whoever can log in) is possible in PNEUMO_READERS alone.")
        for name in found.hosts:
            if host_name(name) != name:
                raise ConfigError(f"PNEUMO_HOSTS: expected names such as pneumo.example.org, without port; received {name!r}.")
        return found


def may(role: Role | None, action: Action) -> bool:
    return role is not None and role >= LEAST[action]


def role_of(claims: Claims, settings: AccessSettings, now: float) -> Role | None:
    """The highest role that an identity token gives; None: none, or the login is over (`now`: seconds since 1970).

    Without a login everybody is admin. An e-mail address counts where the provider says that it was verified.
    """
    if not settings.login:
        return Role.ADMIN
    if not is_current(claims, settings, now):
        return None
    held = _values(_claim(claims, settings.claim))
    if str(claims.get("email_verified")).lower() == "true":
        held |= {value.lower() for value in _values(claims.get("email"))}
    for role, given in ((Role.ADMIN, settings.admins), (Role.RESEARCHER, settings.researchers), (Role.READER, settings.readers)):
        if held & (given | {name.lower() for name in given if "@" in name}):
            return role
    return Role.READER if ANYBODY in settings.readers else None


def is_current(claims: Claims, settings: AccessSettings, now: float) -> bool:
    """Whether somebody logged in, not longer ago than PNEUMO_LOGIN_HOURS, and was not ended since. The cookie lasts for 30 days."""
    issued = claims.get("iat")
    if claims.get("is_logged_in") is not True or not isinstance(issued, int | float):
        return False
    return now - issued < settings.hours * 3600 and not has_ended(claims, settings.ended)


def is_loopback(address: str) -> bool:
    """Whether only this computer reaches what listens on `address`: an IP address of either kind, or localhost."""
    try:
        found = ipaddress.ip_address(address.strip().strip("[]").split("%")[0])
    except ValueError:
        return address.strip().lower() == "localhost"
    mapped = getattr(found, "ipv4_mapped", None)  # ::ffff:127.0.0.1, as a socket for both kinds names it
    return (mapped or found).is_loopback


def host_name(host: str) -> str | None:
    """Of a Host header, without its port, in lower case; None: it is none."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+?)\.?(:[0-9]+)?", host.lower())
    return found and found[1]


def is_own_name(host: str, settings: AccessSettings) -> bool:
    """Whether a Host header names this app. By any other name a foreign page may call, whose own name was bent to this address."""
    return host_name(host) in OWN_NAMES | settings.hosts


def refusal(address: str | None, settings: AccessSettings) -> str | None:
    """Why the app will not answer on `address` (none: every interface); None: it will."""
    if settings.login or settings.open or is_loopback(address or "0.0.0.0"):
        return None
    return (
        f"Pneumo is not started on {address or 'every network interface'}: without a login everybody in the network could read "
        "the X-rays of all sessions, train, and delete. Set up a login (PNEUMO_LOGIN=oidc, docs/access.md), or listen on 127.0.0.1 "
        f"alone, which is the default. To be open to everybody all the same, set PNEUMO_OPEN={OPEN_WORD} as well."
    )


def _claim(claims: Claims, name: str) -> object:
    """By its full name, which may hold dots (an address), else step by step, as realm_access.roles."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _values(claim: object) -> set[str]:
    """The strings of a claim that is one, or a list of them."""
    return {value for value in (claim if isinstance(claim, list | tuple) else [claim]) if isinstance(value, str) and value}
