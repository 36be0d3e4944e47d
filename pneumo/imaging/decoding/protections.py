"""Test which actions the sandbox of a decoding process stops on this machine, by trying them in a process sandboxed the same way.

`probe_protections()` starts that process: `python -m pneumo.imaging.decoding.protections FOLDER PORT APP_PID`.
"""

import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pneumo.errors import PneumoError
from pneumo.imaging.decoding.pool import LIMITS, environment
from pneumo.imaging.decoding.worker import prepare

_REFUSED = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EAGAIN, errno.EFBIG}  # EAGAIN: no further process
_FILE = "there"  # a file outside the sandbox


@dataclass(frozen=True)
class Protections:
    """`locks`: the system's locks that hold in a decoding process; `refused`: for each attempted action, whether it was stopped."""

    locks: tuple[str, ...]
    refused: dict[str, bool]


def probe_protections() -> Protections:
    """Run the attempts in a sandboxed process. Takes about a second. Raises PneumoError if that process does not start."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        (Path(folder) / _FILE).write_text("an X-ray")
        command = [sys.executable, "-P", "-m", __name__, folder, str(server.getsockname()[1]), str(os.getpid())]
        nothing, pipe = subprocess.DEVNULL, subprocess.PIPE
        completed = subprocess.run(command, env=environment(), stdin=nothing, stdout=pipe, stderr=nothing, check=False)
    try:
        report = json.loads(completed.stdout)
        return Protections(tuple(report["locks"]), report["refused"])
    except ValueError:
        raise PneumoError("The decoding process to be tested did not start: the installation is damaged.") from None


def _attempts(folder: Path, port: int, app: int) -> dict[str, Callable[[], object]]:
    """Actions that succeed where nothing stops them. All are harmless and confined to `folder` and this machine."""

    def fork() -> None:
        if (child := os.fork()) == 0:
            os._exit(0)
        os.waitpid(child, 0)

    server = ("127.0.0.1", port)
    attempts: dict[str, Callable[[], object]] = {
        "start a program": lambda: subprocess.run([sys.executable, "-V"], stdout=subprocess.DEVNULL, check=False),
        "open a TCP connection": lambda: socket.create_connection(server, timeout=10).close(),
        "send a UDP packet": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", server),
        "create a file": lambda: (folder / "new").touch(),
        "rename a file": lambda: os.rename(folder / _FILE, folder / _FILE),
        "read a file": lambda: (folder / _FILE).read_text(),
        "delete a file": lambda: os.unlink(folder / _FILE),
    }
    if sys.platform != "win32":
        attempts |= {"fork": fork, "signal the app": lambda: os.kill(app, 0)}
    if sys.platform == "linux":
        attempts["read the app's environment"] = lambda: Path(f"/proc/{app}/environ").read_bytes()
    return attempts


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError as error:
        return error.errno in _REFUSED
    return False


if __name__ == "__main__":
    locks = prepare(LIMITS.memory)
    refused = {name: _refused(attempt) for name, attempt in _attempts(Path(sys.argv[1]), *map(int, sys.argv[2:])).items()}
    print(json.dumps({"locks": locks, "refused": refused}))
