"""What pip-audit found, in a few lines: known holes, none, or that nothing is known because its data could not be fetched.

python bench/audit.py REPORT.json LOCK     exit 0: no known hole; 1: some; 2: not known      (make audit)
"""

import json
import sys
from pathlib import Path


def main(report: Path, lock: Path) -> int:
    try:
        packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    except (OSError, ValueError, KeyError, TypeError):
        packages = []
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    if not packages or len(skipped) == len(packages):
        print(
            f"The data on known holes could not be fetched, so nothing is known of {lock}. This is no all-clear: ask again online."
        )
        return 2
    holes = [(each, hole) for each in packages for hole in each.get("vulns", [])]
    for each, hole in holes:
        mended = ", ".join(hole["fix_versions"]) or "no version yet"
        print(f"{each['name']} {each['version']}: {hole['id']}, mended in {mended}")
    if skipped:
        print(f"Not known of: {', '.join(skipped)}")
    print(f"{lock}: {len(holes)} known holes in {len(packages) - len(skipped)} packages.")
    return 1 if holes else 2 if skipped else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
