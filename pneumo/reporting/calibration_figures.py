"""Calibration of a split as table rows: intercept and slope, then expected calibration error and Brier score."""

from collections.abc import Mapping
from typing import Any

from pneumo.evaluation.likelihood import at_prevalence
from pneumo.evaluation.metrics import brier, expected_calibration_error, prevalence_weights
from pneumo.evaluation.predictions import Predictions
from pneumo.reporting.finding_words import share
from pneumo.reporting.numbers import interval, number


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
        rows = [
            ("intercept", interval(fit["intercept"], 2), "0 is right; below 0 the model says sick too often"),
            ("slope", interval(fit["slope"], 2), "1 is right; below 1 its answers are too extreme"),
        ]
    rows.append(
        (
            f"ECE where {share(own)} are sick",
            number(expected_calibration_error(labels, probabilities)),
            "mean distance of probability and outcome; the many sure answers hide what lies between",
        )
    )
    if prevalence is not None:
        moved = expected_calibration_error(
            labels, at_prevalence(probabilities, own, prevalence), weights=prevalence_weights(labels, prevalence)
        )
        rows.append((f"ECE where {share(prevalence)} are sick", number(moved), "the same at the share that you stated"))
    rows.append((f"Brier where {share(own)} are sick", number(brier(labels, probabilities)), "mean squared error; 0 is best"))
    return rows
