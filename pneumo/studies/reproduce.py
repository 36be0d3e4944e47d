"""Whether a model's published numbers come out again: from its stored predictions, and from the X-rays themselves."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pneumo.evaluation.predictions import read_predictions
from pneumo.files import write_json
from pneumo.inference.predictor import Predictor
from pneumo.paths import models_dir
from pneumo.registry.models import METRICS, read_card, read_metrics
from pneumo.registry.seal import reseal
from pneumo.studies.assess import assess_split, summary_of

TOLERANCE = 5e-5  # four digits behind the point


def reproduce_metrics(model: str, data: Path | None = None, root: Path | None = None) -> list[str]:
    """Every place where metrics.json differs from what is computed anew, by more than the fourth digit; empty when none does.

    From predictions-<split>.csv for each split stored; with `data` also from scratch, through the serving path. The run over
    test is a look like any other and gets its row in the ledger.
    """
    root = root or models_dir()
    predictor = Predictor.load(model, root)
    found = []
    for split, whole in read_metrics(model, root).items():
        predictions = read_predictions(root / model / f"predictions-{split}.csv")
        anew = summary_of(predictor.card, predictions, root)
        stored = {name: value for name, value in whole.items() if name != "unanswered"}  # which the predictions do not hold
        found += [f"{split}, from predictions: {line}" for line in differences(stored, anew)]
        if data is not None:
            with tempfile.TemporaryDirectory() as folder:
                anew = assess_split(predictor, data, split, "reproduction", output=Path(folder), root=root)
            found += [f"{split}, from scratch: {line}" for line in differences(whole, anew)]
    return found


def renew(model: str, root: Path | None = None) -> None:
    """Write metrics.json anew from the stored predictions: no image is looked at. What only images tell stays as it is."""
    root = root or models_dir()
    card, stored = read_card(model, root), read_metrics(model, root)
    for split, whole in stored.items():
        anew = summary_of(card, read_predictions(root / model / f"predictions-{split}.csv"), root)
        stored[split] = {**anew, **({"unanswered": whole["unanswered"]} if "unanswered" in whole else {})}
    write_json(root / model / METRICS, stored)
    reseal(root / model, (METRICS,))


def differences(stored: Any, anew: Any, place: str = "") -> Iterator[str]:
    """Lines that name each number or name that is not the same in both."""
    if isinstance(stored, dict) and isinstance(anew, dict):
        for key in sorted({*stored, *anew}):
            yield from differences(stored.get(key), anew.get(key), f"{place}.{key}" if place else key)
    elif isinstance(stored, list) and isinstance(anew, list) and len(stored) == len(anew):
        for number, pair in enumerate(zip(stored, anew, strict=True)):
            yield from differences(*pair, f"{place}[{number}]")
    elif isinstance(stored, float) and isinstance(anew, float):
        if not abs(stored - anew) <= TOLERANCE:
            yield f"{place} is {stored} in metrics.json, {anew} now"
    elif stored != anew:
        yield f"{place} is {stored!r} in metrics.json, {anew!r} now"
