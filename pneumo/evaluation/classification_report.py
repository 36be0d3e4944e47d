"""Confusion matrices, of two and of three classes, and classification report at any threshold."""

from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.metrics import confusion_matrix, ratio
from pneumo.evaluation.predictions import Predictions
from pneumo.evaluation.wilson import Share, wilson_interval
from pneumo.labels import LABELS, Label, Subtype

THREE_CLASSES = (Label.NORMAL, Subtype.BACTERIAL, Subtype.VIRAL)


@dataclass(frozen=True)
class ReportRow:
    """One class, or a mean of both. `precision`, `recall` and `f1` lie in [0, 1]; NaN over zero cases."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int  # images


@dataclass(frozen=True)
class ClassificationReport:
    """At one threshold. The shares carry Wilson intervals."""

    threshold: float
    matrix: np.ndarray  # int (2, 2), counts [[TN, FP], [FN, TP]]
    classes: tuple[ReportRow, ReportRow]  # NORMAL, PNEUMONIA
    macro: ReportRow  # plain mean of the classes; NaN where one of them is
    weighted: ReportRow  # weighted by support; a class without an image has no say
    accuracy: Share
    sensitivity: Share
    specificity: Share

    @property
    def rates(self) -> np.ndarray:
        """float (2, 2): the matrix with each row, a true class, as shares of 1; NaN for a class without an image."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.matrix / self.matrix.sum(axis=1, keepdims=True))


def make_classification_report(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> ClassificationReport:
    """PNEUMONIA is called at or above `threshold`. The figures are those of scikit-learn's report, undefined ones NaN."""
    matrix = confusion_matrix(labels, probabilities, threshold)
    (tn, fp), (fn, tp) = matrix.tolist()
    rows = (_row(LABELS[0], tn, fn, fp), _row(LABELS[1], tp, fp, fn))
    means = _mean("macro mean", rows, [1, 1]), _mean("weighted mean", rows, [row.support for row in rows])
    accuracy = wilson_interval(tn + tp, tn + fp + fn + tp)
    return ClassificationReport(
        threshold, matrix, rows, *means, accuracy, wilson_interval(tp, tp + fn), wilson_interval(tn, tn + fp)
    )


def three_class_matrix(p: Predictions, threshold: float, cut: float = 0.5) -> np.ndarray | None:
    """int64 (3, 3): rows the truth, columns the call, in the order of THREE_CLASSES; cases of unknown kind are left out.

    NORMAL below `threshold`, else bacterial where its calibrated probability reaches `cut`, else viral. None without kinds.
    """
    if p.bacterial is None:
        return None
    kinds = np.array(p.subtypes)
    truth = np.select([p.labels == 0, kinds == Subtype.BACTERIAL, kinds == Subtype.VIRAL], [0, 1, 2], default=-1)
    call = np.where(p.probabilities < threshold, 0, np.where(p.bacterial >= cut, 1, 2))
    return np.bincount(3 * truth[truth >= 0] + call[truth >= 0], minlength=9).reshape(3, 3)


def _row(name: str, right: int, taken_for_it: int, missed: int) -> ReportRow:
    precision, recall = ratio(right, right + taken_for_it), ratio(right, right + missed)
    return ReportRow(name, precision, recall, ratio(2 * right, 2 * right + taken_for_it + missed), right + missed)


def _mean(name: str, rows: tuple[ReportRow, ReportRow], weights: list[int]) -> ReportRow:
    counted = [(row, weight) for row, weight in zip(rows, weights, strict=True) if weight]
    total = sum(weight for _, weight in counted)

    def mean(figure: str) -> float:
        return sum(getattr(row, figure) * weight for row, weight in counted) / total if total else float("nan")

    return ReportRow(name, mean("precision"), mean("recall"), mean("f1"), sum(row.support for row in rows))
