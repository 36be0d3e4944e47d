"""Framing and exposure of a site's images beside those of the public train and test images, as percentiles."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.imaging.measures import FRAME, PICTURE, Measures
from pneumo.labels import LABELS

REFERENCE = Path(__file__).with_name("frame_reference.json")  # made by bench/frame_reference.py
PERCENTILES = (5, 50, 95)
_HERE = "site"
_BESIDE = ("train", "test")


@dataclass(frozen=True)
class Spread:
    """Percentiles 5, 50 and 95 of a measure in one class, at the site or in the public set; None if unknown."""

    measure: str
    label: str
    where: str  # site, train or test
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True)
class FrameStatistics:
    """`likeness` says whether the site's framing resembles train or test; empty if unknown."""

    spreads: tuple[Spread, ...]
    without_lungs: int  # the site's images whose lungs could not be measured
    likeness: str


def frame_statistics(measures: Sequence[Measures], labels: Sequence[str], data: str) -> FrameStatistics:
    """The site's measures by class, beside those of the model's own data set if REFERENCE has them.

    `labels`: NORMAL or PNEUMONIA, one per image; `data`: the data set as named in the model card.
    """
    rows = [(asdict(each), label) for each, label in zip(measures, labels, strict=True)]
    here: dict[tuple[str, str], list[float]] = {
        (name, label): [row[name] for row, of in rows if of == label and np.isfinite(row[name])]
        for label, name in product(LABELS, PICTURE)
    }
    spreads = [Spread(name, label, _HERE, *_percentiles(values)) for (name, label), values in here.items()]
    known = reference()
    same = known["data"] == data
    if same:
        spreads += [
            Spread(name, label, where, *_stored(known, where, label, name))
            for where, label, name in product(_BESIDE, LABELS, PICTURE)
        ]
    lost = sum(not np.isfinite(each.lung_height) for each in measures)
    return FrameStatistics(tuple(spreads), lost, _likeness(here, known) if same else "")


@cache
def reference() -> Mapping[str, Any]:
    stored: Mapping[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return stored


def _percentiles(values: Sequence[float]) -> tuple[float | None, ...]:
    return tuple(map(float, np.percentile(values, PERCENTILES))) if values else (None,) * 3


def _stored(known: Mapping[str, Any], where: str, label: str, name: str) -> tuple[float | None, ...]:
    return tuple(known["groups"][f"{where} {label}"]["measures"].get(name, (None,) * 3))


def _likeness(here: Mapping[tuple[str, str], Sequence[float]], known: Mapping[str, Any]) -> str:
    """By class, mean distance of the site's medians of FRAME from those of train and test, in units of train's 5-95 range."""
    sentences = []
    for label in LABELS:
        gaps: dict[str, list[float]] = {where: [] for where in _BESIDE}
        for name in FRAME:
            low, _, high = _stored(known, "train", label, name)
            if here[name, label] and low is not None and high is not None and high > low:
                for where in _BESIDE:
                    middle = _stored(known, where, label, name)[1]
                    if middle is not None:
                        gaps[where].append(abs(float(np.median(here[name, label])) - middle) / (high - low))
        if gaps["train"] and gaps["test"]:
            train, test = np.mean(gaps["train"]), np.mean(gaps["test"])
            nearer = "train" if train < test else "test"
            sentences.append(
                f"{label} children are framed more like those of {nearer} (mean distance {train:.2f} from train, "
                f"{test:.2f} from test, in widths of train's 5th to 95th percentile)"
            )
    return "; ".join(sentences) + "." if sentences else ""
