"""Findings as flat rows, as `predict` prints and the Worklist page exports them."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from pneumo import outgoing
from pneumo.inference.finding import Finding, Terms, judge
from pneumo.labels import Subtype, Verdict
from pneumo.registry.models import ModelCard

_JUDGED = ("verdict", "label", "zone", "probability", "prevalence", "likelihood_ratio", "threshold", "operating_point")
_MODEL = ("model", "model_sha256", "site_profile")
FIELDS = ("file", "sha256", "status", "reasons", "warnings", *_JUDGED, "subtype", "heatmap", *_MODEL, "seconds")


def fields(path: str, finding: Finding, card: ModelCard, terms: Terms) -> dict[str, Any]:
    """A finding as a flat JSON object with FIELDS."""
    row = dict.fromkeys(FIELDS)
    row.update((name, getattr(finding, name)) for name in ("sha256", "status", *_MODEL))
    row.update(file=path, reasons=list(finding.reasons), warnings=list(finding.warnings), seconds=round(finding.seconds, 4))
    row["site_profile"] = finding.site_profile or None
    if finding.answer:
        reading = judge(finding.answer.log_ratio, card, terms)
        row.update((name, getattr(reading, name)) for name in _JUDGED)
        bacterial = finding.answer.bacterial
        if reading.verdict == Verdict.PNEUMONIA and bacterial is not None:  # meaningless without pneumonia
            row["subtype"] = {Subtype.BACTERIAL: bacterial, Subtype.VIRAL: 1 - bacterial}
    return row


def csv_cells(row: dict[str, Any]) -> dict[str, Any]:
    """Values as `outgoing.cell` writes them; the subtype as JSON text."""
    return {key: outgoing.cell(value) for key, value in row.items()}


def csv_text(rows: Iterable[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(csv_cells, rows))
    return stream.getvalue()


def json_text(rows: Iterable[dict[str, Any]]) -> str:
    """One JSON object per line."""
    return "".join(outgoing.json_text(row) + "\n" for row in rows)
