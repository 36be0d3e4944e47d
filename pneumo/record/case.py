"""One answered case as it is kept: what the tool answered, and what the clinician said of it. No file name, no identifier."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from pneumo.imaging.measures import Measures
from pneumo.labels import LABELS, Zone

AGREE, DISAGREE, NONE = "agree", "disagree", "none"
AGREEMENTS = (AGREE, DISAGREE, NONE)
REFERENCES = (*LABELS, NONE)
NOTE_LENGTH = 2000  # characters
PASS, WARN = "pass", "warn"
NO_MEASURES = Measures()


@dataclass(frozen=True)
class Answered:
    """An answer to be kept. One session keeps one file, model and operating point once."""

    session: str  # random, a browser session; says nothing of a person
    file_sha256: str
    model: str
    model_sha256: str
    probability: float  # calibrated, of pneumonia
    operating_point: str
    threshold: float
    label: str  # NORMAL or PNEUMONIA
    zone: str  # rule-out, indeterminate or rule-in
    gate: str  # pass or warn; what the gate rejects has no answer to keep
    warnings: tuple[str, ...]
    measures: Measures = NO_MEASURES  # of how the picture was taken: all that is kept of it

    @property
    def verdict(self) -> str:
        """NORMAL, INDETERMINATE or PNEUMONIA: what was shown."""
        return Zone(self.zone).verdict


@dataclass(frozen=True)
class RecordedCase(Answered):
    """A row of the table `cases`."""

    id: str = field(kw_only=True)  # random
    created: str = field(kw_only=True)  # UTC, see `timestamp`
    salt: str = field(kw_only=True)  # random and deleted with the row, so that no digest in the log can be guessed back into a note
    agreement: str = NONE
    note: str = ""
    reference: str = NONE  # NORMAL or PNEUMONIA where somebody entered later what it was


@dataclass(frozen=True)
class Refused:
    """A file that got no answer: counted, and nothing more. One session counts one file and model once."""

    session: str
    file_sha256: str
    model: str
    model_sha256: str
    status: str  # rejected (by the gate) or error (not read)
    created: str = ""  # by the record


@dataclass(frozen=True)
class Shadow:
    """What a candidate model said of a kept case, unseen by readers. Without an answer `probability` is None and the rest empty."""

    case_id: str
    model: str
    model_sha256: str
    card_sha256: str
    status: str
    probability: float | None  # at the prevalence of the case's own
    label: str  # at the candidate's own cut
    label_at_active_cut: str  # had the active model's cut been kept
    zone: str  # by the candidate's own cuts


EXPORTED = (
    "id",
    "created",
    "file_sha256",
    "model",
    "model_sha256",
    "probability",
    "operating_point",
    "threshold",
    "label",
    "zone",
    "gate",
    "warnings",
    "agreement",
    "note",
    "reference",
)


def content_digest(case: RecordedCase) -> str:
    """SHA-256 over every field of the row, hex: what an entry of the log says that the row held.

    Fields that came later count only where they hold something, so that the digests of older cases stay true.
    """
    held = asdict(case)
    held["measures"] = known_measures(case.measures)
    for name, nothing in (("measures", {}), ("reference", NONE)):
        if held[name] == nothing:
            del held[name]
    return hashlib.sha256(canonical_json(held)).hexdigest()


def known_measures(measures: Measures) -> dict[str, float]:
    """Those that are known, by name."""
    return {name: value for name, value in asdict(measures).items() if not math.isnan(value)}


def canonical_json(value: object) -> bytes:
    """The one spelling of a value that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def timestamp(moment: datetime) -> str:
    """UTC with milliseconds, of one width, so that texts sort as moments do: 2026-01-31T08:05:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clean_note(text: str) -> str:
    """What every database can hold: no NUL, no half of a surrogate pair, at most NOTE_LENGTH characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()[:NOTE_LENGTH]
