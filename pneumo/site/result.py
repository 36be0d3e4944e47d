"""The result of a local test, for JSON and PDF: no pixels, no patients; files by their names."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from pneumo.evaluation.bands import count_bands
from pneumo.evaluation.metrics import confusion_matrix
from pneumo.evaluation.mistakes import Mistake, most_confident_mistakes
from pneumo.evaluation.operating_point import zone
from pneumo.evaluation.predictions import Predictions
from pneumo.evaluation.summary import summarise
from pneumo.labels import Verdict
from pneumo.registry.models import ModelCard
from pneumo.site.answers import CaseAnswer, answered_of, labels_of, patients_of, predictions_of, ratios_of
from pneumo.site.cases import digest_of
from pneumo.site.frame import FrameStatistics, frame_statistics
from pneumo.site.groups import GateRate, SiteGroup, Unanswered, by_group, rates_by_class, unanswered
from pneumo.site.plan import Plan
from pneumo.site.verdict import Figure, Outcome, check_requirements, judge_test, site_figures
from pneumo.versions import git_commit

NOTE = "Nothing was trained or changed by this test, and nothing of a picture is kept."


@dataclass(frozen=True)
class SiteResult:
    """`summary` is of answered cases at their own prevalence; None if a class is missing."""

    outcome: str  # passed, failed or too few to say
    why: str
    plan: Plan
    plan_sha256: str
    looks: tuple[str, ...]  # earlier tests of the same cases under other plans, and the reason for this one
    model: str
    model_sha256: str
    card_sha256: str
    cases_sha256: str
    made: str
    commit: str
    images: int
    sick_children: int  # with an answer; `healthy_children` too
    healthy_children: int
    outcomes: tuple[Outcome, ...]
    figures: dict[str, Figure]
    matrix: list[list[int]]  # [[TN, FP], [FN, TP]] at the plan's operating point
    verdicts: dict[str, dict[str, int]]  # true class -> verdict -> images
    summary: dict[str, Any] | None
    bands: list[dict[str, Any]]  # score bands of the model's own test; empty if it has none
    gate: tuple[GateRate, ...]
    unanswered: tuple[Unanswered, ...]
    groups: tuple[SiteGroup, ...]
    frame: FrameStatistics
    missed: tuple[Mistake, ...]  # surest first
    alarms: tuple[Mistake, ...]

    def as_json(self) -> dict[str, Any]:
        return {"said": NOTE, **asdict(self)}


def make_result(
    plan: Plan, answers: Sequence[CaseAnswer], card: ModelCard, bands: Sequence[dict[str, Any]], looks: tuple[str, ...]
) -> SiteResult:
    """`bands`: of the model's own test, for their edges; may be empty."""
    known, point = answered_of(answers), plan.operating_point
    labels, ratios, patients = labels_of(known), ratios_of(known, card), patients_of(known)
    figures = site_figures(answers, card, point)
    outcomes = check_requirements(plan, figures)
    sick, healthy = (len(set(patients[labels == label])) for label in (1, 0))
    outcome, why = judge_test(plan, outcomes, sick, healthy)
    predictions = probabilities_of(known, card)
    points = card.points_at(float(labels.mean())) if predictions else {}
    missed, alarms = most_confident_mistakes(predictions, points[point]) if predictions else ((), ())
    edges = _edges(bands)
    return SiteResult(
        outcome,
        why,
        plan,
        plan.sha256,
        looks,
        card.id,
        card.sha256,
        plan.card_sha256,
        digest_of(each.case for each in answers),
        datetime.now(UTC).isoformat(timespec="seconds"),
        git_commit(),
        len(answers),
        sick,
        healthy,
        outcomes,
        figures,
        confusion_matrix(labels, ratios, card.cuts[point]).tolist(),
        _verdicts(labels, ratios, card),
        summarise(predictions, points) if predictions else None,
        count_bands(edges, ratios, labels, patients.tolist()) if edges and len(known) else [],
        rates_by_class(answers),
        unanswered(answers),
        by_group(answers, card, point),
        frame_statistics([each.measures for each in known if each.measures], [each.case.label for each in known], card.data),
        missed,
        alarms,
    )


def probabilities_of(known: Sequence[CaseAnswer], card: ModelCard) -> Predictions | None:
    """Predictions of answered cases at their own prevalence; None if a class is missing."""
    labels = labels_of(known)
    return predictions_of(known, card, float(labels.mean())) if len(set(labels.tolist())) == 2 else None


def _verdicts(labels: np.ndarray, ratios: np.ndarray, card: ModelCard) -> dict[str, dict[str, int]]:
    verdicts = np.array([zone(ratio, card.cuts).verdict for ratio in ratios], str)
    return {
        name: {each: int(np.sum(verdicts[labels == label] == each)) for each in Verdict} for label, name in enumerate(card.classes)
    }


def _edges(bands: Sequence[dict[str, Any]]) -> list[float]:
    """Edges of the model's bands, rising; the outer ones are infinite."""
    if not bands:
        return []
    lowest = -np.inf if bands[0]["low"] is None else bands[0]["low"]
    return [lowest, *(np.inf if band["high"] is None else band["high"] for band in bands)]
