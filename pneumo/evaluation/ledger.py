"""The record of every run ever made over the test split, so that nobody can look often and tell once."""

import csv
import datetime
from pathlib import Path
from typing import Any

COLUMNS = ("date", "commit", "model", "auc", "accuracy", "sensitivity", "specificity", "why")


def add_row(path: Path, commit: str, model: str, summary: dict[str, Any], why: str) -> None:
    """Append one row to ledger.csv, made with its header when absent."""
    new = not path.exists()
    figures = (
        "" if summary[name]["value"] is None else f"{summary[name]['value']:.4f}"
        for name in ("auc", "accuracy", "sensitivity", "specificity")
    )
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        writer.writerow([datetime.date.today().isoformat(), commit, model, *figures, why])
