"""Predictions -> the JSON that metrics.json keeps for one split."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.metrics import Metrics, brier, confusion_matrix, expected_calibration_error, metrics
from pneumo.evaluation.operating_point import BALANCED
from pneumo.evaluation.predictions import Predictions

SUBTYPE_CUT = 0.5  # of the calibrated probability of bacterial


def summarise(predictions: Predictions, points: Mapping[str, float]) -> dict[str, Any]:
    """`n`, every figure at `balanced` as {value, low, high}, counts, calibration, and the figures of each operating point.

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
        "brier": brier(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
        "operating_point": {"name": BALANCED, "threshold": threshold},
        "operating_points": {name: {"threshold": points[name], **figures[name]} for name in points},
        **subtype_figures(predictions),
    }


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
    return {
        name: {"value": _number(v), "low": _number(a), "high": _number(b)}
        for name, v, a, b in zip(names, value, low, high, strict=True)
    }


def _number(value: float) -> float | None:
    """JSON knows no NaN: undefined is null."""
    return float(value) if np.isfinite(value) else None
