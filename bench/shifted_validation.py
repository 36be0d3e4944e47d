"""Which training recipe still works if the frame differs? Small networks, tested on children with a different frame.

    python bench/shifted_validation.py DATA --recipe "cnn --crop 0.3" [--recipe ...] [--epochs 5] [--size 64]

All parts are made from the train part; a network is trained for each design. `tall` holds out the fifth of each class with the
tallest lungs. `border` holds out the fifth of the healthy whose border looks most like a sick child's to a linear model fitted to
other children, and a random fifth of the sick. `random` is the validation part of the split. One JSON line per recipe and design:
AUC, and sensitivity and specificity at the cut that balances both on the random part. A recipe is the arguments of `train`.
"""

import argparse
import dataclasses
import json
import shlex
import tempfile
from pathlib import Path

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pneumo.cli.train import setting_pairs
from pneumo.data.split import read_manifest
from pneumo.evaluation.metrics import compute_metrics
from pneumo.evaluation.operating_point import BALANCED, choose_operating_points
from pneumo.inference.lung_fields import LungFinder
from pneumo.training.config import TrainConfig, make_config
from pneumo.training.dataset import Part, epoch_order, read_parts, with_lungs
from pneumo.training.feed import Draws, Feed
from pneumo.training.model_builder import build_network, build_trainer, compile_stage

SHARE = 0.2  # of each class that is held out
CELLS, RING = 28, 5  # the border: the outer 5 of 28 cells on each side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", action="append", required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        first, patients = make_config("cnn", {}), {}
        train, validation = read_parts(first, options.data, Path(scratch))
        patients = np.array([row["patient"] for row in read_manifest(Path(scratch) / "split.csv") if row["part"] == "train"])
    finder = LungFinder.load()
    train, with_box = with_lungs(train, finder)
    validation, _ = with_lungs(validation, finder)
    designs = {"tall": tallest(train), "border": most_like_sick(train, patients[with_box])}
    # All images of a child are held out together.
    designs = {name: np.isin(patients[with_box], patients[with_box][held]) for name, held in designs.items()}
    for recipe in options.recipe:
        for name, held in designs.items():
            for seed in range(options.seeds):
                architecture, *words = shlex.split(recipe)
                settings = {"epochs": options.epochs, "size": options.size, "head_epochs": 0, "seed": seed, **setting_pairs(words)}
                figures = judged(make_config(architecture, settings), part_of(train, ~held), part_of(train, held), validation)
                print(json.dumps({"recipe": recipe, "design": name, "seed": seed, **figures}), flush=True)


def tallest(part: Part) -> np.ndarray:
    """bool (n,): the fifth of each class with the tallest lungs, relative to the picture's height."""
    return _top(np.array([box.height for box in part.boxes]), part.labels)


def most_like_sick(part: Part, patients: np.ndarray) -> np.ndarray:
    """bool (n,): the healthy whose border looks most like pneumonia to a linear model of other children, and random sick."""
    side = part.images.shape[1] // CELLS
    cells = part.images.reshape(-1, CELLS, side, CELLS, side).mean(axis=(2, 4))
    inner = np.zeros((CELLS, CELLS), bool)
    inner[RING:-RING, RING:-RING] = True
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500, class_weight="balanced"))
    odds = cross_val_predict(model, cells[:, ~inner], part.labels, groups=patients, cv=GroupKFold(5), method="decision_function")
    return _top(np.where(part.labels == 1, np.random.default_rng(0).random(len(odds)), odds), part.labels)


def _top(score: np.ndarray, labels: np.ndarray) -> np.ndarray:
    top = np.zeros(len(labels), bool)
    for label in (0, 1):
        index = np.flatnonzero(labels == label)
        top[index[np.argsort(-score[index], kind="stable")[: round(SHARE * len(index))]]] = True
    return top


def part_of(part: Part, chosen: np.ndarray) -> Part:
    boxes = tuple(box for box, is_chosen in zip(part.boxes, chosen, strict=True) if is_chosen)
    return Part(part.images[chosen], part.labels[chosen], part.bacterial[chosen], boxes, part.masks[chosen])


def judged(config: TrainConfig, train: Part, held: Part, validation: Part) -> dict[str, float]:
    keras.utils.set_random_seed(config.seed)
    net = build_network(config)
    trainer = build_trainer(config, net)
    feed = Feed(
        train, config.spec, config.batch_size, Draws(order=epoch_order(config, train), hidden=config.hidden, seed=config.seed)
    )
    compile_stage(trainer, config, config.learning_rate, False, steps=config.epochs * len(feed))
    trainer.fit(feed, epochs=config.epochs, verbose=0)
    easy, shifted = (net.predict(Feed(part, config.spec, 64), verbose=0)[:, 0].astype(float) for part in (validation, held))
    cut = choose_operating_points(validation.labels, easy)[BALANCED]
    figures = {"random_auc": round(compute_metrics(validation.labels, easy, cut).auc, 4)}
    shifted_figures = dataclasses.asdict(compute_metrics(held.labels, shifted, cut))
    return figures | {name: round(shifted_figures[name], 4) for name in ("auc", "sensitivity", "specificity")}


if __name__ == "__main__":
    main()
