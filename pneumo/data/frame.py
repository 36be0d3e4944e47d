"""Framing audit: how far position and shape of the lungs alone separate the classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.data.file_facts import FileFacts, Spread
from pneumo.data.lung_masks import LungPlace, original_sizes
from pneumo.data.records import Record
from pneumo.data.separation import Part, Shortcut, linear_scores
from pneumo.evaluation.intervals import RESAMPLES
from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.labels import LABELS

SPLITS = ("train", "test")  # val: 16 images
TOGETHER = "all five together"


@dataclass(frozen=True)
class Measure:
    name: str
    meaning: str
    sick: str  # direction of PNEUMONIA, "more" or "less": fixed, not fitted


MEASURES = (
    Measure("height of the lungs", "share of the picture's height", "more"),
    Measure("free space above them", "share of the picture's height", "less"),
    Measure("free space below them", "share of the picture's height", "less"),
    Measure("width / height of the file", "as it was before any squashing", "more"),
    Measure("width / height of the lungs", "the child's own, unsquashed, without the gap between the lungs", "more"),
)


@dataclass(frozen=True)
class FrameCount:
    """The images of one split and class, and how many of them could not be measured."""

    split: str
    label: str
    images: int
    without_lungs: int  # no lungs, or implausible ones
    without_size: int  # lungs, but unknown original size: the last two measures are missing


@dataclass(frozen=True)
class FrameAudit:
    lungs: str  # name of the lung source
    counts: tuple[FrameCount, ...]
    spreads: tuple[Spread, ...]  # of MEASURES
    hints: tuple[Shortcut, ...]  # of each measure alone, unfitted; then of all together


def original_size(record: Record, fact: FileFacts) -> tuple[int, int] | None:
    """(width, height) before the picture was squashed; None for a squashed copy of an unknown image."""
    size = fact.width, fact.height
    return original_sizes().get(record.path) if size == (CANONICAL_SIDE, CANONICAL_SIDE) else size


def frame_audit(
    records: Sequence[Record],
    places: Sequence[LungPlace | None],
    sizes: Sequence[tuple[int, int] | None],
    lungs: str,
    resamples: int = RESAMPLES,
) -> FrameAudit:
    """Measures of every image, from its record, lung place and original (width, height), in the same order.

    Images without lungs are excluded and counted; those without a size lack two measures. The val folder is excluded.
    """
    values = np.array([_measures(place, size) for place, size in zip(places, sizes, strict=True)]).reshape(-1, len(MEASURES))
    located = np.isfinite(values[:, 0])
    unsized = located & np.isnan(values[:, -1])
    split, label = np.array([record.split for record in records]), np.array([record.label for record in records])
    groups = {(name, kind): (split == name) & (label == kind) for name in SPLITS for kind in LABELS}
    return FrameAudit(
        lungs=lungs,
        counts=tuple(
            FrameCount(*key, int(group.sum()), int((group & ~located).sum()), int((group & unsized).sum()))
            for key, group in groups.items()
        ),
        spreads=tuple(
            Spread(*key, measure.name, *map(float, np.percentile(measured, (5, 50, 95))))
            for key, group in groups.items()
            for measure, column in zip(MEASURES, values.T, strict=True)
            if len(measured := column[group & np.isfinite(column)])
        ),
        hints=(*_alone(records, values, split, resamples), _together(records, values, split, resamples)),
    )


def _measures(place: LungPlace | None, size: tuple[int, int] | None) -> tuple[float, ...]:
    """One number per measure; NaN if unknown."""
    if place is None:
        return (np.nan,) * len(MEASURES)
    aspect = size[0] / size[1] if size else np.nan
    return place.height, place.above, place.below, aspect, aspect * place.width / place.height


def _alone(records: Sequence[Record], values: np.ndarray, split: np.ndarray, resamples: int) -> list[Shortcut]:
    signs = [1 if measure.sick == "more" else -1 for measure in MEASURES]
    parts = [Part.of(records, np.flatnonzero(split == name)) for name in SPLITS]
    train, test = (part.estimates(list((signs * values[part.index]).T), resamples) for part in parts)
    return [Shortcut(m.name, m.meaning, a, b, "") for m, a, b in zip(MEASURES, train, test, strict=True)]


def _together(records: Sequence[Record], values: np.ndarray, split: np.ndarray, resamples: int) -> Shortcut:
    """The linear model of the shortcut test, on images with all available measures."""
    known = np.isfinite(values[split == "train"]).any(axis=0)
    complete = np.isfinite(values[:, known]).all(axis=1)
    train, test = (Part.of(records, np.flatnonzero((split == name) & complete)) for name in SPLITS)
    names = [measure.name for measure, is_known in zip(MEASURES, known, strict=True) if is_known]
    train_scores, test_scores, notes = linear_scores(values[:, known], names, train, test)
    if missing := [measure.name for measure in MEASURES if measure.name not in names]:
        notes.append(f"without {', '.join(missing)}: not known of any train image")
    (in_train,), (in_test,) = train.estimates([train_scores], resamples), test.estimates([test_scores], resamples)
    return Shortcut(TOGETHER, "a linear model, as in the shortcut test", in_train, in_test, "; ".join(notes))
