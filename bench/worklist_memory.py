"""Memory of the worklist per file: intake, reading and rows, without a browser.

python bench/worklist_memory.py [--model ID] [--counts 50 100 200 400]     some minutes; each count in a process of its own

Each run drops COUNT generated full-size phantoms (PNG, 1500 x 2000), reads them in turn as the page does, and draws the table.
Prints resident memory in MB (Linux) after dropping, the peak while reading, and after reading; then the slopes in KB per file. The
decoding process is not included.
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from pneumo.evaluation.operating_point import BALANCED
from pneumo.imaging.decoding.archive import Member
from pneumo.inference.batch import read_member
from pneumo.inference.predictor import Predictor
from pneumo.registry.models import default_model
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.ui.worklist.intake import Intake
from pneumo.ui.worklist.rows import Row, make_row
from pneumo.ui.worklist.table import table_of

HEIGHT, WIDTH, DIFFERENT = 1500, 2000, 10  # pixels; number of distinct phantoms
MOMENTS = ("empty", "dropped", "highest", "read")


def resident() -> float:
    """Resident memory of this process in MB."""
    gc.collect()
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def one_run(model: str, count: int, files: Path) -> dict[str, float]:
    """Resident memory in MB at MOMENTS, and the mean size of a file and of a row's pictures in KB."""
    predictor, intake, rows = Predictor.load(model), Intake(), list[Row]()
    sources = sorted(files.glob("*.png"))
    make_row("", read_member(Member("", sources[0].read_bytes), predictor), predictor)
    memory = {"empty": resident()}
    intake.add((f"{number:04d}.png", sources[number % len(sources)].read_bytes()) for number in range(count))
    memory["dropped"] = memory["highest"] = resident()
    while member := intake.head:
        rows.append(make_row(member.name, read_member(member, predictor), predictor))
        intake.done()
        memory["highest"] = max(memory["highest"], resident())
    assert len(table_of(rows, predictor, BALANCED)) == count
    del member
    memory["read"] = resident()
    sizes = [len(row.display or b"") + len(row.canonical or b"") + len(row.thumbnail or b"") for row in rows]
    return memory | {"file": np.mean([source.stat().st_size for source in sources]) / 1024, "row": float(np.mean(sizes)) / 1024}


def main(model: str, counts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(DIFFERENT):
            kind = ("none", "bacterial", "viral")[seed % 3]
            (Path(folder) / f"{seed}.png").write_bytes(phantom_png(make_phantom(kind, seed, HEIGHT, WIDTH)))
        runs = []
        for count in counts:
            command = [sys.executable, __file__, "--model", model, "--run", str(count), folder]
            runs.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
            print(f"{count} files: " + ", ".join(f"{name} {runs[-1][name]:.0f} MB" for name in MOMENTS), flush=True)
    print(f"a file {runs[-1]['file']:.0f} KB, the pictures of a row {runs[-1]['row']:.0f} KB")
    for name in MOMENTS[1:]:
        grown = [run[name] - run["empty"] for run in runs]
        slope, offset = np.polyfit(counts, grown, 1)
        print(f"{name}: {1024 * slope:.0f} KB a file, and {offset:.0f} MB whatever their number")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--counts", type=int, nargs="+", default=[50, 100, 200, 400])
    parser.add_argument("--run", nargs=2, metavar=("COUNT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(one_run(options.model, int(options.run[0]), Path(options.run[1]))))
    else:
        main(options.model or default_model(), options.counts)
