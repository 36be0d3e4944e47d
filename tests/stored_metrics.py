"""A registry whose models have matching predictions and metrics, made without running a network."""

import dataclasses
import json
import math
from functools import cache
from pathlib import Path

import numpy as np
from tiny_model import make_registry

from pneumo.evaluation.predictions import Predictions, make_predictions, write_predictions
from pneumo.evaluation.summary import summarise
from pneumo.registry.models import read_card, write_card
from pneumo.registry.seal import seal_folder

POINTS = {"balanced": 0.5, "rule-out": 0.25, "rule-in": 0.75}
FIGURE = {"value": 0.9, "low": 0.85, "high": 0.95}


def make_stored(n: int = 60, seed: int = 0, lift: float = 2.5, split: str = "test", bacterial: bool = False) -> Predictions:
    """A third healthy; two images for each sick child. Probabilities keep two digits, so that there are ties."""
    rng = np.random.default_rng(seed)
    sick = np.arange(n) % 3 > 0
    kinds = ["none" if not s else "bacterial" if i % 3 == 1 else "viral" for i, s in enumerate(sick)]
    names = {"none": "IM-{:04}-0001", "bacterial": "person{}_bacteria_{}", "viral": "person{}_virus_{}"}
    files = [
        f"{split}/{'PNEUMONIA' if s else 'NORMAL'}/{names[k].format(i if not s else i // 6, i)}.png"
        for i, (s, k) in enumerate(zip(sick, kinds, strict=True))
    ]
    logits = rng.normal(0, 1.3, n) + lift * (sick - 0.5)
    labels = ["PNEUMONIA" if s else "NORMAL" for s in sick]
    probabilities = np.round(1 / (1 + np.exp(-logits)), 2)
    return make_predictions(files, labels, kinds, logits, probabilities, rng.random(n) if bacterial else None)


@cache  # each interval takes a second, and most tests need the same
def _summary(number: int, split: str, how: tuple) -> dict:
    return summarise(make_stored(seed=number, lift=2 + number, split=split, **dict(how)), POINTS)


def make_evaluated_registry(root: Path, *models: str, splits: tuple[str, ...] = ("test", "validation"), **how) -> Path:
    """Write models/<id> for each of `models`; each is better than the one before."""
    for number, model in enumerate(models):
        folder = make_registry(root, model) / model
        # Two of three children are sick. At that prevalence the card's cuts are POINTS, and no tie is rounded to the wrong side.
        cuts = {name: math.log(p / (1 - p)) - math.log(2) - 1e-9 for name, p in POINTS.items()}
        write_card(dataclasses.replace(read_card(model, root), cuts=cuts), folder)
        metrics = {}
        for split in splits:
            stored = make_stored(seed=number, lift=2 + number, split=split, **how)
            write_predictions(folder / f"predictions-{split}.csv", stored)
            metrics[split] = _summary(number, split, tuple(how.items()))
        (folder / "metrics.json").write_text(json.dumps(metrics))
        seal_folder(folder)
    return root


ROBUSTNESS = {
    "split": "test",
    "n": 60,
    "made": "2026-01-02",
    "operating_point": "balanced",
    "changes": [
        {"kind": "none", "amount": "", "auc": FIGURE, "sensitivity": FIGURE, "specificity": FIGURE, "mean_shift": 0.0},
        {
            "kind": "blur",
            "amount": "sigma 2",
            "auc": FIGURE,
            "sensitivity": FIGURE,
            "specificity": dict.fromkeys(FIGURE),
            "mean_shift": 0.123,
        },
    ],
    "lungs_hidden": {"auc": FIGURE, "mean_probability_sick": 0.61, "mean_probability_healthy": 0.42},
    "lungs_only": {"auc": FIGURE, "mean_probability_sick": 0.8, "mean_probability_healthy": 0.2},
    "heat_in_lungs": {"share": FIGURE, "area": 0.31, "shown": 0.6, "by_class": {"NORMAL": 0.4, "PNEUMONIA": 0.5}},
    "deletion": {"fractions": [0, 0.5, 1], "model": [0.9, 0.3, 0.1], "random": [0.9, 0.6, 0.1]},
    "insertion": {"fractions": [0, 0.5, 1], "model": [0.1, 0.7, 0.9], "random": [0.1, 0.4, 0.9]},
    "auc_gap": {"deletion": 0.15, "insertion": 0.16},
    "randomisation": {"layers": [{"name": "dense", "correlation": 0.33}]},
}
HISTORY = [
    {"epoch": epoch, "loss": 1 / epoch, "val_loss": 1.2 / epoch, "accuracy": 0.8, "val_accuracy": 0.7, "auc": None, "val_auc": 0.9}
    for epoch in (1, 2, 3)
]
