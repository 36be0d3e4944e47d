"""Log every evaluation on the test split."""

import csv
import datetime
import errno
import io
import os
from pathlib import Path
from typing import Any

from pneumo.outgoing import cell

COLUMNS = ("date", "commit", "model", "auc", "accuracy", "sensitivity", "specificity", "why")


def add_row(path: Path, commit: str, model: str, summary: dict[str, Any], why: str) -> None:
    """Append one row to ledger.csv, made with its header when absent."""
    figures = (
        "" if summary[name]["value"] is None else f"{summary[name]['value']:.4f}"
        for name in ("auc", "accuracy", "sensitivity", "specificity")
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    with open(path, "ab", buffering=0) as file:
        start = file.tell()
        if not start:
            writer.writerow(COLUMNS)
        writer.writerow([datetime.date.today().isoformat(), commit, cell(model), *figures, cell(why)])
        data = text.getvalue().encode()
        if file.write(data) != len(data):  # disk full: remove the partial row
            file.truncate(start)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
