"""Recompute a model's published metrics from its stored predictions, and from the X-rays."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pneumo.inference.predictor import Predictor
from pneumo.paths import models_dir
from pneumo.registry.model_folder import METRICS, ModelFolder, store
from pneumo.registry.models import read_card
from pneumo.studies.assess import assess_split, summary_of

TOLERANCE = 5e-5  # four decimal places


def reproduce_metrics(model: str, data: Path | None = None, root: Path | None = None) -> list[str]:
    """One line per entry of metrics.json that differs beyond the fourth decimal; empty when all agree.

    Recomputed from the stored predictions; with `data` also from the images, by the serving path. Test gets its row in the ledger.
    """
    root = root or models_dir()
    predictor = Predictor.load(model, root)
    lines = []
    for split, published in ModelFolder.of(model, root).metrics().items():
        predictions = ModelFolder.of(model, root).predictions(split)
        recomputed = summary_of(predictor.card, predictions, root)
        stored = {name: value for name, value in published.items() if name != "unanswered"}  # not in the predictions
        lines += [f"{split}, from predictions: {line}" for line in differences(stored, recomputed)]
        if data is not None:
            with tempfile.TemporaryDirectory() as folder:
                recomputed = assess_split(predictor, data, split, "reproduction", output=Path(folder), root=root)
            lines += [f"{split}, from scratch: {line}" for line in differences(published, recomputed)]
    return lines


def renew(model: str, root: Path | None = None) -> None:
    """Rewrite metrics.json from the stored predictions; entries that need images stay."""
    root = root or models_dir()
    card, stored = read_card(model, root), ModelFolder.of(model, root).metrics()
    for split, published in stored.items():
        recomputed = summary_of(card, ModelFolder.of(model, root).predictions(split), root)
        stored[split] = {**recomputed, **({"unanswered": published["unanswered"]} if "unanswered" in published else {})}
    store(root / model, METRICS, stored)


def differences(stored: Any, recomputed: Any, place: str = "") -> Iterator[str]:
    """One line for each differing value."""
    if isinstance(stored, dict) and isinstance(recomputed, dict):
        for key in sorted({*stored, *recomputed}):
            yield from differences(stored.get(key), recomputed.get(key), f"{place}.{key}" if place else key)
    elif isinstance(stored, list) and isinstance(recomputed, list) and len(stored) == len(recomputed):
        for number, pair in enumerate(zip(stored, recomputed, strict=True)):
            yield from differences(*pair, f"{place}[{number}]")
    elif isinstance(stored, float) and isinstance(recomputed, float):
        if not abs(stored - recomputed) <= TOLERANCE:
            yield f"{place} is {stored} in metrics.json, {recomputed} now"
    elif stored != recomputed:
        yield f"{place} is {stored!r} in metrics.json, {recomputed!r} now"
