"""A row of the table of cases as a RecordedCase, and back."""

import json
import math
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Row

from pneumo.errors import RecordError
from pneumo.files import json_sha256
from pneumo.imaging.measures import MEANING, Measures
from pneumo.record.case import NONE, RecordedCase

_KINDS: dict[Any, Any] = {str: str, float: int | float, tuple[str, ...]: tuple}


def case_of(row: Row[Any]) -> RecordedCase:
    """Raises RecordError for a value of a type that Pneumo does not write."""
    values = dict(row._mapping)
    measures = {name: values.pop(name) for name in MEANING}
    known = {name: value for name, value in measures.items() if value is not None}
    case = RecordedCase(**{**values, "warnings": _warnings(row.warnings), "measures": Measures(**known)})
    checked = {field.name: (getattr(case, field.name), _KINDS.get(field.type, object)) for field in fields(RecordedCase)}
    for name, (value, kind) in (checked | {name: (value, int | float) for name, value in known.items()}).items():
        if not isinstance(value, kind):
            raise RecordError(
                f"Case {case.id} was altered outside Pneumo: its {name} has a type that Pneumo does not write. "
                "Run `python -m pneumo audit verify`, and restore the record from a backup."
            )
    return case


def content_digest(case: RecordedCase) -> str:
    """SHA-256 of all fields of the row, hex, as stored in the log.

    Fields added in later versions count only if not empty, so that digests of older cases stay valid.
    """
    held = asdict(case)
    held["measures"] = known_measures(case.measures)
    for name, nothing in (("measures", {}), ("reference", NONE)):
        if held[name] == nothing:
            del held[name]
    return json_sha256(held)


def known_measures(measures: Measures) -> dict[str, float]:
    """The known measures by name."""
    return {name: value for name, value in asdict(measures).items() if not math.isnan(value)}


def row_of(case: RecordedCase) -> dict[str, Any]:
    row = asdict(case) | {"warnings": json.dumps(case.warnings)} | known_measures(case.measures)
    del row["measures"]
    return row


def digest_of(row: Row[Any]) -> str:
    """The content digest; empty, which matches none, for a case that cannot be read."""
    try:
        return content_digest(case_of(row))
    except RecordError:
        return ""


def _warnings(text: str) -> tuple[str, ...]:
    """The list of warnings. Text altered by others stays readable but does not match the digest."""
    try:
        sentences = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        sentences = None
    return tuple(sentences) if isinstance(sentences, list) and all(isinstance(each, str) for each in sentences) else (str(text),)
