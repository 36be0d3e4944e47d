"""Rehearse all site commands on two "sites" made from one folder: plan, local test, local fit, candidate, activation, rollback.

python bench/site_rehearsal.py DATA ACTIVE CANDIDATE OUTPUT [--split test] [--why REASON]

Site one holds the file series IM and bacteria, site two NORMAL2-IM and virus. Each has a site folder of its own in OUTPUT. With
--split test this is a look at test for both models, and is written to the ledger. About 12 answers per image.
"""

import argparse
import csv
import json
import os
import sys
from pathlib import Path

from pneumo.cli.main import main as pneumo
from pneumo.data.records import scan
from pneumo.evaluation.ledger import add_row
from pneumo.paths import models_dir
from pneumo.versions import git_commit

SITES = {"one": ("IM", "bacteria"), "two": ("NORMAL2-IM", "virus")}


def run(*words: object) -> int:
    """Run one command of the command line."""
    print(f"$ pneumo {' '.join(map(str, words))}", flush=True)
    code = pneumo([str(word) for word in words])
    print(f"(exit code {code})", flush=True)
    return code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "active", "candidate", "output"):
        parser.add_argument(name)
    parser.add_argument("--split", default="test")
    parser.add_argument("--why", default="rehearsal of the site's way")
    options = parser.parse_args()
    output = Path(options.output).resolve()
    if output.exists():
        sys.exit(f"{output} is there already; name a new folder")
    records = scan(Path(options.data), (options.split,))
    for site, series in SITES.items():
        folder = output / site
        folder.mkdir(parents=True)
        os.environ["PNEUMO_SITE_DIR"] = str(folder / "acts")
        mine = [record for record in records if record.series in series]
        with open(folder / "cases.csv", "w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(("file", "label", "patient"))
            rows.writerows((Path(options.data).resolve() / r.path, r.label, r.patient) for r in mine)
        children = {label: len({r.patient for r in mine if r.label == label}) for label in ("PNEUMONIA", "NORMAL")}
        run(
            "site-plan",
            "--model",
            options.active,
            "--site",
            f"site {site}",
            "--sick",
            min(60, children["PNEUMONIA"]),
            "--healthy",
            min(60, children["NORMAL"]),
            "--least",
            "auc=0.93",
            "--least",
            "sensitivity=0.85",
            "--least",
            "specificity=0.75",
            "--decides",
            "rehearsal",
            "--output",
            folder / "plan.json",
        )
        run("site-test", folder / "cases.csv", "--plan", folder / "plan.json", "--output", folder / "result")
        if run("site-fit", folder / "cases.csv", "--model", options.active, "--name", "rehearsal", "--site", site) == 0:
            run("site-profile", "use", "rehearsal", "--why", "rehearsal")
            run("site-profile", "leave", "--why", "rehearsal")
        run("site-model", "activate", options.active, "--why", "rehearsal")
        run("site-model", "candidate", options.candidate, "--why", "rehearsal")
        run("site-model", "compare", "--cases", folder / "cases.csv")
        run("site-model", "activate", options.candidate, "--why", "rehearsal")
        run("site-model", "back", "--why", "rehearsal")
        run("site-model", "status")
        if options.split == "test":
            figures = json.loads((folder / "result" / "result.json").read_text(encoding="utf-8"))["summary"]
            for model in (options.active, options.candidate):
                empty = {name: {"value": None} for name in ("auc", "accuracy", "sensitivity", "specificity")}
                add_row(
                    models_dir() / "ledger.csv",
                    git_commit(),
                    model,
                    figures if model == options.active else empty,
                    f"{options.why}, site {site}",
                )


if __name__ == "__main__":
    main()
