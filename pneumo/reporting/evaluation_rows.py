"""Table rows of an evaluation for pages and PDF: operating points, the verdicts' shares, and calibration."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pneumo.evaluation.likelihood import at_prevalence
from pneumo.evaluation.metrics import brier, expected_calibration_error, prevalence_weights
from pneumo.evaluation.operating_point import RATES, RULE_IN, RULE_OUT, zone
from pneumo.evaluation.predictions import Predictions
from pneumo.evaluation.wilson import clustered_wilson
from pneumo.labels import Zone
from pneumo.reporting.chart import grouped_points
from pneumo.reporting.finding_words import share
from pneumo.reporting.numbers import interval, number

CHOICE = (
    "The first interval is for these cuts on another test; the second, in square brackets, also for other cuts that another "
    "calibration part would have chosen (patients of both parts drawn anew, the cuts chosen again each time)."
)


def zone_rows(predictions: Predictions, points: Mapping[str, float]) -> list[tuple[str, str, str, str]]:
    """(verdict, share of the sick, share of the healthy, its likelihood ratio), by rising score; intervals over patients.

    Without INDETERMINATE if its zone is empty. `points` on the scale of the predictions, of both classes.
    """
    zones = [each for each in Zone if each != Zone.INDETERMINATE or points[RULE_OUT] != points[RULE_IN]]
    where = np.array([zone(value, points) for value in predictions.probabilities])
    patients, sick = np.array(predictions.patients), predictions.labels == 1
    rows: list[tuple[str, str, str, str]] = []
    for each in zones:
        of_sick, of_healthy = (clustered_wilson(where[group] == each, patients[group]) for group in (sick, ~sick))
        if of_healthy.value:
            ratio = f"{of_sick.value / of_healthy.value:.2f}"
        else:
            ratio = "no healthy child" if of_sick.value else "undefined"
        rows.append((each.verdict, interval(of_sick.figure), interval(of_healthy.figure), ratio))
    return rows


def point_rows(
    metrics: Mapping[str, Any], points: Mapping[str, float], stated: Mapping[str, float]
) -> list[tuple[str, str, str, str]]:
    """(operating point, threshold at the stated prevalence, sensitivity, specificity), by rising threshold.

    `points` at the split's own prevalence, `stated` at the user's. Points with the same threshold share a row.
    """
    rows: list[tuple[str, str, str, str]] = []
    for names, _ in grouped_points(points):
        name = names.split(", ")[0]
        if figures := metrics["operating_points"].get(name):
            chosen = figures.get("with_choice", {})
            sensitivity, specificity = (f"{interval(figures[rate])} {_again(chosen.get(rate))}" for rate in RATES)
            rows.append((names, f"{stated[name]:.3f}", sensitivity, specificity))
    return rows


def _again(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or None in figure.values():
        return "[not stored]"
    return f"[{figure['low']:.3f}-{figure['high']:.3f}]"


def calibration_rows(
    predictions: Predictions, metrics: Mapping[str, Any] | None, prevalence: float | None = None
) -> list[tuple[str, str, str]]:
    """(figure, value, how to read it). Predictions of both classes; `metrics` of the same split hold intercept and slope.

    Errors depend on the prevalence: they are given for the split's own and, if stated, recomputed for `prevalence`.
    """
    labels, probabilities = predictions.labels, predictions.probabilities
    own, fit = float(labels.mean()), (metrics or {}).get("calibration")
    rows = []
    if fit:
        rows.append(("intercept", interval(fit["intercept"], 2), "0 is right; below 0 the model says sick too often"))
        rows.append(("slope", interval(fit["slope"], 2), "1 is right; below 1 its answers are too extreme"))
    how = "mean distance of probability and outcome; the many sure answers hide what lies between"
    rows.append((f"ECE where {share(own)} are sick", number(expected_calibration_error(labels, probabilities)), how))
    if prevalence is not None:
        moved, weights = at_prevalence(probabilities, own, prevalence), prevalence_weights(labels, prevalence)
        error = number(expected_calibration_error(labels, moved, weights=weights))
        rows.append((f"ECE where {share(prevalence)} are sick", error, "the same at the share that you stated"))
    rows.append((f"Brier where {share(own)} are sick", number(brier(labels, probabilities)), "mean squared error; 0 is best"))
    return rows
