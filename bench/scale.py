"""Cost of Ray on one machine: speed and processor time of `predict --engine ray` and local, by image size.

python bench/scale.py [--count 300] [--model resnet50] [--sizes 224x224,1400x1900] [--rounds 1]

A dozen generated phantoms of each size, linked under COUNT names. Start-up, measured with one image, is subtracted and shown
separately. Processor time is the sum over all processes of the command, and on a shared machine more reliable than wall time. The
last column: hours for a million images on one node like this (docs/scale.md).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from pneumo.synthetic.phantom import make_phantom, phantom_png

ROOT = Path(__file__).parent.parent
DISTINCT = 12


@dataclass(frozen=True)
class Cost:
    wall: float  # seconds
    processor: float  # seconds, all processes together


def cost_of(command: list[str]) -> Cost:
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    spent: dict[int, float] = {}  # by process, polled: not all of Ray's processes are waited for by their parent
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for member in [watched, *watched.children(recursive=True)]:
                times = member.cpu_times()
                spent[member.pid] = times.user + times.system
        except psutil.Error:
            pass
        time.sleep(0.1)
    wall = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"{' '.join(command[1:])} ended with {process.returncode}.")
    return Cost(wall, sum(spent.values()))


def phantoms(folder: Path, height: int, width: int, count: int) -> Path:
    folder.mkdir()
    kinds = ("none", "bacterial", "viral")
    for number in range(min(DISTINCT, count)):
        (folder / f"{number:05d}.png").write_bytes(phantom_png(make_phantom(kinds[number % 3], number, height, width)))
    for number in range(DISTINCT, count):
        (folder / f"{number:05d}.png").symlink_to(folder / f"{number % DISTINCT:05d}.png")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--sizes", default="224x224,1400x1900", help="height x width")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    print(f"{options.count} images, {options.model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| image | engine | start-up, s | images a second | processor, ms an image | a million, node hours |")
    print("|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as home:
        for size in options.sizes.split(","):
            height, width = map(int, size.split("x"))
            folder = phantoms(Path(home) / size, height, width, options.count)
            measured: dict[str, list[tuple[Cost, Cost]]] = {"local": [], "ray": []}
            for _ in range(options.rounds):
                for engine, costs in measured.items():
                    ask = [
                        sys.executable,
                        "-m",
                        "pneumo",
                        "predict",
                        "--model",
                        options.model,
                        "--engine",
                        engine,
                        "--format",
                        "csv",
                        "--output",
                        str(Path(home) / "rows.csv"),
                    ]
                    costs.append((cost_of([*ask, str(folder / "00000.png")]), cost_of([*ask, str(folder)])))
            rates: dict[str, tuple[float, float]] = {}
            for engine, costs in measured.items():
                more = options.count - 1
                start = statistics.median(single.wall for single, _ in costs)
                rate = statistics.median(more / (whole.wall - single.wall) for single, whole in costs)
                work = statistics.median((whole.processor - single.processor) / more for single, whole in costs)
                rates[engine] = rate, work
                print(f"| {size} | {engine} | {start:.1f} | {rate:.1f} | {1000 * work:.0f} | {1e6 / rate / 3600:.1f} |", flush=True)
            (fast, cheap), (rate, work) = rates["local"], rates["ray"]
            print(f"| {size} | ray / local | | {rate / fast:.2f} | {work / cheap:.2f} | |", flush=True)


if __name__ == "__main__":
    main()
