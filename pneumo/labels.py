"""The words that every floor shares: classes, kinds of pneumonia, zones, verdicts, statuses; and what a file's name tells.

Each is a str, so that it is written to JSON, CSV and pages as it stands.
"""

import re
from enum import StrEnum


class Label(StrEnum):
    """What a radiograph is, and what a model at one operating point calls it."""

    NORMAL = "NORMAL"
    PNEUMONIA = "PNEUMONIA"


class Subtype(StrEnum):
    NONE = "none"  # healthy, or of unknown kind
    BACTERIAL = "bacterial"
    VIRAL = "viral"


class Zone(StrEnum):
    """Where a likelihood ratio lies between the cuts `rule-out` and `rule-in`."""

    RULE_OUT = "rule-out"
    INDETERMINATE = "indeterminate"
    RULE_IN = "rule-in"

    @property
    def verdict(self) -> "Verdict":
        return {Zone.RULE_OUT: Verdict.NORMAL, Zone.INDETERMINATE: Verdict.INDETERMINATE, Zone.RULE_IN: Verdict.PNEUMONIA}[self]

    @property
    def in_words(self) -> str:
        """For people. Not "likely": a zone is of the likelihood ratio, and where few are sick, pneumonia stays unlikely in any."""
        return {
            Zone.RULE_OUT: "Low: speaks against pneumonia",
            Zone.INDETERMINATE: "Open: the model cannot tell",
            Zone.RULE_IN: "High: speaks for pneumonia",
        }[self]


class Verdict(StrEnum):
    """What a person reads."""

    NORMAL = "NORMAL"
    INDETERMINATE = "INDETERMINATE"
    PNEUMONIA = "PNEUMONIA"


class Status(StrEnum):
    """What became of one file."""

    OK = "ok"
    REJECTED = "rejected"  # read, but the gate gives no answer
    ERROR = "error"  # not read

    @property
    def in_words(self) -> str:
        return {Status.OK: "answered", Status.REJECTED: "not answered", Status.ERROR: "not read"}[self]


LABELS, SUBTYPES = tuple(Label), tuple(Subtype)
# personN_bacteria_K, personN_virus_K: bacterial and viral cases are numbered apart, so kind and number make the patient.
_PNEUMONIA_NAME = re.compile(r"person(?P<number>\d+)_(?P<kind>bacteria|virus)_\d+(?:_\d+)?", re.IGNORECASE)
_NORMAL_NAME = re.compile(r"(?P<series>NORMAL2-IM|IM)-(?P<number>\d+)-\d+(?:-\d+)?", re.IGNORECASE)


def identify(stem: str) -> tuple[Subtype, str]:
    """A file's stem -> (subtype, patient) after the naming of the Kermany set.

    >>> identify("person12_virus_30")
    (<Subtype.VIRAL: 'viral'>, 'virus-12')
    >>> identify("NORMAL2-IM-0123-0001")
    (<Subtype.NONE: 'none'>, 'NORMAL2-IM-0123')
    """
    if match := _PNEUMONIA_NAME.fullmatch(stem):
        kind = match["kind"].lower()
        return Subtype.BACTERIAL if kind == "bacteria" else Subtype.VIRAL, f"{kind}-{int(match['number'])}"
    if match := _NORMAL_NAME.fullmatch(stem):
        return Subtype.NONE, f"{match['series'].upper()}-{match['number']}"
    return Subtype.NONE, stem
