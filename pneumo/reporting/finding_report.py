"""The content of the one-page report about one X-ray."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pneumo.imaging.radiograph import Radiograph
from pneumo.inference.finding import Finding, Reading, Terms, judge
from pneumo.inference.predictor import Answer
from pneumo.registry.models import ModelCard

NOT_STATED = "not stated"
AGREEMENTS = (NOT_STATED, "agree", "disagree")


@dataclass(frozen=True)
class Remarks:
    """What the clinician typed. `agreement` is one of AGREEMENTS and refers to the answer `label`."""

    note: str = ""
    agreement: str = NOT_STATED
    reference: str = ""  # the only source of a patient's name or number
    label: str = ""

    def agreement_with(self, label: str) -> str:
        """The agreement; NOT_STATED if the answer has changed since it was given."""
        return self.agreement if label == self.label else NOT_STATED


@dataclass(frozen=True)
class ReportContent:
    """`metrics` as in metrics.json. `reading` raises ConfigError for terms that the model does not have."""

    finding: Finding  # an answer ("ok") of the model of `card`, read on `terms`
    picture: Radiograph  # as the model was given it
    card: ModelCard
    metrics: dict[str, Any]
    terms: Terms
    remarks: Remarks
    made: datetime  # with time zone
    extra: tuple[tuple[str, str], ...] = ()  # further rows: label, text
    heat_doubt: str = ""  # why the heatmap is left out (weaknesses.py); empty: draw it

    @property
    def answer(self) -> Answer:
        if self.finding.answer is None:
            raise ValueError(f"expected a finding with an answer; received one that is {self.finding.status}")
        return self.finding.answer

    @cached_property
    def reading(self) -> Reading:
        return judge(self.answer.log_ratio, self.card, self.terms)
