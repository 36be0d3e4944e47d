"""Learning curves: train and validation of one run, or validation of several, for Train, Metrics and the PDF."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pneumo.reporting.chart import DASHES, MODELS, Chart, Line

MOST = len(MODELS)  # runs in one chart


class _Curve(NamedTuple):
    key: str  # in the history, of train; validation's is val_KEY
    title: str
    reading: str
    has_validation: bool = True
    log_scale: bool = False


_CURVES = (
    _Curve(
        "loss",
        "Loss",
        "Lower is better. Where validation rises while train still falls, the network memorises its images; "
        "the epoch with the lowest validation loss is kept.",
        log_scale=True,
    ),
    _Curve(
        "accuracy",
        "Accuracy",
        "Share of right answers at the cut 0.5. Train images are augmented and drawn evenly, so train may lie below validation.",
    ),
    _Curve(
        "auc",
        "AUC",
        "How often a sick child is rated above a healthy one: 1 is always, 0.5 is chance. A high value is easy to "
        "reach on this kind of data; only the test split, looked at on promotion, tells what the network is worth.",
    ),
    _Curve(
        "learning_rate",
        "Learning rate",
        "Size of the steps at each epoch's end. It falls as the schedule says.",
        has_validation=False,
        log_scale=True,
    ),
)


def learning_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]], kept_epoch: int = 0) -> tuple[Chart, ...]:
    """Loss, accuracy, AUC and learning rate by epoch, where there are numbers.

    `histories`: run name -> one dict per epoch; at most MOST runs. `kept_epoch`: the epoch to mark, for one run; 0: none.
    """
    charts = []
    for curve in _CURVES:
        if lines := _lines(curve, histories):
            first, last = min(line.x.min() for line in lines), max(line.x.max() for line in lines)
            room = 0.5 if first == last else 0.0
            axes: dict[str, Any] = {"x_range": (float(first) - room, float(last) + room), "y_range": None, "whole_x": True}
            axes["log_scale"] = curve.log_scale and all((line.y > 0).all() for line in lines)
            rules = ((float(kept_epoch), f"epoch {kept_epoch} is kept"),) if kept_epoch and curve.key == "loss" else ()
            title = f"{curve.title}, validation" if len(histories) > 1 and curve.has_validation else curve.title
            charts.append(Chart(f"history-{curve.key}", title, "epoch", curve.title, curve.reading, lines, rules=rules, **axes))
    return tuple(charts)


def _lines(curve: _Curve, histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[Line, ...]:
    if len(histories) > 1:
        key = f"val_{curve.key}" if curve.has_validation else curve.key
        every = [
            (name, epochs, key, colour, dash)
            for (name, epochs), colour, dash in zip(histories.items(), MODELS, DASHES, strict=False)
        ]
    else:
        looks = {"train": (curve.key, "quiet", "dashed"), "validation": (f"val_{curve.key}", "accent", "solid")}
        if not curve.has_validation:
            looks = {"train": (curve.key, "accent", "solid")}
        every = [(name, epochs, *look) for epochs in histories.values() for name, look in looks.items()]
    return tuple(line for each in every if (line := _line(*each)) is not None)


def _line(name: str, epochs: Sequence[Mapping[str, Any]], key: str, colour: str, dash: str) -> Line | None:
    """Without values that are no finite number; None if none is left."""
    rows = [(each["epoch"], each[key]) for each in epochs if isinstance(each.get(key), int | float) and math.isfinite(each[key])]
    if not rows:
        return None
    x, y = np.array(rows, float).T
    return Line(name, x, y, colour, dash)
