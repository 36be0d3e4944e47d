"""What one page about one X-ray says, before anything is drawn."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from pneumo.imaging.radiograph import ImageFacts
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
class Picture:
    """`pixels` float32 (h, w) in [0, 1], as the model was given them, with what may be told of their file."""

    pixels: np.ndarray
    facts: ImageFacts
    colour_map: str = "magma"  # of the heat over it


@dataclass(frozen=True)
class ReportContent:
    """`finding` is an answer ("ok") of the model of `card`, judged here on `terms`; `metrics` as in metrics.json.

    Raises ConfigError when `reading` is asked for on terms that the model does not have.
    """

    finding: Finding
    picture: Picture
    card: ModelCard
    metrics: dict[str, Any]
    terms: Terms
    remarks: Remarks
    made: datetime  # knows its time zone
    extra: tuple[tuple[str, str], ...] = ()  # further rows: label, text

    @property
    def answer(self) -> Answer:
        if self.finding.answer is None:
            raise ValueError(f"expected a finding with an answer; received one that is {self.finding.status}")
        return self.finding.answer

    @cached_property
    def reading(self) -> Reading:
        return judge(self.answer.log_ratio, self.card, self.terms)
