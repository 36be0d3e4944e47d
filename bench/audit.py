"""Summarise a report of pip-audit (make audit).

python bench/audit.py REPORT.json LOCK     exit code 0: no known vulnerability; 1: some; 2: unknown, the data could not be fetched
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
        print(f"The vulnerability data could not be fetched, so {lock} was not checked. Try again online.")
        return 2
    vulnerabilities = [(package, entry) for package in packages for entry in package.get("vulns", [])]
    for package, vulnerability in vulnerabilities:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}")
    if skipped:
        print(f"Not checked: {', '.join(skipped)}")
    print(f"{lock}: {len(vulnerabilities)} known vulnerabilities in {len(packages) - len(skipped)} packages.")
    return 1 if vulnerabilities else 2 if skipped else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
