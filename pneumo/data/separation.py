"""Class separation by features: AUC of a linear model in train and test, with intervals over patients.

Fixed settings; out of fold in train, grouped by patient; fitted on all of train for test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.data.records import Record
from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.metrics import roc_auc
from pneumo.labels import Label

FOLDS = 5
STRENGTH = 0.01  # LogisticRegression's C: strong shrinkage, as neighbouring cells correlate


@dataclass(frozen=True)
class Estimate:
    """An AUC with its 95 % interval (bootstrap over patients); NaN where undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Shortcut:
    """Class separation by one group of features."""

    name: str
    meaning: str
    train: Estimate  # out of fold, patients disjoint
    test: Estimate  # of the model fitted on the whole train folder
    note: str  # reason for NaN or exclusions; may be empty


@dataclass(frozen=True)
class Part:
    """The images of one folder: index among all records, class and patient, each (n,)."""

    index: np.ndarray
    sick: np.ndarray
    patients: np.ndarray

    @classmethod
    def of(cls, records: Sequence[Record], index: np.ndarray) -> "Part":
        chosen = [records[i] for i in index]
        return cls(index, np.array([r.label == Label.PNEUMONIA for r in chosen], bool), np.array([r.patient for r in chosen], str))

    def fewest(self) -> int:
        """The number of patients in the smaller class."""
        return min(len(set(self.patients[self.sick == label])) for label in (False, True))

    def estimates(self, scores: list[np.ndarray], resamples: int) -> list[Estimate]:
        """AUC and interval for each row of scores, all from the same resampled patients.

        NaN scores are ignored; a row of only NaN gives NaN.
        """

        def aucs(chosen: np.ndarray) -> np.ndarray:
            defined = [chosen[np.isfinite(row[chosen])] for row in scores]
            return np.array([roc_auc(self.sick[index], row[index]) for index, row in zip(defined, scores, strict=True)])

        figures = aucs(np.arange(len(self.sick))), *patient_intervals(aucs, self.patients, resamples=resamples)
        return [Estimate(*map(float, column)) for column in zip(*figures, strict=True)]


def linear_scores(
    features: np.ndarray, columns: Sequence[str], train: Part, test: Part
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(out-of-fold scores in train, scores in test, notes); NaN scores, and the reason as a note, if no model can be fitted.

    `features`, float (n, k), of all images; `columns`: their names, may be empty.
    """
    undefined = np.full(len(train.sick), np.nan), np.full(len(test.sick), np.nan)
    if train.fewest() < FOLDS:
        return *undefined, [f"the train folder has {train.fewest()} patients of a class; at least {FOLDS} are needed"]
    varied = np.ptp(features[train.index], axis=0) > 0
    same = ", ".join(name for name, varies in zip(columns, varied, strict=False) if not varies)
    if not varied.any():
        return *undefined, [f"all train images have the same {same or 'grey levels'}: nothing to tell them apart by"]
    notes = [f"without {same}: the same in all train images"] if same else []
    if not test.fewest():
        notes.append("the test folder does not hold both classes")
    # Imported late: it takes a second, and pages that show a stored audit do not need it.
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train_rows, test_rows = features[train.index][:, varied], features[test.index][:, varied]
    out_of_fold = np.empty(len(train_rows))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=5000))
    for fitted, held_out in folds.split(train_rows, train.sick, train.patients):
        out_of_fold[held_out] = model.fit(train_rows[fitted], train.sick[fitted]).decision_function(train_rows[held_out])
    on_test = model.fit(train_rows, train.sick).decision_function(test_rows) if len(test_rows) else undefined[1]
    return out_of_fold, on_test, notes
