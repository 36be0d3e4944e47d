"""Predictions -> the JSON that metrics.json keeps for one split."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import logit

from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.metrics import Metrics, brier, confusion_matrix, expected_calibration_error, metrics
from pneumo.evaluation.operating_point import BALANCED
from pneumo.evaluation.predictions import Predictions
from pneumo.evaluation.recalibration import recalibration

SUBTYPE_CUT = 0.5  # of the calibrated probability of bacterial
_ALMOST = 1e-9  # log odds of a rounded 0 or 1 stay finite


def summarise(predictions: Predictions, points: Mapping[str, float]) -> dict[str, Any]:
    """`points` are probabilities on the scale of the predictions, which is that of the split's own prevalence.

    `n`, every figure at `balanced` as {value, low, high}, counts, calibration, and the figures of each operating point.

    Where the model tells bacterial from viral and the split holds such cases, also `subtype` (see `subtype_figures`).
    """
    labels, probabilities, patients = predictions.labels, predictions.probabilities, predictions.patients
    figures = {name: _figures(labels, probabilities, patients, cut) for name, cut in points.items()}
    threshold = points[BALANCED]
    return {
        "n": len(predictions.files),
        "patients": len(set(patients)),
        **figures[BALANCED],
        "confusion_matrix": confusion_matrix(labels, probabilities, threshold).tolist(),
        "prevalence": float(labels.mean()),  # what the probabilities, `brier` and `ece` are computed at
        "brier": brier(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
        "calibration": _calibration(labels, probabilities, patients),
        "operating_point": {"name": BALANCED, "threshold": threshold},
        "operating_points": {name: {"threshold": points[name], **figures[name]} for name in points},
        **subtype_figures(predictions),
    }


def _calibration(labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """{intercept, slope}, each {value, low, high} (see recalibration.py)."""
    log_odds = logit(np.clip(probabilities, _ALMOST, 1 - _ALMOST))

    def vector(index: np.ndarray) -> np.ndarray:
        return np.array(recalibration(labels[index], log_odds[index]))

    value = vector(np.arange(len(labels)))
    low, high = patient_intervals(vector, patients)
    names = ("intercept", "slope")
    return {name: _figure(*each) for name, *each in zip(names, value, low, high, strict=True)}


def subtype_figures(p: Predictions) -> dict[str, Any]:
    """{"subtype": {n, auc, accuracy, sensitivity, specificity}} over the true pneumonia cases of known kind, at 0.5.

    Bacterial is the positive class: sensitivity is the share of bacterial cases found, specificity that of viral ones.
    Empty where the model does not tell them apart, or there is no such case.
    """
    index = np.flatnonzero(p.of_known_kind)
    if p.bacterial is None or not len(index):
        return {}
    bacterial = np.array([p.subtypes[i] == "bacterial" for i in index], np.int64)
    found = _figures(bacterial, p.bacterial[index], [p.patients[i] for i in index], SUBTYPE_CUT)
    return {"subtype": {"n": len(index), **{name: found[name] for name in ("auc", "accuracy", "sensitivity", "specificity")}}}


def _figures(
    labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str], threshold: float
) -> dict[str, dict[str, float | None]]:
    def vector(index: np.ndarray) -> np.ndarray:
        return np.array(dataclasses.astuple(metrics(labels[index], probabilities[index], threshold)))

    value = vector(np.arange(len(labels)))
    low, high = patient_intervals(vector, patients)
    names = [field.name for field in dataclasses.fields(Metrics)]
    return {name: _figure(*each) for name, *each in zip(names, value, low, high, strict=True)}


def _figure(value: float, low: float, high: float) -> dict[str, float | None]:
    return {"value": _number(value), "low": _number(low), "high": _number(high)}


def _number(value: float) -> float | None:
    """JSON knows no NaN: undefined is null."""
    return float(value) if np.isfinite(value) else None
