"""Cases as CSV and JSON, without what only the record itself needs (session, salt)."""

import csv
import io
import json
from collections.abc import Iterable

from pneumo.record.case import EXPORTED, RecordedCase


def as_json(cases: Iterable[RecordedCase]) -> str:
    """A JSON list of objects."""
    return json.dumps([{name: getattr(case, name) for name in EXPORTED} for case in cases], ensure_ascii=False, indent=2) + "\n"


def as_csv(cases: Iterable[RecordedCase]) -> str:
    """A line a case; warnings joined by "; "."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(EXPORTED)
    for case in cases:
        row = {name: getattr(case, name) for name in EXPORTED}
        writer.writerow((row | {"warnings": _text("; ".join(case.warnings)), "note": _text(case.note)}).values())
    return stream.getvalue()


def _text(value: str) -> str:
    """A spreadsheet would run what begins like a formula; the apostrophe makes it read a text."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
