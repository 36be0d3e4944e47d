"""Mutation score of evaluation/ and imaging/: the share of small changes of the code that their tests detect.

    pip install mutmut==3.8.1; python bench/mutation.py [--each 200] [--seed 0] [--show]

mutmut writes the changed code to mutants/ and leaves the package unchanged; [tool.mutmut] in pyproject.toml sets what it changes
and which tests it runs. All mutants would take hours, so a seeded sample of each folder gives the score with a Wilson interval. A
mutant that no test reaches counts as undetected. --show prints the undetected changes.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from pneumo.evaluation.wilson import wilson_interval

FOLDERS = ("evaluation", "imaging")
MUTANTS = Path("mutants")
UNNOTICED = {0: "survived", 33: "no test reaches it", None: "not run"}  # exit codes as mutmut writes them; any other: noticed


def mutmut(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mutmut", *words], capture_output=True, text=True, check=False)


def exit_codes(folder: str) -> dict[str, int | None]:
    """Mutant -> exit code for `folder`, sorted by name."""
    codes: dict[str, int | None] = {}
    for path in sorted((MUTANTS / "pneumo" / folder).rglob("*.meta")):
        codes.update(json.loads(path.read_text())["exit_code_by_key"])
    return dict(sorted(codes.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=200, help="mutants drawn from each folder (default 200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", default="2")
    parser.add_argument("--show", action="store_true", help="print the changes that no test noticed")
    options = parser.parse_args()
    written = mutmut("run", "none")  # no mutant has this name, so this only writes all mutants and test coverage
    drawn = {}
    for folder in FOLDERS:
        names = list(exit_codes(folder))
        if not names:
            sys.exit(f"mutmut made no mutants of pneumo/{folder}:\n{written.stdout[-2000:]}{written.stderr[-2000:]}")
        drawn[folder] = random.Random(options.seed).sample(names, min(options.each, len(names)))
    mutmut("run", "--max-children", options.processes, *(name for names in drawn.values() for name in names))
    for folder, names in drawn.items():
        codes = exit_codes(folder)
        missed = {name: UNNOTICED[codes[name]] for name in names if codes[name] in UNNOTICED}
        share = wilson_interval(len(names) - len(missed), len(names))
        print(
            f"{folder}: {share.count} of {share.of} drawn from {len(codes)} noticed, "
            f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
        )
        for name, why in sorted(missed.items()):
            print(f"  {name}: {why}")
            if options.show:
                print(mutmut("show", name).stdout)


if __name__ == "__main__":
    main()
