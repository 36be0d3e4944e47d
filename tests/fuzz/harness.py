"""Runs inputs through the decoder pool of the app: the result of each, what it cost, and whether the app's promises held."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from makers import NAME

from pneumo.imaging.decoding.decode import Decoded, Refusal
from pneumo.imaging.decoding.pool import LIMITS, DecoderPool, Limits
from pneumo.imaging.preprocess import CANONICAL_SIDE

SLOW = 5.0  # seconds of processor time; no input may take more in a child
STUCK = 120.0  # seconds of wall time, after which a child is ended; far more than SLOW, because the machine may be busy
PROCESSES = 2
_TICKS = os.sysconf("SC_CLK_TCK")
_MARKS = {NAME.lower()[at : at + 6] for at in range(len(NAME) - 5)}  # parts of the name count, too
_TELLTALES = ("traceback", "/", "\\", " at 0x", ".py", "none", "\n", "<class")  # must not occur in a message to a clinician


@dataclass(frozen=True)
class Cost:
    """What one input cost in its child process."""

    seconds: float  # wall time
    processor: float  # seconds
    peak: int  # bytes resident
    ended: int | None = None  # exit code of a child that did not survive the input


@dataclass(frozen=True)
class Result:
    name: str  # of the seed file
    number: int  # of the mutant
    data: bytes
    found: Decoded | Refusal
    cost: Cost
    broken: str = ""  # the promise that did not hold; empty for none

    @property
    def outcome(self) -> str:
        return type(self.found).__name__


class Watched(DecoderPool):
    """A pool that notes what each input cost."""

    def __init__(self, size: int = PROCESSES):
        super().__init__(size, Limits(seconds=STUCK))
        self._last = threading.local()

    def watch(self, data: bytes) -> tuple[Decoded | Refusal, Cost]:
        self._last.cost = Cost(0.0, 0.0, 0)  # for inputs refused before a child gets them
        answer = self.decode(data)
        return answer, self._last.cost

    def _ask(self, child: Any, data: bytes) -> tuple[Decoded | Refusal, bool]:
        began, before = time.perf_counter(), processor(child.pid)
        _forget_peak(child.pid)
        answer, alive = super()._ask(child, data)
        seconds = time.perf_counter() - began
        ended = None if alive else child.returncode
        self._last.cost = Cost(seconds, processor(child.pid) - before if alive else 0.0, _peak(child.pid) if alive else 0, ended)
        return answer, alive


def run(inputs: Iterable[tuple[str, int, bytes]], decoders: Watched, until: float = float("inf")) -> Iterator[Result]:
    """Results in the order of `inputs` (seed's name, number, bytes); takes no further ones after the moment `until`."""

    def one(task: tuple[str, int, bytes]) -> Result:
        answer, cost = decoders.watch(task[2])
        return Result(*task, answer, cost, broken_promise(answer, cost))

    waiting = iter(inputs)
    with ThreadPoolExecutor(decoders.size) as threads:
        while time.monotonic() < until and (some := list(islice(waiting, 16))):
            yield from threads.map(one, some)


def broken_promise(answer: Decoded | Refusal, cost: Cost) -> str:
    """The promise that did not hold; "" if all held."""
    if cost.ended is not None:
        return f"the child ended with {cost.ended}: {answer}"
    if cost.processor > SLOW:
        return f"slow: {cost.processor:.1f} s of processor, {cost.seconds:.1f} s on the clock"
    if cost.peak > LIMITS.memory:
        return f"memory: {cost.peak >> 20} MB"
    return _broken_picture(answer) if isinstance(answer, Decoded) else broken_message(str(answer))


def _broken_picture(decoded: Decoded) -> str:
    pixels, facts, values = decoded.radiograph.pixels, decoded.radiograph.facts, decoded.radiograph.values
    if pixels.dtype != np.float32 or pixels.shape != (facts.height, facts.width):
        return f"pixels {pixels.dtype} {pixels.shape}, facts {facts.height} x {facts.width}"
    if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
        return f"pixels from {pixels.min()} to {pixels.max()}"
    if decoded.canonical.shape != (CANONICAL_SIDE, CANONICAL_SIDE) or decoded.canonical.dtype != np.uint8:
        return f"canonical {decoded.canonical.dtype} {decoded.canonical.shape}"
    told = repr(facts) + (repr(values.windows) + values.function if values else "")
    if named := _named(told):
        return f"the facts hold {named!r}"
    if values and not np.isfinite([*values.range, *(end for w in values.windows for end in (w.centre, w.width))]).all():
        return f"windows or range not finite: {values.range} {values.windows}"
    return ""


def broken_message(message: str) -> str:
    if named := _named(message):
        return f"the message holds {named!r}: {message}"
    odd = [each for each in _TELLTALES if each in message.lower().split()] or [e for e in _TELLTALES if e in message and len(e) < 6]
    if len(message) < 30 or not message.endswith(".") or odd:
        return f"no fitting message: {message!r}"
    return ""


def _named(text: str) -> str:
    return next((mark for mark in _MARKS if mark in text.lower()), "")


def processor(pid: int) -> float:
    """Seconds of processor time of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    except OSError:
        return 0.0


def _forget_peak(pid: int) -> None:
    with contextlib.suppress(OSError):  # without it the peak is that of all inputs so far
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _peak(pid: int) -> int:
    """The peak of resident memory, in bytes."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0


def smaller(data: bytes, fails: Callable[[bytes], bool], tries: int = 200) -> bytes:
    """A shorter input that still `fails`: pieces are left out, halves first, as long as the rest fails."""
    size = len(data) // 2
    while size and tries:
        at = 0
        while at < len(data) and tries:
            tries -= 1
            if fails(shorter := data[:at] + data[at + size :]):
                data = shorter
            else:
                at += size
        size //= 2
    return data
