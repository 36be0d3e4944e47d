"""How well features tell the classes apart: AUC in the train folder and in the test folder, with intervals by patient.

One linear model, its settings fixed beforehand: out of fold in train, patients held out whole; learned on all of train for test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumo.data.records import Record
from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.metrics import roc_auc
from pneumo.labels import Label

FOLDS = 5
STRENGTH = 0.01  # LogisticRegression's C: strong shrinkage, for neighbouring cells say nearly the same


@dataclass(frozen=True)
class Estimate:
    """An AUC with its 95 % interval (bootstrap over patients); NaN where undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Shortcut:
    """What one group of features tells about the class."""

    name: str
    meaning: str
    train: Estimate  # out of fold, patients disjoint
    test: Estimate  # of the model trained on the whole train folder
    note: str  # why a figure is NaN or what it leaves out; empty when nothing is amiss


@dataclass(frozen=True)
class Part:
    """The images of one folder: where they stand among all, their class and their patient; each of shape (n,)."""

    index: np.ndarray
    sick: np.ndarray
    patients: np.ndarray

    @classmethod
    def of(cls, records: Sequence[Record], index: np.ndarray) -> "Part":
        these = [records[i] for i in index]
        return cls(index, np.array([r.label == Label.PNEUMONIA for r in these], bool), np.array([r.patient for r in these], str))

    def fewest(self) -> int:
        """Patients of the class that has fewer."""
        return min(len(set(self.patients[self.sick == label])) for label in (False, True))

    def estimates(self, scores: list[np.ndarray], seed: int, resamples: int) -> list[Estimate]:
        """AUC and interval for each row of scores, all from the same resampled patients.

        Images whose score is NaN do not count for that row; a row of NaN alone gives NaN.
        """

        def aucs(chosen: np.ndarray) -> np.ndarray:
            known = [chosen[np.isfinite(row[chosen])] for row in scores]
            return np.array([roc_auc(self.sick[index], row[index]) for index, row in zip(known, scores, strict=True)])

        figures = aucs(np.arange(len(self.sick))), *patient_intervals(aucs, self.patients, seed, resamples)
        return [Estimate(*map(float, column)) for column in zip(*figures, strict=True)]


def linear_scores(
    features: np.ndarray, columns: Sequence[str], train: Part, test: Part, seed: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(out-of-fold scores in train, scores in test, notes); NaN scores where a model cannot be made, the note saying why.

    `features`, float (n, k), are of all images; `columns` names them where they are few.
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
    seen, unseen = features[train.index][:, varied], features[test.index][:, varied]
    out_of_fold = np.empty(len(seen))
    for known, held_out in _folds(seed).split(seen, train.sick, train.patients):
        out_of_fold[held_out] = _model().fit(seen[known], train.sick[known]).decision_function(seen[held_out])
    on_test = _model().fit(seen, train.sick).decision_function(unseen) if len(unseen) else undefined[1]
    return out_of_fold, on_test, notes


# sklearn is imported late: it takes a second to load, and a page that shows a stored audit has no need of it.
def _model() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=5000))


def _folds(seed: int) -> Any:
    from sklearn.model_selection import StratifiedGroupKFold

    return StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
