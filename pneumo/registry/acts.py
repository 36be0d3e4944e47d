"""A site's acts, one line each in PNEUMO_SITE_DIR/acts.jsonl: plans, tests, fits, and which model answers here.

Each line's hash covers the line and the hash before it, so that none can be changed or taken out unseen by those that follow. The
model that answers by default is read from here and from nowhere else.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from pneumo.errors import DataError
from pneumo.outgoing import printable
from pneumo.paths import site_dir

FILE = "acts.jsonl"
GENESIS = "0" * 64
PLAN, TEST, RESULT, FIT = "plan", "test", "result", "fit"
USE, LEAVE = "use profile", "leave profile"
CANDIDATE, END = "candidate", "end candidate"
ACTIVATE, BACK = "activate", "back"
_CHANGES = (ACTIVATE, BACK)


@dataclass(frozen=True)
class Act:
    sequence: int  # 1, 2, 3, ...
    time: str  # UTC, ISO 8601
    actor: str
    action: str
    subject: str  # a model's or a profile's name, or a test's model
    digest: str  # SHA-256 of what the act is about: a card, a plan, a profile, a result; empty where there is none
    why: str
    previous: str
    hash: str


def read_acts(folder: Path | None = None) -> tuple[Act, ...]:
    """Every act, the oldest first; none where nothing was done yet. Raises DataError naming the first line that does not fit."""
    path = (folder or site_dir()) / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The site's acts, {path}, cannot be read. Restore the file from a backup.") from error
    acts: list[Act] = []
    for number, line in enumerate(lines, start=1):
        act = _parsed(line)
        if act is None or act.sequence != number or act.previous != _last(acts) or act.hash != _hash(act):
            raise DataError(
                f"The site's acts, {path}, were altered: line {number} does not follow from the one before it. Nothing is taken "
                "from them until the file is restored from a backup."
            )
        acts.append(act)
    return tuple(acts)


def add_act(
    action: str, subject: str, digest: str, why: str, actor: str, folder: Path | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC), check: Callable[[Sequence[Act]], None] | None = None,
) -> Act:  # fmt: skip
    """Write one more line, whole or not at all. `check` sees the acts so far while no other writer is let in, and may raise.

    Raises DataError where the acts cannot be written, or were altered.
    """
    folder = folder or site_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{FILE}.lock", timeout=10):
            before = read_acts(folder)
            if check:
                check(before)
            moment = clock().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            said = Act(len(before) + 1, moment, printable(actor), action, subject, digest, printable(why), _last(before), "")
            act = Act(**{**asdict(said), "hash": _hash(said)})
            with open(folder / FILE, "ab", buffering=0) as file:
                start, data = file.tell(), (json.dumps(asdict(act), ensure_ascii=True) + "\n").encode("ascii")
                if file.write(data) != len(data):  # a full disk: half a line would spoil the others
                    file.truncate(start)
                    raise OSError(f"the disk of {folder} is full")
    except OSError as error:  # filelock's Timeout is one
        raise DataError(f"The act ({action}) cannot be written to {folder}: {error}. Nothing was changed.") from error
    return act


def latest(acts: Sequence[Act], *actions: str) -> Act | None:
    """The newest act that is one of `actions`."""
    return next((act for act in reversed(acts) if act.action in actions), None)


def active_model(acts: Sequence[Act]) -> Act | None:
    """The act that made today's default model; None: the site never chose one."""
    found = latest(acts, *_CHANGES)
    return found if found and found.subject else None


def candidate_model(acts: Sequence[Act]) -> Act | None:
    """The act that made a model the candidate; None where none is being tried, or it became the active one."""
    found = latest(acts, CANDIDATE, END)
    if found is None or found.action == END:
        return None
    active = active_model(acts)
    return None if active and (active.subject, active.digest) == (found.subject, found.digest) else found


def profile_in_use(acts: Sequence[Act]) -> Act | None:
    """The act that put a site profile to use; None where none is."""
    found = latest(acts, USE, LEAVE)
    return found if found and found.action == USE else None


def _parsed(line: str) -> Act | None:
    try:
        found = json.loads(line)
        act = Act(**found)
    except (ValueError, TypeError, RecursionError):
        return None
    return act if all(type(getattr(act, field.name)) is field.type for field in fields(Act)) else None


def _last(acts: Sequence[Act]) -> str:
    return acts[-1].hash if acts else GENESIS


def _hash(act: Act) -> str:
    said = {name: value for name, value in asdict(act).items() if name != "hash"}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")).hexdigest()
