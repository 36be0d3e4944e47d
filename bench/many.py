"""Many X-rays: speed and memory of `predict` against a naive loop, for 100 to 10,000 images, in one run.

python bench/many.py DIR [--counts 100,1000] [--naive 100] [--model ID]      DIR: X-rays, JPEG or PNG, in any folders

The images of DIR are linked into folders of each count (several times under other names if DIR has fewer). Start-up with one image
is measured separately and subtracted. `predict` answers, judges and gates; the naive loop (bench/naive.py) only answers. Both
compute a Grad-CAM, neither writes pictures. Cores busy: processor time over wall time. Memory: all processes together, at a tenth
of the run and at the end.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from process_cost import Cost, cost_of

SUFFIXES = (".jpeg", ".jpg", ".png")


def linked(source: Path, target: Path, count: int) -> Path:
    files = sorted(path.resolve() for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        sys.exit(f"No JPEG or PNG below {source}.")
    target.mkdir()
    for number in range(count):
        file = files[number % len(files)] if count > len(files) else files[number * len(files) // count]
        (target / f"{number:05d}{file.suffix}").symlink_to(file)
    return target


def held(cost: Cost, fraction: float) -> float:
    """Bytes resident at a fraction of the run."""
    return max(size for _, size in cost.trace[max(int(fraction * len(cost.trace)) - 5, 0) :][:5])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--counts", default="100,1000")
    parser.add_argument("--naive", type=int, default=100)
    parser.add_argument("--model", default="resnet50")
    options = parser.parse_args()
    predict = [sys.executable, "-m", "pneumo", "predict", "--model", options.model, "--format", "csv"]
    rows: dict[str, tuple[int, Cost]] = {}
    with tempfile.TemporaryDirectory() as home:
        out = ["--output", str(Path(home) / "rows.csv")]
        single = linked(options.dir, Path(home) / "one", 1)
        start = {
            "pneumo": cost_of([*predict, str(single), *out]),
            "naive": cost_of([sys.executable, "bench/naive.py", str(single)]),
        }
        for count in map(int, options.counts.split(",")):
            folder = linked(options.dir, Path(home) / f"pneumo-{count}", count)
            rows[f"pneumo, {count:,}"] = count, cost_of([*predict, str(folder), *out])
        folder = linked(options.dir, Path(home) / "naive", options.naive)
        rows[f"naive, {options.naive:,}"] = options.naive, cost_of([sys.executable, "bench/naive.py", str(folder)])
    print("| what | images a second | processor, ms an image | cores busy | memory at a tenth, MB | at the end |")
    print("|---|---:|---:|---:|---:|---:|")
    rates: dict[str, tuple[float, float]] = {}
    for name, (count, cost) in rows.items():
        begun = start[name.split(",")[0]]
        wall, processor = cost.wall - begun.wall, cost.processor - begun.processor  # less start-up and one image
        rates[name] = (count - 1) / wall, processor / (count - 1)
        print(
            f"| {name} | {rates[name][0]:.1f} | {rates[name][1] * 1e3:.0f} | {processor / wall:.2f} | "
            f"{held(cost, 0.1) / 2**20:.0f} | {held(cost, 1.0) / 2**20:.0f} |"
        )
    ours, theirs = next(iter(rates.values())), list(rates.values())[-1]
    print(f"| pneumo / naive | {ours[0] / theirs[0]:.1f} | {theirs[1] / ours[1]:.1f} | | | |")


if __name__ == "__main__":
    main()
