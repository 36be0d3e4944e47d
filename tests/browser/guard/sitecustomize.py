"""Loaded by every Python process that has this folder on PYTHONPATH, before anything else: blocks connections to other computers
and notes what the process writes.

Notes are kept as symbolic links in PNEUMO_GUARD, whose targets are the text: a link takes no bytes, and the processes that decode
files may write none. The code under watch cannot remove an audit hook.

Those processes get nothing of the app's environment, so they find PNEUMO_GUARD in their parent's. After they have locked themselves
in they cannot make links either, so what is blocked from then on is not noted.
"""

import itertools
import os
import sys


def _of_parent() -> str | None:
    try:
        with open(f"/proc/{os.getppid()}/environ", encoding="utf-8") as file:
            return next((line[13:] for line in file.read().split("\0") if line.startswith("PNEUMO_GUARD=")), None)
    except OSError:
        return None


_FOLDER = os.environ.get("PNEUMO_GUARD") or _of_parent()
_SENDING = ("socket.connect", "socket.sendto", "socket.sendmsg")
_ASKING = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NAMELESS = getattr(os, "O_TMPFILE", -1)  # a file that no folder lists; noted by the folder on whose disk it is
_numbers = itertools.count()


def _note(what: str) -> None:
    os.symlink(what[:2000], os.path.join(_FOLDER, f"{os.getpid()}-{next(_numbers)}"))


def _is_here(host: object) -> bool:
    host = host.decode() if isinstance(host, bytes) else host
    return not host or str(host).startswith("127.") or str(host) in ("localhost", "::1")


def _watch(event: str, details: tuple) -> None:
    if event in _SENDING:
        address = details[1]
        if isinstance(address, tuple) and not _is_here(address[0]):  # not a tuple: a local socket, or one already connected
            _note(f"{event} {address}")
            raise ConnectionRefusedError(f"the test's guard: {event} {address}")
    elif event in _ASKING:
        if not _is_here(details[0]):
            _note(f"{event} {details[0]}")
            raise ConnectionRefusedError(f"the test's guard: {event} {details[0]}")
    elif event == "open" and isinstance(details[0], str | bytes) and isinstance(details[2], int) and details[2] & _WRITING:
        nameless = details[2] & _NAMELESS == _NAMELESS
        _note(f"{'nameless' if nameless else 'open'} {os.fsdecode(details[0])}")
    elif event in ("tempfile.mkstemp", "tempfile.mkdtemp"):
        _note(f"temporary {os.fsdecode(details[0])}")


if _FOLDER:
    _note("watched " + " ".join(sys.orig_argv))
    sys.addaudithook(_watch)
