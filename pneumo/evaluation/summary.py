"""Predictions -> the entry of metrics.json for one split."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pneumo.evaluation.calibration import fit_calibration_curve, fit_recalibration, log_odds_of
from pneumo.evaluation.compare import auc_interval
from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.likelihood import PREVALENCE, at_prevalence
from pneumo.evaluation.metrics import brier, compute_metrics, confusion_matrix, expected_calibration_error, prevalence_weights
from pneumo.evaluation.operating_point import BALANCED, RATES, chosen_cut_intervals
from pneumo.evaluation.predictions import Predictions
from pneumo.evaluation.wilson import clustered_wilson
from pneumo.labels import Subtype

SUBTYPE_CUT = 0.5  # of the calibrated probability of bacterial
INTERVALS = "shares by Wilson's method and AUC by DeLong's, over patients; F1 and calibration by bootstrap over patients (BCa)"
_ANOTHER = 0.01  # tolerance: recomputed rates that differ by more belong to other cuts

Figure = dict[str, float | None]  # {value, low, high}


def summarise(predictions: Predictions, points: Mapping[str, float], calibration: Predictions | None = None) -> dict[str, Any]:
    """`points` are thresholds of the predicted probabilities, at the split's own prevalence.

    Returns `n`, every figure at `balanced` as {value, low, high}, counts, calibration, and the figures of each operating point.
    If the calibration part's predictions are given and lead to the same cuts, `with_choice` holds sensitivity and specificity
    with the choice of the cuts resampled (see `chosen_cut_intervals`). `subtype`: see `subtype_figures`.
    """
    labels, probabilities, patients = predictions.labels, predictions.probabilities, predictions.patients
    by_point = figures(labels, probabilities, patients, points)
    chosen = _with_choice(calibration, predictions, by_point) if calibration else {}
    threshold = points[BALANCED]
    return {
        "n": len(predictions.files),
        "patients": len(set(patients)),
        **by_point[BALANCED],
        "confusion_matrix": confusion_matrix(labels, probabilities, threshold).tolist(),
        "prevalence": float(labels.mean()),  # what the probabilities, `brier` and `ece` are computed at
        "brier": brier(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
        "calibration": _calibration(labels, probabilities, patients),
        **_curve(labels, probabilities, patients),
        **_moved_error(labels, probabilities),
        "intervals": INTERVALS,
        "operating_point": {"name": BALANCED, "threshold": threshold},
        "operating_points": {name: {"threshold": points[name], **by_point[name], **chosen.get(name, {})} for name in points},
        **subtype_figures(predictions),
    }


def figures(
    labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str] | np.ndarray, points: Mapping[str, float]
) -> dict[str, dict[str, Figure]]:
    """{operating point: {field of Metrics: {value, low, high}}}; undefined is None.

    Intervals over patients: Wilson for shares, as a bootstrap of a perfect share has no width; DeLong for AUC; BCa for F1.
    """
    names, of = np.asarray(patients), list(points)
    sick = np.asarray(labels) == 1

    def vector(index: np.ndarray) -> np.ndarray:
        return np.array([_f1(sick[index], probabilities[index] >= points[name]) for name in of])

    low, high = patient_intervals(vector, names)
    area, by_point = auc_interval(labels, probabilities, names), {}
    for number, name in enumerate(of):
        value, called = compute_metrics(labels, probabilities, points[name]), np.asarray(probabilities) >= points[name]
        shares = {
            "accuracy": clustered_wilson(called == sick, names),
            "sensitivity": clustered_wilson(called[sick], names[sick]),
            "specificity": clustered_wilson(~called[~sick], names[~sick]),
            "precision": clustered_wilson(sick[called], names[called]),
        }
        ends = {"auc": area, "f1": (low[number], high[number]), **{key: (share.low, share.high) for key, share in shares.items()}}
        ends["recall"] = ends["sensitivity"]
        by_point[name] = {key: figure(metric, *ends[key]) for key, metric in dataclasses.asdict(value).items()}
    return by_point


def figures_at(
    labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str] | np.ndarray, threshold: float
) -> dict[str, Figure]:
    """{auc, accuracy, sensitivity, specificity} at one threshold, as `figures` has them."""
    all_figures = figures(labels, probabilities, patients, {BALANCED: threshold})[BALANCED]
    return {name: all_figures[name] for name in ("auc", "accuracy", "sensitivity", "specificity")}


def _f1(sick: np.ndarray, called: np.ndarray) -> float:
    total = sick.sum() + called.sum()
    return float(2 * (sick & called).sum() / total) if total else float("nan")


def _with_choice(
    calibration: Predictions, predictions: Predictions, by_point: Mapping[str, Mapping[str, Figure]]
) -> dict[str, dict[str, Any]]:
    """{operating point: {"with_choice": {sensitivity, specificity}}} where the recomputed cut is the model's own."""
    chosen = {}
    for name, rates in chosen_cut_intervals(calibration, predictions).items():
        pairs = [(rates[rate][0], by_point[name][rate]["value"]) for rate in RATES] if name in by_point else []
        if pairs and all(own is not None and abs(repeated - own) <= _ANOTHER for repeated, own in pairs):
            chosen[name] = {"with_choice": {rate: figure(*rates[rate]) for rate in RATES}}
    return chosen


def _calibration(labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str]) -> dict[str, Figure]:
    """{intercept, slope}, each {value, low, high} (see calibration.py)."""
    log_odds = log_odds_of(probabilities)

    def vector(index: np.ndarray) -> np.ndarray:
        return np.array(fit_recalibration(labels[index], log_odds[index]))

    value = vector(np.arange(len(labels)))
    low, high = patient_intervals(vector, patients)
    return {name: figure(*each) for name, *each in zip(("intercept", "slope"), value, low, high, strict=True)}


def _curve(labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str]) -> dict[str, Any]:
    """{"calibration_curve": {given, observed, low, high}} as lists, at the split's own prevalence; empty without a curve."""
    curve = fit_calibration_curve(labels, probabilities, patients)
    if curve is None or not np.isfinite(curve.low).all():
        return {}
    columns = {"given": curve.predicted, "observed": curve.observed, "low": curve.low, "high": curve.high}
    return {"calibration_curve": {name: np.round(column, 5).tolist() for name, column in columns.items()}}


def _moved_error(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """{"ece_at": {prevalence, value}} at the default prevalence; empty without both classes."""
    own = float(np.mean(labels))
    if not 0 < own < 1:
        return {}
    moved = at_prevalence(probabilities, own, PREVALENCE)
    error = expected_calibration_error(labels, moved, weights=prevalence_weights(labels, PREVALENCE))
    return {"ece_at": {"prevalence": PREVALENCE, "value": error}}


def subtype_figures(p: Predictions) -> dict[str, Any]:
    """{"subtype": {n, auc, accuracy, sensitivity, specificity}} over the true pneumonia cases of known kind, at 0.5.

    Bacterial is the positive class: sensitivity is that of bacterial cases, specificity that of viral ones.
    Empty without a subtype output or without such cases.
    """
    index = np.flatnonzero(p.of_known_kind)
    if p.bacterial is None or not len(index):
        return {}
    bacterial = np.array([p.subtypes[i] == Subtype.BACTERIAL for i in index], np.int64)
    names = np.asarray(p.patients)[index]
    return {"subtype": {"n": len(index), **figures_at(bacterial, p.bacterial[index], names, SUBTYPE_CUT)}}


def figure(value: float, low: float, high: float) -> Figure:
    """{value, low, high} for JSON; NaN becomes None."""
    numbers = {"value": value, "low": low, "high": high}
    return {name: float(number) if np.isfinite(number) else None for name, number in numbers.items()}
