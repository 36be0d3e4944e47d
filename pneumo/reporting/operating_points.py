"""Table rows of operating points with their intervals, and of the verdicts' shares, for pages and PDF."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumo.evaluation.chosen_cuts import RATES
from pneumo.evaluation.operating_point import RULE_IN, RULE_OUT, zone
from pneumo.evaluation.predictions import Predictions
from pneumo.evaluation.wilson import Share, clustered_wilson
from pneumo.labels import Verdict, Zone
from pneumo.reporting.chart import grouped_points
from pneumo.reporting.numbers import interval

NOT_REPEATED = "not stored"
CHOICE = (
    "The first interval is for these cuts on another test; the second, in square brackets, also for other cuts that another "
    "calibration part would have chosen (patients of both parts drawn anew, the cuts chosen again each time)."
)


@dataclass(frozen=True)
class VerdictShares:
    """Shares of a split's sick and healthy images that get one verdict; intervals over patients."""

    verdict: Verdict
    of_sick: Share
    of_healthy: Share

    @property
    def likelihood_ratio(self) -> float:
        """Infinite if no healthy child got the verdict, NaN if no child did."""
        if self.of_healthy.value:
            return self.of_sick.value / self.of_healthy.value
        return float("inf") if self.of_sick.value else float("nan")


def zones_of(predictions: Predictions, points: Mapping[str, float]) -> tuple[VerdictShares, ...]:
    """By rising score, without INDETERMINATE if its zone is empty. `points` on the scale of the predictions, of both classes."""
    kinds = list(Zone)
    if points[RULE_OUT] == points[RULE_IN]:
        kinds.remove(Zone.INDETERMINATE)
    where = np.array([zone(value, points) for value in predictions.probabilities])
    patients, sick = np.array(predictions.patients), predictions.labels == 1
    return tuple(
        VerdictShares(kind.verdict, *(clustered_wilson(where[group] == kind, patients[group]) for group in (sick, ~sick)))
        for kind in kinds
    )


def zone_rows(zones: tuple[VerdictShares, ...]) -> list[tuple[str, str, str, str]]:
    """(verdict, share of the sick, share of the healthy, likelihood ratio of the verdict)."""
    return [(each.verdict, interval(each.of_sick.figure), interval(each.of_healthy.figure), _ratio(each)) for each in zones]


def _ratio(shares: VerdictShares) -> str:
    ratio = shares.likelihood_ratio
    if ratio != ratio:
        return "undefined"
    return f"{ratio:.2f}" if np.isfinite(ratio) else "no healthy child"


def point_rows(
    metrics: Mapping[str, Any], points: Mapping[str, float], stated: Mapping[str, float]
) -> list[tuple[str, str, str, str]]:
    """(operating point, threshold at the stated prevalence, sensitivity, specificity), by rising threshold.

    `points` at the split's own prevalence, `stated` at the user's. Points with the same threshold share a row.
    """
    rows: list[tuple[str, str, str, str]] = []
    for names, _ in grouped_points(points):
        name = names.split(", ")[0]
        figures = metrics["operating_points"].get(name)
        if figures:
            chosen = figures.get("with_choice", {})
            sensitivity, specificity = (f"{interval(figures[rate])} {_again(chosen.get(rate))}" for rate in RATES)
            rows.append((names, f"{stated[name]:.3f}", sensitivity, specificity))
    return rows


def _again(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or None in figure.values():
        return f"[{NOT_REPEATED}]"
    return f"[{figure['low']:.3f}-{figure['high']:.3f}]"
