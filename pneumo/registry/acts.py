"""Log of a site's acts, one line each in PNEUMO_SITE_DIR/acts.jsonl: plans, tests, fits, and the choice of the model.

Each line's hash covers the line and the previous hash, so that a changed or removed line is detected. The site's default model
is read from this log only.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from pneumo.errors import DataError
from pneumo.files import json_sha256
from pneumo.outgoing import printable
from pneumo.paths import site_dir

FILE = "acts.jsonl"
GENESIS = "0" * 64
PLAN, TEST, RESULT, FIT = "plan", "test", "result", "fit"
USE, LEAVE = "use profile", "leave profile"
CANDIDATE, END = "candidate", "end candidate"
ACTIVATE, BACK = "activate", "back"


@dataclass(frozen=True)
class Act:
    sequence: int  # 1, 2, 3, ...
    time: str  # UTC, ISO 8601
    actor: str
    action: str
    subject: str  # name of a model or profile, or of a test's model
    digest: str  # SHA-256 of the act's card, plan, profile or result; empty if it has none
    why: str
    previous: str
    hash: str


def read_acts(folder: Path | None = None) -> tuple[Act, ...]:
    """All acts, the oldest first; empty if there is no log yet. Raises DataError naming the first altered line."""
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
    action: str,
    subject: str,
    digest: str,
    why: str,
    actor: str,
    folder: Path | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    check: Callable[[Sequence[Act]], None] | None = None,
) -> Act:
    """Append one line, completely or not at all. `check` is called with the previous acts under the write lock, and may raise.

    Raises DataError if the log cannot be written or was altered.
    """
    folder = folder or site_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{FILE}.lock", timeout=10):
            before = read_acts(folder)
            if check:
                check(before)
            moment = clock().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            unhashed = Act(len(before) + 1, moment, printable(actor), action, subject, digest, printable(why), _last(before), "")
            act = Act(**{**asdict(unhashed), "hash": _hash(unhashed)})
            with open(folder / FILE, "ab", buffering=0) as file:
                start, data = file.tell(), (json.dumps(asdict(act), ensure_ascii=True) + "\n").encode("ascii")
                if file.write(data) != len(data):  # full disk: half a line would damage the log
                    file.truncate(start)
                    raise OSError(f"the disk of {folder} is full")
    except OSError as error:  # filelock's Timeout is one
        raise DataError(f"The act ({action}) cannot be written to {folder}: {error}. Nothing was changed.") from error
    return act


def latest(acts: Sequence[Act], *actions: str) -> Act | None:
    """The latest act with one of `actions`."""
    return next((act for act in reversed(acts) if act.action in actions), None)


def active_model(acts: Sequence[Act]) -> Act | None:
    """The act that chose the current default model; None if the site never chose one."""
    act = latest(acts, ACTIVATE, BACK)
    return act if act and act.subject else None


def candidate_model(acts: Sequence[Act]) -> Act | None:
    """The act that made a model the candidate; None if there is no candidate or it became the active model."""
    act = latest(acts, CANDIDATE, END)
    if act is None or act.action == END:
        return None
    active = active_model(acts)
    return None if active and (active.subject, active.digest) == (act.subject, act.digest) else act


def profile_in_use(acts: Sequence[Act]) -> Act | None:
    """The act that activated the site profile in use; None if there is none."""
    act = latest(acts, USE, LEAVE)
    return act if act and act.action == USE else None


def _parsed(line: str) -> Act | None:
    try:
        act = Act(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    return act if all(type(getattr(act, field.name)) is field.type for field in fields(Act)) else None


def _last(acts: Sequence[Act]) -> str:
    return acts[-1].hash if acts else GENESIS


def _hash(act: Act) -> str:
    content = {name: value for name, value in asdict(act).items() if name != "hash"}
    return json_sha256(content)
