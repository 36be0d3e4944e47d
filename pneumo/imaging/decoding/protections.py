"""What a process that decodes untrusted bytes can still do on this machine: tried, in one that gave up as much as they do.

`python -m pneumo.imaging.decoding.protections FOLDER PORT` is that process; `protections()` starts it.
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
_THERE = "there"  # a file of the app


@dataclass(frozen=True)
class Protections:
    """`locks`: of the system, that hold in a decoding process; `refused`: what it tried, and whether it was stopped."""

    locks: tuple[str, ...]
    refused: dict[str, bool]


def protections() -> Protections:
    """Start such a process, let it try, and say what came of it. About a second."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        (Path(folder) / _THERE).write_text("an X-ray")
        told = [folder, str(server.getsockname()[1]), str(os.getpid())]
        ended = subprocess.run([sys.executable, "-P", "-m", __name__, *told], env=environment(), stdout=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # fmt: skip
    try:
        found = json.loads(ended.stdout)
        return Protections(tuple(found["locks"]), found["refused"])
    except ValueError:
        raise PneumoError("The decoding process that was to be tried did not start: the installation is damaged.") from None


def _attempts(folder: Path, port: int, app: int) -> dict[str, Callable[[], object]]:
    """What each does where it is not stopped: harmless, and undone."""

    def fork() -> None:
        if (child := os.fork()) == 0:
            os._exit(0)
        os.waitpid(child, 0)

    def create() -> None:
        (folder / "new").touch()

    def connect() -> None:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()

    def send() -> None:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))

    attempts: dict[str, Callable[[], object]] = {
        "start a program": lambda: subprocess.run([sys.executable, "-V"], stdout=subprocess.DEVNULL, check=False),
        "open a TCP connection": connect,
        "send a UDP packet": send,
        "create a file": create,
        "rename a file": lambda: os.rename(folder / _THERE, folder / _THERE),
        "read a file": lambda: (folder / _THERE).read_text(),
        "delete a file": lambda: os.unlink(folder / _THERE),
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
    held = prepare(LIMITS.memory)
    tried = {name: _refused(attempt) for name, attempt in _attempts(Path(sys.argv[1]), *map(int, sys.argv[2:])).items()}
    print(json.dumps({"locks": held, "refused": tried}))
