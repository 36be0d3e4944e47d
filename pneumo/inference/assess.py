"""A registered model over one split -> predictions, metrics, and for test a row in the ledger."""

import logging
from pathlib import Path
from typing import Any

from pneumo.data.records import Record, folder_of, scan
from pneumo.data.split import read_manifest
from pneumo.errors import DataError
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.predictions import Predictions, make_predictions, write_predictions
from pneumo.evaluation.summary import summarise
from pneumo.files import write_json
from pneumo.inference.finding import read
from pneumo.inference.predictor import Predictor
from pneumo.registry import METRICS, models_dir, read_metrics
from pneumo.seal import reseal
from pneumo.versions import git_commit

log = logging.getLogger(__name__)


def assess(
    predictor: Predictor,
    data: Path,
    split: str,
    why: str,
    output: Path | None = None,
    root: Path | None = None,
    ledger: Path | None = None,
) -> dict[str, Any]:
    """Run `split` (test, validation, calibration, or a folder below `data`) through the serving path and store what came out.

    Writes predictions-<split>.csv and metrics.json into `output` (default: the model's own folder). Test adds a row to
    `ledger` (default: ledger.csv of the registry).
    """
    root = root or models_dir()
    folder = output or root / predictor.card.id
    folder.mkdir(parents=True, exist_ok=True)
    predictions = predict_records(predictor, data, records_of(data, split, root / predictor.card.id / "split.csv"))
    summary = summarise(predictions, predictor.card.operating_points)
    name = split.replace("/", "-")
    write_predictions(folder / f"predictions-{name}.csv", predictions)
    stored = read_metrics(predictor.card.id, root) if output is None else {}
    write_json(folder / METRICS, {**stored, name: summary})
    reseal(folder, (f"predictions-{name}.csv", METRICS))
    if split == "test":
        add_row(ledger or root / "ledger.csv", git_commit(), predictor.card.id, summary, why)
    return summary


def records_of(data: Path, split: str, manifest: Path) -> list[Record]:
    """The images of a part of the model's own manifest, of the official test folder, or of any folder of the layout."""
    if split in ("validation", "calibration"):
        rows = [row for row in read_manifest(manifest) if row["part"] == split]
        return [Record(row["path"], row["label"], row["subtype"], row["patient"], "train") for row in rows]
    return scan(data, (split,))


def predict_records(predictor: Predictor, data: Path, records: list[Record]) -> Predictions:
    """One row a record. Raises DataError naming every image that got no answer: metrics over a part would mislead.

    The gate removes nothing here: the figures say what the network does on every image. What the gate does is measured by
    itself (see gate_measure.py).
    """
    answers, failed = [], []
    for path in [folder_of(data) / record.path for record in records]:
        try:
            finding = read(path.read_bytes(), predictor, gated=False)
        except OSError as error:
            failed.append(f"{path}: The file cannot be opened: {error.strerror or error}.")
            continue
        if finding.answer is None:
            failed.append(f"{path}: {'; '.join(finding.reasons)}")
            continue
        answers.append(finding.answer)
        if len(answers) % 200 == 0:
            log.info("%s: %d of %d", predictor.card.id, len(answers), len(records))
    if failed:
        raise DataError("These images got no answer; mend or remove them:\n" + "\n".join(failed))
    bacterial = [answer.bacterial for answer in answers if answer.bacterial is not None]
    return make_predictions(
        [r.path for r in records], [r.label for r in records], [r.subtype for r in records],
        [answer.logit for answer in answers], [answer.probability for answer in answers],
        bacterial if len(bacterial) == len(answers) else None,
    )  # fmt: skip
