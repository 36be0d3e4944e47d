"""One answered case as it is kept: what the tool answered, and what the clinician said of it. No file name, no identifier."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from pneumo.labels import Zone

AGREE, DISAGREE, NONE = "agree", "disagree", "none"
AGREEMENTS = (AGREE, DISAGREE, NONE)
NOTE_LENGTH = 2000  # characters
PASS, WARN = "pass", "warn"


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

    @property
    def verdict(self) -> str:
        """NORMAL, INDETERMINATE or PNEUMONIA: what was shown."""
        return Zone(self.zone).verdict


@dataclass(frozen=True)
class RecordedCase(Answered):
    """A row of the table `cases`."""

    id: str  # random
    created: str  # UTC, see `timestamp`
    salt: str  # random and deleted with the row, so that no digest in the log can be guessed back into a note
    agreement: str = NONE
    note: str = ""


EXPORTED = ("id", "created", "file_sha256", "model", "model_sha256", "probability", "operating_point", "threshold", "label", "zone",
            "gate", "warnings", "agreement", "note")  # fmt: skip
assert set(EXPORTED) == {field.name for field in fields(RecordedCase)} - {"session", "salt"}


def content_digest(case: RecordedCase) -> str:
    """SHA-256 over every field of the row, hex: what an entry of the log says that the row held."""
    return hashlib.sha256(canonical_json(asdict(case))).hexdigest()


def canonical_json(value: object) -> bytes:
    """The one spelling of a value that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def timestamp(moment: datetime) -> str:
    """UTC with milliseconds, of one width, so that texts sort as moments do: 2026-01-31T08:05:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clean_note(text: str) -> str:
    """What every database can hold: no NUL, no half of a surrogate pair, at most NOTE_LENGTH characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()[:NOTE_LENGTH]
