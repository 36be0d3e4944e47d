"""The worker process: trains queued runs one at a time, each in a child process, and exits when the queue is empty.

python -m pneumo.training.jobs.worker RUNS. Started by jobs.ensure_worker; a second one for the same folder ends at once.
"""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from filelock import Timeout

from pneumo.errors import PneumoError, RunError
from pneumo.training.jobs import folder
from pneumo.training.jobs.process import lower_priority, python, start_logged, why_ended
from pneumo.training.runfolder import LIVE, LOADING, is_alive, load_config, lock, read_status, write_phase, write_status

GRACE = 20.0  # seconds from SIGTERM to SIGKILL
PAUSE = 0.2  # seconds between polls of a child
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows SIGTERM kills too


def train_command(run: Path) -> list[str]:
    """The command line that starts or resumes a queued run."""
    words = ["-m", "pneumo", "train", load_config(run).architecture, "--data", str(folder.data_of(run)), "--output", str(run)]
    return python(*words, "--config", str(run / "config.json"), "--resume")


def work(runs: Path, command: Callable[[Path], list[str]] = train_command) -> None:
    """Train queued runs below `runs` with `command` until the queue is empty. Returns at once if another worker holds the lock."""
    with contextlib.ExitStack() as stack:
        try:
            own_lock = stack.enter_context(folder.worker_lock(runs))
        except Timeout:
            return
        while True:
            _see_out(runs)
            with folder.queue_lock(runs):
                if not (waiting := folder.queued(runs)):
                    own_lock.release()  # within the queue lock, so that the next submit starts a new worker
                    return
                run, queued_time = waiting[0], folder.queued_at(waiting[0])
                child = _start(run, command)
            if child:
                _attend(run, child, queued_time)


def _see_out(runs: Path) -> None:
    """Wait for trainers left by an earlier worker, and for cancelled ones that are still running."""
    while live := [run for run, status in folder.statuses(runs) if _is_ours(run, status.state) or folder.cancel_sent(run, status)]:
        for run in live:
            _kill_when_due(run)
        time.sleep(PAUSE)
        for run in live:
            if not is_alive(run):
                _conclude(run)


def _is_ours(run: Path, state: str) -> bool:
    return state in LIVE and (run / "job.json").exists()


def _kill_when_due(run: Path) -> None:
    with contextlib.suppress(RunError, ProcessLookupError):
        status = read_status(run)
        if status.pid and folder.cancel_sent(run, status) and folder.seconds_since_request(run) > GRACE and is_alive(run):
            os.kill(status.pid, _KILL)


def _start(run: Path, command: Callable[[Path], list[str]]) -> subprocess.Popen[bytes] | None:
    folder.withdraw_cancel(run)
    try:
        write_phase(run, LOADING)
        return start_logged(command(run), run / "log.txt")
    except (OSError, PneumoError) as error:
        write_status(run, dataclasses.replace(read_status(run), state="failed", why=f"The run could not be started: {error}"))
        return None


def _attend(run: Path, child: subprocess.Popen[bytes], queued_time: float) -> None:
    """Wait for the child that trains `run`, queued at `queued_time`; stop it on request."""
    while child.poll() is None:
        request = folder.cancel_request(run)
        if request == "":  # cancelled before the trainer had a pid
            folder.request_cancel(run, child.pid)
            child.terminate()
        elif request and folder.seconds_since_request(run) > GRACE:
            child.kill()
        time.sleep(PAUSE)
    _conclude(run, child.returncode, queued_time)


def _conclude(run: Path, code: int | None = None, queued_time: float = 0.0) -> None:
    """Write the final status of a run that stopped unexpectedly. `code`: the exit code, if known."""
    with contextlib.suppress(RunError, Timeout), folder.queue_lock(run.parent):
        read_status(run)  # RunError: deleted meanwhile; taking its lock would recreate the folder
        with lock(run):  # Timeout: somebody else trains it
            status = read_status(run)  # the stored status: with our lock held the run counts as alive
            if status.state == "queued" and folder.queued_at(run) != queued_time:
                return  # resumed while the old trainer was still exiting
            if folder.cancel_request(run) is not None and status.state not in ("finished", "cancelled"):
                write_status(run, dataclasses.replace(status, state="cancelled", why="", pid=None, seconds_left=None))
            elif code is not None and status.state in ("queued", *LIVE):
                why = why_ended(code, run / "log.txt")
                write_status(run, dataclasses.replace(status, state="failed", why=why, pid=None, seconds_left=None))
            folder.withdraw_cancel(run)


def main() -> None:
    lower_priority()
    work(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
