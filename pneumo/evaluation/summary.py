"""Predictions -> the JSON that metrics.json keeps for one split."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.metrics import Metrics, brier, confusion_matrix, expected_calibration_error, metrics
from pneumo.evaluation.operating_point import BALANCED
from pneumo.evaluation.predictions import Predictions


def summarise(predictions: Predictions, points: Mapping[str, float]) -> dict[str, Any]:
    """`n`, every figure at `balanced` as {value, low, high}, counts, calibration, and the figures of each operating point."""
    figures = {name: _figures(predictions, threshold) for name, threshold in points.items()}
    threshold = points[BALANCED]
    return {
        "n": len(predictions.files),
        "patients": len(set(predictions.patients)),
        **figures[BALANCED],
        "confusion_matrix": confusion_matrix(predictions.labels, predictions.probabilities, threshold).tolist(),
        "brier": brier(predictions.labels, predictions.probabilities),
        "ece": expected_calibration_error(predictions.labels, predictions.probabilities),
        "operating_point": {"name": BALANCED, "threshold": threshold},
        "operating_points": {name: {"threshold": points[name], **figures[name]} for name in points},
    }


def _figures(p: Predictions, threshold: float) -> dict[str, dict[str, float | None]]:
    def vector(index: np.ndarray) -> np.ndarray:
        return np.array(dataclasses.astuple(metrics(p.labels[index], p.probabilities[index], threshold)))

    value = vector(np.arange(len(p.files)))
    low, high = patient_intervals(vector, p.patients)
    names = [field.name for field in dataclasses.fields(Metrics)]
    return {
        name: {"value": _number(v), "low": _number(a), "high": _number(b)}
        for name, v, a, b in zip(names, value, low, high, strict=True)
    }


def _number(value: float) -> float | None:
    """JSON knows no NaN: undefined is null."""
    return float(value) if np.isfinite(value) else None
