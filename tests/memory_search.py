"""Searches the memory of another process. Linux allows this to root and usually to the user who started the process."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

_BLOCK = 1 << 20
_PATIENCE = 120  # seconds to wait until something is gone; not a promise of speed


def _readable() -> bool:
    try:
        Path("/proc/self/mem").open("rb").close()
    except OSError:
        return False
    return sys.platform == "linux"


needs_memory = pytest.mark.skipif(not _readable(), reason="the memory of a process cannot be read here: /proc/PID/mem, Linux")


def held(pid: int, needles: Iterable[bytes]) -> set[bytes]:
    """Those of `needles` in any writable memory of the process, also in memory that it freed and did not use again."""
    seen: set[bytes] = set()
    needles = list(needles)
    longest = max(map(len, needles))
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps.read().splitlines():
            addresses, rights = line.split()[:2]
            start, end = (int(each, 16) for each in addresses.split("-"))
            if not rights.startswith("rw"):
                continue
            for place in range(start, end, _BLOCK):
                try:
                    memory.seek(place)
                    block = memory.read(min(_BLOCK + longest, end - place))
                except OSError:  # it was released meanwhile
                    continue
                if block.rstrip(b"\0"):
                    seen |= {needle for needle in needles if needle in block}
    return seen


def left(pid: int, needles: Iterable[bytes]) -> set[bytes]:
    """Those still `held` after waiting until none is, at most `_PATIENCE` seconds."""
    needles, until = list(needles), time.monotonic() + _PATIENCE
    while (remaining := held(pid, needles)) and time.monotonic() < until:
        time.sleep(0.2)
    return remaining


def middle(data: bytes) -> bytes:
    """A piece of `data`, a picture with noise, that does not occur elsewhere by chance."""
    return data[len(data) // 2 :][:48]


def children(pid: int) -> dict[int, str]:
    """The living processes that process `pid` started, with their commands."""
    commands = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it ended meanwhile
            continue
        if parent == pid:
            commands[int(folder.name)] = command
    return commands
