"""The shortcut test: how well the class can be told from what has nothing to do with the lungs.

One linear model a group of features, its settings fixed beforehand. An AUC of 0.5 is what a group without a hint gives.
Whatever a group without lungs reaches, a network can reach without having seen a lung.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumo.data.file_facts import CELLS, Survey
from pneumo.evaluation.intervals import RESAMPLES, patient_intervals
from pneumo.evaluation.metrics import roc_auc

FOLDS = 5
STRENGTH = 0.01  # LogisticRegression's C: strong shrinkage, for neighbouring cells say nearly the same
RIM = 5  # cells
HIDDEN = 0.6  # share of width and of height

_CENTRES = np.abs((np.arange(CELLS) + 0.5) / CELLS - 0.5)  # distance of a cell's middle from the image's
_RIM_MASK = np.pad(np.zeros((CELLS - 2 * RIM,) * 2, bool), RIM, constant_values=True)
_OUTSIDE = np.maximum.outer(_CENTRES, _CENTRES) > HIDDEN / 2  # cells whose middle lies outside the box: all but 16 x 16


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
class Group:
    """One set of features: `columns` names them where they are few; `features` gives float (n, k)."""

    name: str
    meaning: str
    features: Callable[[Survey], np.ndarray]
    columns: tuple[str, ...] = ()


def _facts(*names: str) -> Callable[[Survey], np.ndarray]:
    return lambda survey: np.array([[getattr(fact, name) for name in names] for fact in survey.facts], float)


def _cells(mask: np.ndarray) -> Callable[[Survey], np.ndarray]:
    return lambda survey: survey.cells[:, mask].astype(float)


GROUPS = (
    Group("image size", "width, height, aspect", _facts("width", "height", "aspect"), ("width", "height", "aspect")),
    Group("file facts", "width, height, aspect and bytes of the file", _facts("width", "height", "aspect", "size_bytes"),
          ("width", "height", "aspect", "bytes")),
    Group("brightness and sharpness", "two numbers an image: mean grey, mean vertical step", _facts("brightness", "sharpness"),
          ("brightness", "sharpness")),
    Group("border only", "the outer 5 of 28 cells on each side", _cells(_RIM_MASK)),
    Group("centre hidden", "all but the central 60 % x 60 %", _cells(_OUTSIDE)),
    Group("border hidden", "all but the outer 5 of 28 cells on each side", _cells(~_RIM_MASK)),
    Group("whole image", "28 x 28 cells; the reference", _cells(np.ones((CELLS, CELLS), bool))),
)  # fmt: skip


def shortcuts(survey: Survey, seed: int = 0, resamples: int = RESAMPLES) -> tuple[Shortcut, ...]:
    """Every group of GROUPS on a survey: AUC in the train folder and in the test folder.

    The val folder is left out: in the public 224-pixel copies its 16 images have another size than all others.
    """
    split = np.array([record.split for record in survey.records])
    train, test = (_Part.of(survey, np.flatnonzero(split == name)) for name in ("train", "test"))
    rows = [_scores(group, survey, train, test, seed) for group in GROUPS]
    in_train = train.estimates([row[0] for row in rows], seed, resamples)
    in_test = test.estimates([row[1] for row in rows], seed, resamples)
    return tuple(
        Shortcut(group.name, group.meaning, a, b, "; ".join(row[2]))
        for group, a, b, row in zip(GROUPS, in_train, in_test, rows, strict=True)
    )


@dataclass(frozen=True)
class _Part:
    """The images of one folder: where they stand in the survey, their class and their patient; each of shape (n,)."""

    index: np.ndarray
    sick: np.ndarray
    patients: np.ndarray

    @classmethod
    def of(cls, survey: Survey, index: np.ndarray) -> "_Part":
        records = [survey.records[i] for i in index]
        return cls(index, np.array([r.label == "PNEUMONIA" for r in records], bool), np.array([r.patient for r in records], str))

    def fewest(self) -> int:
        """Patients of the class that has fewer."""
        return min(len(set(self.patients[self.sick == label])) for label in (False, True))

    def estimates(self, scores: list[np.ndarray], seed: int, resamples: int) -> list[Estimate]:
        """AUC and interval for each row of scores, all from the same resampled patients; NaN for a row of NaN."""

        def aucs(chosen: np.ndarray) -> np.ndarray:
            return np.array([roc_auc(self.sick[chosen], row[chosen]) for row in scores])

        figures = aucs(np.arange(len(self.sick))), *patient_intervals(aucs, self.patients, seed, resamples)
        return [Estimate(*map(float, column)) for column in zip(*figures, strict=True)]


def _scores(group: Group, survey: Survey, train: _Part, test: _Part, seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(out-of-fold scores in train, scores in test, notes); NaN scores where a model cannot be made, the note saying why."""
    undefined = np.full(len(train.sick), np.nan), np.full(len(test.sick), np.nan)
    if train.fewest() < FOLDS:
        return *undefined, [f"the train folder has {train.fewest()} patients of a class; at least {FOLDS} are needed"]
    features = group.features(survey)
    varied = np.ptp(features[train.index], axis=0) > 0
    same = ", ".join(name for name, varies in zip(group.columns, varied, strict=False) if not varies)
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
