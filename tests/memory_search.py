"""Looking into the memory of another process of one's own, which Linux allows to root and, mostly, to whoever started it."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

_BLOCK = 1 << 20
_PATIENCE = 120  # seconds until what ought to go is looked for no more: no word on speed


def _readable() -> bool:
    try:
        Path("/proc/self/mem").open("rb").close()
    except OSError:
        return False
    return sys.platform == "linux"


needs_memory = pytest.mark.skipif(not _readable(), reason="the memory of a process cannot be read here: /proc/PID/mem, Linux")


def held(pid: int, needles: Iterable[bytes]) -> set[bytes]:
    """Those of `needles` that stand anywhere in what the process may write: also in what it freed and nobody took since."""
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
                except OSError:  # it was given back meanwhile
                    continue
                if block.rstrip(b"\0"):
                    seen |= {needle for needle in needles if needle in block}
    return seen


def left(pid: int, needles: Iterable[bytes]) -> set[bytes]:
    """`held`, once nothing is held any more or patience ends."""
    needles, until = list(needles), time.monotonic() + _PATIENCE
    while (remaining := held(pid, needles)) and time.monotonic() < until:
        time.sleep(0.2)
    return remaining


def middle(data: bytes) -> bytes:
    """A piece that nothing else holds by chance, where `data` is a picture with noise."""
    return data[len(data) // 2 :][:48]


def children(pid: int) -> dict[int, str]:
    """The processes that it started and that live, with their command."""
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
