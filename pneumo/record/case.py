"""A recorded case: the answer, and the clinician's agreement and note. No file name, no identifier."""

from dataclasses import dataclass, field
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
    """An answer to record; recorded once per session, file, model and operating point."""

    session: str  # random, per browser session; identifies no person
    file_sha256: str
    model: str
    model_sha256: str
    probability: float  # calibrated, of pneumonia
    operating_point: str
    threshold: float
    label: str  # NORMAL or PNEUMONIA
    zone: str  # rule-out, indeterminate or rule-in
    gate: str  # pass or warn; a rejected file has no answer
    warnings: tuple[str, ...]
    measures: Measures = NO_MEASURES  # of framing and exposure

    @property
    def verdict(self) -> str:
        """NORMAL, INDETERMINATE or PNEUMONIA, as shown."""
        return Zone(self.zone).verdict


@dataclass(frozen=True)
class RecordedCase(Answered):
    """A row of the table `cases`."""

    id: str = field(kw_only=True)  # random
    created: str = field(kw_only=True)  # UTC, see `timestamp`
    salt: str = field(kw_only=True)  # random, deleted with the row, so that no note can be guessed from a digest in the log
    agreement: str = NONE
    note: str = ""
    reference: str = NONE  # reference label NORMAL or PNEUMONIA, entered later


@dataclass(frozen=True)
class Refused:
    """A file without an answer; counted once per session, file and model."""

    session: str
    file_sha256: str
    model: str
    model_sha256: str
    status: str  # rejected (by the gate) or error (not read)
    created: str = ""  # set by the record


@dataclass(frozen=True)
class Shadow:
    """A candidate's answer on a recorded case, hidden from readers. Without an answer `probability` is None and the rest empty."""

    case_id: str
    model: str
    model_sha256: str
    card_sha256: str
    status: str
    probability: float | None  # at the same prevalence as the case's own
    label: str  # at the candidate's own cut
    label_at_active_cut: str  # at the active model's cut
    zone: str  # by the candidate's own cuts


EXPORTED = (
    *("id", "created", "file_sha256", "model", "model_sha256", "probability", "operating_point", "threshold"),
    *("label", "zone", "gate", "warnings", "agreement", "note", "reference"),
)


def timestamp(moment: datetime) -> str:
    """UTC with milliseconds and fixed width, so that texts sort by time: 2026-01-31T08:05:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clean_note(text: str) -> str:
    """A text that every database can store: no NUL, no lone surrogates, at most NOTE_LENGTH characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()[:NOTE_LENGTH]
