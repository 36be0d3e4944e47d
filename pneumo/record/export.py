"""Cases as CSV and JSON, without internal fields (session, salt)."""

import csv
import io
from collections.abc import Iterable

from pneumo.outgoing import cell, json_text
from pneumo.record.case import EXPORTED, RecordedCase


def as_json(cases: Iterable[RecordedCase]) -> str:
    """A JSON list of objects."""
    return json_text([{name: getattr(case, name) for name in EXPORTED} for case in cases], indent=2) + "\n"


def as_csv(cases: Iterable[RecordedCase]) -> str:
    """One row per case; warnings as `listed`; notes keep their line ends."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(EXPORTED)
    for case in cases:
        writer.writerow(cell(getattr(case, name), keep="\n" if name == "note" else "") for name in EXPORTED)
    return stream.getvalue()
