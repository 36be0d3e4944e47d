"""What the queue keeps beside a run: job.json (its data, and when it was queued), the request to cancel it, and its lock."""

import json
import time
from pathlib import Path
from typing import Any

from filelock import FileLock

from pneumo.errors import RunError
from pneumo.files import write_json
from pneumo.training.runfolder import LIVE, RunStatus, read_status, source


def queue_lock(runs: Path) -> FileLock:
    """Held for the moment in which a run is queued, taken from the queue, cancelled or deleted."""
    return FileLock(runs / ".queue.lock")


def worker_lock(runs: Path) -> FileLock:
    """Held by the one process that works the queue off."""
    return FileLock(runs / ".worker.lock", timeout=3)


def write_job(run: Path, data: Path) -> None:
    write_json(run / "job.json", {"data": str(data), "queued": time.time()})


def _job(run: Path) -> dict[str, Any]:
    try:
        job = json.loads((run / "job.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return job if isinstance(job, dict) else {}


def queued_at(run: Path) -> float:
    """When the run was queued last, seconds since 1970; it tells one request to train from the next."""
    return float(_job(run).get("queued", 0.0))


def data_of(run: Path) -> Path:
    """The data set the run learns from. Raises RunError when it is not known or no longer there."""
    known = source(run).get("data") or _job(run).get("data")
    if not known:
        raise RunError(f"It is not known which data the run {run.name} learned from. Use the command line, with --data.")
    if not Path(known).exists():
        raise RunError(f"The data of the run {run.name} is no longer at {known}. Put it back, or start a new run.")
    return Path(known)


def statuses(runs: Path) -> list[tuple[Path, RunStatus]]:
    """Every run whose status can be read; a damaged one must not stop the others."""
    found = []
    for path in sorted(runs.glob("*/status.json")):
        try:
            found.append((path.parent, read_status(path.parent)))
        except RunError:
            continue
    return found


def queued(runs: Path) -> list[Path]:
    """Runs that wait, in the order in which they will be trained."""
    waiting = [run for run, status in statuses(runs) if status.state == "queued"]
    return sorted(waiting, key=lambda run: (queued_at(run), run.name))


def request_cancel(run: Path, pid: int | None) -> None:
    """Leave word that the run is to end. `pid`: the trainer that was told already; None where it had not begun."""
    draft = run / "cancel.draft"
    draft.write_text(str(pid or ""), encoding="utf-8")
    draft.replace(run / "cancel")  # whole at once: an empty one has a meaning


def withdraw_cancel(run: Path) -> None:
    (run / "cancel").unlink(missing_ok=True)


def cancel_request(run: Path) -> str | None:
    """The pid that was told, as text, empty where there was none yet; None where nobody wants the run to end."""
    try:
        return (run / "cancel").read_text(encoding="utf-8")
    except OSError:
        return None


def was_told(run: Path, status: RunStatus) -> bool:
    """Whether the very process that trains now was asked to end. An old request says nothing to a later trainer."""
    return status.state in LIVE and cancel_request(run) == str(status.pid)


def seconds_since_request(run: Path) -> float:
    """0.0 where there is no request."""
    try:
        return time.time() - (run / "cancel").stat().st_mtime
    except OSError:
        return 0.0
