"""The verdict of a local test (passed, failed, or too few to say), from each figure's interval and its least value.

A figure passes if its whole 95 % interval lies at or above the least value, and fails if all of it lies below. The test passes only
if every figure does, so no correction for multiple testing is needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.compare import auc_interval
from pneumo.evaluation.metrics import roc_auc
from pneumo.evaluation.operating_point import RULE_IN, RULE_OUT
from pneumo.evaluation.wilson import clustered_wilson
from pneumo.labels import Status
from pneumo.registry.models import ModelCard
from pneumo.site.answers import CaseAnswer, answered_of, labels_of, patients_of, ratios_of
from pneumo.site.plan import ANSWERED, AUC, NOT_ALARMED, NOT_MISSED, SENSITIVITY, SPECIFICITY, Plan

PASSED, FAILED, TOO_FEW = "passed", "failed", "too few to say"
Figure = dict[str, float | None]  # {value, low, high}
UNDEFINED: Figure = {"value": None, "low": None, "high": None}


@dataclass(frozen=True)
class Outcome:
    """One requirement and the measured figure; None if undefined."""

    figure: str
    least: float
    value: float | None
    low: float | None
    high: float | None
    outcome: str


def site_figures(answers: Sequence[CaseAnswer], card: ModelCard, operating_point: str) -> dict[str, Figure]:
    """Every figure of `plan.MEANING`, with its 95 % interval over patients; None if undefined.

    All but `answered` are of answered cases.
    """
    known = answered_of(answers)
    sick, ratios, patients = labels_of(known) == 1, ratios_of(known, card), patients_of(known)
    status = np.array([answer.status == Status.OK for answer in answers], bool)

    def share(hits: np.ndarray, among: np.ndarray) -> Figure:
        return clustered_wilson(hits[among], patients[among]).figure

    return {
        AUC: auc_figure(sick, ratios, patients),
        SENSITIVITY: share(ratios >= card.cuts[operating_point], sick),
        SPECIFICITY: share(ratios < card.cuts[operating_point], ~sick),
        NOT_MISSED: share(ratios >= card.cuts[RULE_OUT], sick),
        NOT_ALARMED: share(ratios < card.cuts[RULE_IN], ~sick),
        ANSWERED: clustered_wilson(status, patients_of(answers)).figure,
    }


def auc_figure(sick: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> Figure:
    """UNDEFINED if a class is missing; without interval if a class has fewer than two patients."""
    if sick.all() or not sick.any():
        return UNDEFINED
    low, high = auc_interval(sick, scores, patients)
    known = not np.isnan(low)
    return {"value": roc_auc(sick, scores), "low": low if known else None, "high": high if known else None}


def check_requirements(plan: Plan, figures: Mapping[str, Figure]) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(each.figure, each.least, **figures[each.figure], outcome=_outcome(each.least, figures[each.figure]))
        for each in plan.requirements
    )


def judge_test(plan: Plan, outcomes: Sequence[Outcome], sick: int, healthy: int) -> tuple[str, str]:
    """(verdict, why) of the whole test; `sick` and `healthy`: number of children with an answer.

    A failure counts at any number of children. A pass needs the planned number: stopping early at a good moment is no test.
    """
    if failed := [each.figure for each in outcomes if each.outcome == FAILED]:
        return FAILED, f"Below its least value, with all of its interval: {', '.join(failed)}."
    if sick < plan.sick or healthy < plan.healthy:
        return TOO_FEW, (
            f"The plan asks for {plan.sick} sick and {plan.healthy} healthy children; {sick} and {healthy} have an answer. Add "
            "cases, and run the same plan again."
        )
    if unsure := [each.figure for each in outcomes if each.outcome == TOO_FEW]:
        return TOO_FEW, f"The interval holds the least value: {', '.join(unsure)}. Add cases under a new plan that asks for more."
    return PASSED, "Every figure lies at or above its least value with all of its interval."


def _outcome(least: float, figure: Figure) -> str:
    low, high = figure["low"], figure["high"]
    if low is None or high is None:
        return TOO_FEW
    if low >= least:
        return PASSED
    return FAILED if high < least else TOO_FEW
