"""Train on four acquisition styles, judge on the other four: the shift that a random validation part hides.

    PYTHONPATH=. python bench/held_out_styles.py DATA OUTPUT cnn --half 0 [--manifest CSV] [any setting of `train` as --name value]

Prints one JSON object: AUC on the trained and on the held-out styles, and for each way of calibrating (see docs/experiments.md)
[threshold, sensitivity, specificity] of every operating point, expected calibration error and log loss on the held-out styles.
"""

import argparse
import csv
import json
import logging
from pathlib import Path

import keras
import numpy as np
from scipy.special import logit

from pneumo.cli import setting_pairs
from pneumo.data.cache import cached_images
from pneumo.data.split import COLUMNS, read_manifest
from pneumo.data.style import styles
from pneumo.evaluation.calibration import fit_calibration, log_loss
from pneumo.evaluation.metrics import expected_calibration_error, roc_auc
from pneumo.evaluation.operating_point import choose_operating_points
from pneumo.imaging.hard import hard_copies
from pneumo.imaging.preprocess import model_input
from pneumo.training.config import TrainConfig, make_config
from pneumo.training.fit import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path, help="the run folder; one that is finished is only judged again")
    parser.add_argument("architecture")
    parser.add_argument("--half", type=int, choices=(0, 1), required=True, help="which styles are trained on")
    parser.add_argument("--manifest", type=Path, default=Path("models/resnet50/split.csv"), help="the split to start from")
    options, extra = parser.parse_known_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = make_config(options.architecture, setting_pairs(extra))
    pool = [row for row in read_manifest(options.manifest) if row["part"] in ("train", "validation", "calibration")]
    images = cached_images(options.data, [row["path"] for row in pool])
    labels = np.array([row["label"] == "PNEUMONIA" for row in pool], np.int64)
    parts, style = np.array([row["part"] for row in pool]), styles(images)
    inside = np.isin(style, _half(style, labels, options.half))
    options.output.mkdir(parents=True, exist_ok=True)
    if not (options.output / "config.json").exists():
        with open(options.output / "split.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(row if kept else {**row, "part": "excluded"} for row, kept in zip(pool, inside, strict=True))
    best = train(config, options.data, options.output, resume=(options.output / "config.json").exists())
    net = keras.models.load_model(best)
    known = {row["patient"] for row, kept in zip(pool, inside, strict=True) if kept and row["part"] == "train"}
    outside = ~inside & np.array([row["patient"] not in known for row in pool])
    calibration = inside & (parts == "calibration")
    found = _judge(net, config, images, labels, np.flatnonzero(calibration), np.flatnonzero(outside))
    print(json.dumps({"half": options.half, **found}))


def _half(style: np.ndarray, labels: np.ndarray, half: int) -> np.ndarray:
    """Four of eight styles, interleaved by their share of PNEUMONIA so that both halves hold lean and rich ones."""
    order = np.argsort([labels[style == group].mean() for group in range(8)])
    return order[[[0, 3, 4, 7], [1, 2, 5, 6]][half]]


def _judge(net: keras.Model, config: TrainConfig, images, labels: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> dict:
    y_in, y_out, clean = labels[inside], labels[outside], images[inside]
    logits = {"clean": _logits(net, config, clean), **{f"hard{s}": _logits(net, config, hard_copies(clean, s)) for s in (0, 5)}}
    ways = {"clean": ["clean"], "mix": ["clean", "hard0"], "hard": ["hard0", "hard5"]}
    new = _logits(net, config, images[outside])
    found = {"images": len(outside), "healthy": int((y_out == 0).sum()), "auc_trained": roc_auc(y_in, logits["clean"]),
             "auc_held_out": roc_auc(y_out, new)}  # fmt: skip
    for way, names in ways.items():
        y, x = np.tile(y_in, len(names)), np.concatenate([logits[name] for name in names])
        calibration = fit_calibration(y, x)
        probability = calibration.probability(new)
        found[way] = {
            name: [
                round(value, 4) for value in (cut, (probability[y_out == 1] >= cut).mean(), (probability[y_out == 0] < cut).mean())
            ]
            for name, cut in choose_operating_points(y, calibration.probability(x)).items()
        }
        found[way]["ece"] = expected_calibration_error(y_out, probability)
        found[way]["log_loss"] = log_loss(y_out, new / calibration.temperature + calibration.bias)
    return found


def _logits(net: keras.Model, config: TrainConfig, images: np.ndarray) -> np.ndarray:
    probabilities = []
    for at in range(0, len(images), 64):
        out = net(np.stack([model_input(image, config.spec) for image in images[at : at + 64]]), training=False)
        probabilities.append(np.asarray(out[0] if isinstance(out, list) else out, np.float64)[:, 0])
    return logit(np.clip(np.concatenate(probabilities), 1e-7, 1 - 1e-7))


if __name__ == "__main__":
    main()
