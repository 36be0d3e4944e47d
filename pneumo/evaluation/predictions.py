"""Stored predictions, one row per image; every published number is computed from them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumo.errors import DataError
from pneumo.labels import LABELS, Label, Subtype, identify

COLUMNS = ("file", "label", "subtype", "logit", "probability")
BACTERIAL = "bacterial"  # optional last column, of a model with a subtype output


@dataclass(frozen=True)
class Predictions:
    """Columns of equal length n. `labels` 1 is PNEUMONIA; `patients` names the cluster an image belongs to."""

    files: tuple[str, ...]
    labels: np.ndarray  # int64 (n,)
    subtypes: tuple[str, ...]
    logits: np.ndarray  # float64 (n,), before calibration
    probabilities: np.ndarray  # float64 (n,), calibrated
    bacterial: np.ndarray | None = None  # float64 (n,), calibrated, given pneumonia; None without a subtype output
    patient_ids: tuple[str, ...] | None = None  # None: derived from the file names, as in the public set

    @property
    def patients(self) -> tuple[str, ...]:
        return self.patient_ids or tuple(identify(Path(name).stem)[1] for name in self.files)

    @property
    def of_known_kind(self) -> np.ndarray:
        """bool (n,): the true pneumonia cases that are known to be bacterial or viral."""
        return np.asarray((self.labels == 1) & np.isin(self.subtypes, (Subtype.BACTERIAL, Subtype.VIRAL)))


def write_predictions(path: Path, p: Predictions) -> None:
    """CSV with the columns file, label, subtype, logit, probability, and bacterial if present; nine significant digits."""
    numbers = [p.logits, p.probabilities] if p.bacterial is None else [p.logits, p.probabilities, p.bacterial]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS if p.bacterial is None else (*COLUMNS, BACTERIAL))
        for name, label, subtype, *row in zip(p.files, p.labels, p.subtypes, *numbers, strict=True):
            writer.writerow([name, Label.PNEUMONIA if label else Label.NORMAL, subtype, *(f"{number:.9g}" for number in row)])


def read_predictions(path: Path) -> Predictions:
    """Raises DataError when the file is missing, has other columns, or a row that cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"The predictions {path} cannot be read. Make them with the evaluate command.") from error
    return parse_predictions(data, str(path))


def parse_predictions(data: bytes, name: str) -> Predictions:
    """From the content of the file `name`. Raises DataError for other columns, or a row that cannot be read."""
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"The predictions {name} cannot be read. Make them with the evaluate command.") from error
    columns = tuple(rows[0]) if rows else ()
    if columns not in (COLUMNS, (*COLUMNS, BACTERIAL)):
        raise DataError(f"{name} holds no predictions: expected the columns {', '.join(COLUMNS)}.")
    try:
        numbers = [[float(row[column]) for row in rows] for column in columns[3:]]
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is damaged: a logit or probability is no number. Make it anew with evaluate.") from error
    return make_predictions([r["file"] for r in rows], [r["label"] for r in rows], [r["subtype"] for r in rows], *numbers)


def make_predictions(
    files: Sequence[str],
    labels: Sequence[str],
    subtypes: Sequence[str],
    logits: Sequence[float],
    probabilities: Sequence[float],
    bacterial: Sequence[float] | None = None,
) -> Predictions:
    """Raises DataError for a label that is neither NORMAL nor PNEUMONIA."""
    if unknown := sorted(set(labels) - set(LABELS)):
        raise DataError(f"Expected the labels {' and '.join(LABELS)}, received {', '.join(map(repr, unknown))}.")
    return Predictions(
        tuple(files),
        np.array([label == Label.PNEUMONIA for label in labels], np.int64),
        tuple(subtypes),
        np.asarray(logits, float),
        np.asarray(probabilities, float),
        None if bacterial is None else np.asarray(bacterial, float),
    )
