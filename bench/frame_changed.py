"""Registered models on the held-out calibration part: unchanged, disturbed, padded and cropped.

python bench/frame_changed.py DATA MODEL... [--test]

The mean loss decided which network is shipped: unchanged images do not show how a network depends on the frame. Each model is
calibrated as in promotion, on unchanged and disturbed images. A row: class-balanced log loss, AUC, and sensitivity and specificity
at `balanced`, of images with an answer.

With --test: specificity of the shipped models on the healthy test children, with its 95 % interval by patient. It chooses nothing;
each model gets a row in the ledger.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.records import folder_of, scan
from pneumo.data.split import read_manifest
from pneumo.errors import LungsNotFound
from pneumo.evaluation.calibration import even_weights, fit_calibration, log_loss
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.metrics import roc_auc
from pneumo.evaluation.operating_point import BALANCED, choose_operating_points
from pneumo.evaluation.wilson import clustered_wilson
from pneumo.imaging.hospital_shift import shifted_copies
from pneumo.imaging.perturbations import crop, pad
from pneumo.inference.predictor import Predictor
from pneumo.labels import Label
from pneumo.paths import models_dir
from pneumo.reporting.numbers import interval
from pneumo.versions import git_commit

FRAMES = {
    "padded 12 %": partial(pad, share=0.12),
    "cropped 6 %": partial(crop, share=0.06),
    "cropped 12 %": partial(crop, share=0.12),
}


def logit_of(predictor: Predictor, image: np.ndarray) -> float:
    """NaN if the lungs are not found."""
    try:
        return float(predictor.run(predictor.input(image)[np.newaxis]).logits[0])
    except LungsNotFound:
        return float("nan")


def measure(model: str, predictor: Predictor, data: Path, rows: list[dict[str, str]]) -> None:
    """Print the rows of one model, on the calibration part of the split manifest `rows`."""
    chosen = [row for row in rows if row["part"] == "calibration"]
    labels = np.array([row["label"] == "PNEUMONIA" for row in chosen], int)
    images = cached_images(folder_of(data), [row["path"] for row in chosen])[np.arange(len(chosen))]
    shown = {"as they are": images, "disturbed": shifted_copies(images, 0)}
    shown |= {name: np.stack([change(image) for image in images]) for name, change in FRAMES.items()}
    logits = {name: np.array([logit_of(predictor, picture) for picture in pictures]) for name, pictures in shown.items()}
    fitted, twice = np.concatenate([logits["as they are"], logits["disturbed"]]), np.concatenate([labels, labels])
    known = np.isfinite(fitted)
    calibration = fit_calibration(twice[known], fitted[known], even_weights(twice[known]))
    cut = choose_operating_points(twice[known], calibration.log_ratio(fitted[known]))[BALANCED]
    losses = []
    for name, values in logits.items():
        answered = np.isfinite(values)
        truth, ratios = labels[answered], calibration.log_ratio(values[answered])
        sick = ratios >= cut
        losses.append(log_loss(truth, ratios, even_weights(truth)))
        print(
            f"| {model} | {name} | {losses[-1]:.3f} | {roc_auc(truth, ratios):.4f} | {sick[truth == 1].mean():.3f} | "
            f"{1 - sick[truth == 0].mean():.3f} | {np.sum(~answered)} |",
            flush=True,
        )
    print(f"| {model} | mean | {np.mean(losses):.3f} | | | | |", flush=True)


def measure_test(model: str, predictor: Predictor, data: Path) -> None:
    """Print a row for each frame of the healthy test children, and log the look."""
    healthy = [record for record in scan(data, ("test",)) if record.label == Label.NORMAL]
    patients = [record.patient for record in healthy]
    images = cached_images(folder_of(data), [record.path for record in healthy])[np.arange(len(healthy))]
    for name, change in {"as they are": np.asarray, **FRAMES}.items():
        logits = np.array([logit_of(predictor, change(image)) for image in images])
        answered = np.isfinite(logits)
        right = predictor.card.calibration.log_ratio(logits[answered]) < predictor.card.cuts[BALANCED]
        share = clustered_wilson(right, [patient for patient, known in zip(patients, answered, strict=True) if known])
        print(f"| {model} | {name} | {interval(share.figure)} | {np.sum(~answered)} |", flush=True)
        if name == "as they are":
            figures = {"auc": {"value": None}, "accuracy": {"value": None}, "sensitivity": {"value": None}}
            why = "frame padded and cropped, healthy children alone; chose nothing"
            add_row(models_dir() / "ledger.csv", git_commit(), model, {**figures, "specificity": share.figure}, why)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--test", action="store_true")
    options = parser.parse_args()
    if options.test:
        print("| model | pictures | specificity | no answer |\n|---|---|---:|---:|")
    else:
        print("| model | pictures | log loss | AUC | sensitivity | specificity | no answer |\n|---|---|---:|---:|---:|---:|---:|")
    for model in options.models:
        predictor = Predictor.load(model)
        if options.test:
            measure_test(model, predictor, options.data)
        else:
            measure(model, predictor, options.data, read_manifest(models_dir() / model / "split.csv"))


if __name__ == "__main__":
    main()
