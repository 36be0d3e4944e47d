"""Cost of a command: wall seconds, processor seconds, and the peak memory of its processes."""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Cost:
    wall: float  # seconds
    processor: float  # seconds, children included
    peak: float  # bytes resident, command and children together
    trace: tuple[tuple[float, float], ...]  # (seconds since the start, bytes resident), ten per second


def resident(process: psutil.Process) -> float:
    """Bytes resident of a process and its children. Shared pages count once per process, so it is an upper bound."""
    total = 0.0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def cost_of(command: Sequence[str], environment: dict[str, str] | None = None) -> Cost:
    """Run the command; exits with its output if it fails."""
    import resource

    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    trace: list[tuple[float, float]] = []

    def watch() -> None:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                trace.append((time.perf_counter() - began, resident(watched)))
            except psutil.NoSuchProcess:
                break
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    wall = time.perf_counter() - began
    watcher.join()
    if process.returncode:
        sys.exit(f"{command[1:4]} ended with {process.returncode}:\n" + output.decode(errors="replace")[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, processor, max((held for _, held in trace), default=0.0), tuple(trace))
