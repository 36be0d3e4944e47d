"""Evaluate a registered model on one split: predictions, metrics, and for test a row in the ledger."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.records import Record, folder_of, scan
from pneumo.data.split import SPLIT, read_manifest
from pneumo.errors import DataError, ImageError
from pneumo.evaluation.bands import band_edges, count_bands
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.likelihood import posterior, stated_prevalence
from pneumo.evaluation.predictions import Predictions, make_predictions, read_predictions, write_predictions
from pneumo.evaluation.summary import summarise
from pneumo.imaging.decoding.decode import image_bytes
from pneumo.inference.finding import read
from pneumo.inference.predictor import Predictor
from pneumo.labels import LABELS, Label, Status
from pneumo.paths import models_dir
from pneumo.registry.model_folder import CALIBRATION, METRICS, ModelFolder, predictions_file, store
from pneumo.registry.models import ModelCard
from pneumo.registry.seal import reseal
from pneumo.versions import git_commit

log = logging.getLogger(__name__)


def assess_split(
    predictor: Predictor,
    data: Path,
    split: str,
    why: str,
    output: Path | None = None,
    root: Path | None = None,
    ledger: Path | None = None,
) -> dict[str, Any]:
    """Run `split` (test, validation, calibration, or a folder below `data`) through the serving path and store the results.

    Writes predictions-<split>.csv and metrics.json into `output` (default: the model's own folder). Test adds a row to
    `ledger` (default: ledger.csv of the registry).
    """
    root = root or models_dir()
    own = root / predictor.card.id
    folder = output or own
    folder.mkdir(parents=True, exist_ok=True)
    predictions, unanswered = predict_records(predictor, data, records_of(data, split, own / SPLIT))
    metrics = summary_of(predictor.card, predictions, root)
    summary = {**metrics, "unanswered": {label: unanswered.count(label) for label in LABELS}}
    name = split.replace("/", "-")
    write_predictions(folder / predictions_file(name), predictions)
    reseal(folder, (predictions_file(name),))
    stored = ModelFolder(predictor.card.id, root).metrics() if output is None and (own / METRICS).is_file() else {}
    store(folder, METRICS, {**stored, name: summary})
    if split == "test":
        add_row(ledger or root / "ledger.csv", git_commit(), predictor.card.id, summary, why)
    return summary


def summary_of(card: ModelCard, predictions: Predictions, root: Path) -> dict[str, Any]:
    """The entry of metrics.json, with score bands fixed on the calibration part; without where an older model lacks that part."""
    calibration_part = root / card.id / predictions_file(CALIBRATION)
    held_out = read_predictions(calibration_part) if calibration_part.is_file() else None
    summary = summarise(predictions, card.points_at(own_prevalence(predictions.labels)), held_out)
    if held_out is None:
        return summary
    ratio = card.calibration.log_ratio
    edges = band_edges(ratio(held_out.logits), held_out.patients, card.cuts)
    return {**summary, "bands": count_bands(edges, ratio(predictions.logits), predictions.labels, predictions.patients)}


def records_of(data: Path, split: str, manifest: Path, sample: int | None = None) -> list[Record]:
    """The records of a part of the model's split, or of a folder such as test. `sample`: at most so many, by a fixed seed."""
    if split in ("validation", "calibration"):
        rows = [row for row in read_manifest(manifest) if row["part"] == split]
        records = [Record(row["path"], row["label"], row["subtype"], row["patient"], "train") for row in rows]
    else:
        records = scan(data, (split,))
    if sample is None or sample >= len(records):
        return records
    return [records[i] for i in sorted(np.random.default_rng(0).choice(len(records), sample, replace=False))]


def own_prevalence(labels: np.ndarray) -> float:
    """The prevalence among labels 0 or 1; the stated one where a class is missing."""
    share = float(np.mean(labels))
    return share if 0 < share < 1 else stated_prevalence()


def predict_records(predictor: Predictor, data: Path, records: list[Record]) -> tuple[Predictions, list[str]]:
    """(predictions at the split's own prevalence, labels of unanswered records).

    A lung-centred model does not answer images without plausible lungs; the gate is off here and measured separately (see
    gate_measure.py). Raises DataError naming every unreadable image, as metrics over a part would mislead.
    """
    answers, answered, unanswered, failed = [], [], [], []
    for record in records:
        path = folder_of(data) / record.path
        try:
            finding = read(image_bytes(path), predictor, gated=False)
        except ImageError as error:
            failed.append(f"{path}: {error}")
            continue
        if finding.answer:
            answers.append(finding.answer)
            answered.append(record)
            if len(answers) % 200 == 0:
                log.info("%s: %d of %d", predictor.card.id, len(answers), len(records))
        elif finding.status == Status.REJECTED:
            log.info("%s: %s: no answer. %s", predictor.card.id, record.path, " ".join(finding.reasons))
            unanswered.append(record.label)
        else:
            failed.append(f"{path}: {'; '.join(finding.reasons)}")
    if failed:
        raise DataError("These images cannot be read; mend or remove them:\n" + "\n".join(failed))
    if not answers:
        raise DataError("No image got an answer, so there is nothing to measure. Expected chest X-rays whose lungs can be found.")
    card, logits = predictor.card, np.array([answer.logit for answer in answers])
    prevalence = own_prevalence(np.array([record.label == Label.PNEUMONIA for record in answered]))
    bacterial = [answer.bacterial for answer in answers if answer.bacterial is not None]
    predictions = make_predictions(
        [r.path for r in answered],
        [r.label for r in answered],
        [r.subtype for r in answered],
        logits.tolist(),
        posterior(card.calibration.log_ratio(logits), prevalence).tolist(),
        bacterial if len(bacterial) == len(answers) else None,
    )
    return predictions, unanswered
