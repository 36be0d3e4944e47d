"""Answers of the verified model for a site's cases, as a few numbers each; pictures are not kept."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pneumo.errors import DataError
from pneumo.evaluation.likelihood import posterior
from pneumo.evaluation.predictions import Predictions, make_predictions
from pneumo.imaging.measures import Measures
from pneumo.inference.batch import read_files
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.measured import measure_image
from pneumo.inference.predictor import Predictor
from pneumo.labels import Status
from pneumo.registry.models import ModelCard
from pneumo.site.cases import SiteCase


@dataclass(frozen=True)
class CaseAnswer:
    """The result of one case. Without an answer `logit` is NaN and `measures` None."""

    case: SiteCase
    status: Status  # rejected: by the gate
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    sha256: str
    logit: float  # before calibration
    measures: Measures | None


def answer_cases(
    cases: Sequence[SiteCase], predictor: Predictor, progress: Callable[[int, int], None] | None = None
) -> tuple[CaseAnswer, ...]:
    """One answer per case, in order; a refused or unreadable case has its reasons. `progress`: (done, total)."""
    finder = predictor.finder or LungFinder.load()
    answers = []
    for case, (path, finding) in zip(cases, read_files((case.path for case in cases), predictor), strict=True):
        if path != case.path:
            raise DataError(f"{case.name} is read as several images. Expected one image a case.")
        logit, measures = math.nan, None
        if finding.answer and finding.canonical is not None and finding.radiograph is not None:
            logit = finding.answer.logit
            measures = measure_image(finding.canonical, finding.radiograph.facts, finding.answer.features, predictor, finder)
        answers.append(CaseAnswer(case, finding.status, finding.reasons, finding.warnings, finding.sha256, logit, measures))
        if progress:
            progress(len(answers), len(cases))
    return tuple(answers)


def labels_of(answers: Sequence[CaseAnswer]) -> np.ndarray:
    """int64 (n,), 1 for PNEUMONIA."""
    return np.array([answer.case.sick for answer in answers], np.int64)


def patients_of(answers: Sequence[CaseAnswer]) -> np.ndarray:
    """str (n,)."""
    return np.array([answer.case.patient for answer in answers], str)


def ratios_of(answers: Sequence[CaseAnswer], card: ModelCard) -> np.ndarray:
    """Calibrated log likelihood ratios, float64 (n,)."""
    return card.calibration.log_ratio(np.array([answer.logit for answer in answers], float))


def answered_of(answers: Sequence[CaseAnswer]) -> tuple[CaseAnswer, ...]:
    return tuple(answer for answer in answers if answer.status == Status.OK)


def predictions_of(answers: Sequence[CaseAnswer], card: ModelCard, prevalence: float) -> Predictions:
    """Of answered cases, with probabilities at `prevalence` in (0, 1) and the site's own patient names."""
    probabilities = posterior(ratios_of(answers, card), prevalence)
    predictions = make_predictions(
        [answer.case.name for answer in answers],
        [answer.case.label for answer in answers],
        ["none"] * len(answers),
        [answer.logit for answer in answers],
        probabilities.tolist(),
    )
    return replace(predictions, patient_ids=tuple(answer.case.patient for answer in answers))
