"""Helpers of background jobs: names, detached processes, exit messages."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pneumo.errors import RunError
from pneumo.files import tail
from pneumo.paths import HOME

# Flags of Windows; 0 elsewhere.
_APART = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
_WINDOWLESS = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")


def check_name(name: str, kind: str) -> None:
    """Raises RunError unless `name` may be a folder's; `kind` is for the message."""
    if not _NAME.fullmatch(name):
        raise RunError(f"{name!r} is no {kind}; expected small letters, digits, dots and dashes, such as resnet50-2.")


def python(*words: str) -> list[str]:
    """The command that runs this Python with `words`."""
    return [sys.executable, *words]


def environment() -> dict[str, str]:
    """The app's environment, with this package on PYTHONPATH. Unbuffered, as the last line of the log is shown."""
    paths = [str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def start_detached(command: Sequence[str]) -> int:
    """Start a process that outlives this one and its terminal; return its pid."""
    silent: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    apart: dict[str, Any] = {"start_new_session": True, "creationflags": _APART}
    process: subprocess.Popen[bytes] = subprocess.Popen(command, env=environment(), **silent, **apart)
    threading.Thread(target=process.wait, daemon=True).start()  # reap it, to leave no zombie
    return process.pid


def start_logged(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process that appends its output to `log`."""
    with open(log, "ab") as file:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, env=environment(), creationflags=_WINDOWLESS, **streams)


def lower_priority() -> None:
    """Give the app priority. Inherited by children."""
    if hasattr(os, "nice"):
        os.nice(10)


def why_ended(code: int, log: Path) -> str:
    """A message from an exit code (negative: a signal) and the end of a log."""
    if code == -9:
        remedy = "Free memory, or try a smaller batch size or image size."
        return f"The process was killed by the system (signal 9), most often because memory ran out. {remedy}"
    if code < 0:
        return f"The process was ended by signal {-code} ({signal.strsignal(-code)})."
    return f"{tail(log, 1).strip() or 'The process ended before its work was done.'} (exit code {code})"
