"""What one page about one X-ray says, before anything is drawn."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from pneumo.inference.finding import Finding, Reading, Terms, judge
from pneumo.inference.predictor import Answer
from pneumo.registry.models import ModelCard

NOT_STATED = "not stated"
AGREEMENTS = (NOT_STATED, "agree", "disagree")


@dataclass(frozen=True)
class Remarks:
    """What the clinician typed. `agreement` is one of AGREEMENTS and belongs to the answer `label`, which it was given to."""

    note: str = ""
    agreement: str = NOT_STATED
    reference: str = ""  # the only place where a name or number can come from
    label: str = ""

    def agreement_with(self, label: str) -> str:
        """The agreement as long as the answer is the one it was given to: nobody agrees with what they never saw."""
        return self.agreement if label == self.label else NOT_STATED


@dataclass(frozen=True)
class ReportContent:
    """`pixels` float32 (h, w) in [0, 1], as the model was given them; `metrics` as in metrics.json; `made` knows its time zone."""

    pixels: np.ndarray
    answer: Answer
    reading: Reading
    card: ModelCard
    metrics: dict[str, Any]
    file_sha256: str
    warnings: tuple[str, ...]
    remarks: Remarks
    made: datetime
    colour_map: str
    extra: tuple[tuple[str, str], ...] = ()  # further rows: label, text


def report_content(finding: Finding, pixels: np.ndarray, answer: Answer, card: ModelCard, terms: Terms,
                   metrics: dict[str, Any], remarks: Remarks, made: datetime, colour_map: str = "magma",
                   extra: tuple[tuple[str, str], ...] = ()) -> ReportContent:  # fmt: skip
    """`finding` gives hash and warnings; `answer` is that of the model of `card`, judged here. Raises ConfigError."""
    reading = judge(answer.log_ratio, card, terms)
    return ReportContent(pixels, answer, reading, card, metrics, finding.sha256, finding.warnings, remarks, made, colour_map, extra)
