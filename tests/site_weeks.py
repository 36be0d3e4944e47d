"""Simulated weeks of a department: a third are sick; framing and exposure are like in the public set's train split."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.special import expit

from pneumo.imaging.measures import PICTURE, Measures
from pneumo.record.case import RecordedCase, timestamp
from pneumo.site.frame import reference

START, A_WEEK = datetime(2026, 1, 5, 8, tzinfo=UTC), 40
_GROUPS = reference()["groups"]


def weeks(count: int, seed: int, crop_from: int | None = None) -> list[RecordedCase]:
    """`count` cases, 40 a week; from the case `crop_from` on 12 % of the side is cut off at each edge of the frame."""
    rng, cases = np.random.default_rng(seed), []
    for number in range(count):
        sick = rng.random() < 1 / 3
        measures = _measures(rng, "PNEUMONIA" if sick else "NORMAL")
        if crop_from is not None and number >= crop_from:
            measures = cropped(measures, 0.12)
        score = rng.normal(3 if sick else -3, 2)
        cases.append(case(number, float(expit(score)), measures))
    return cases


def case(number: int, probability: float, measures: Measures = Measures()) -> RecordedCase:  # noqa: B008
    label, zone = ("PNEUMONIA", "rule-in") if probability >= 0.5 else ("NORMAL", "rule-out")
    created = timestamp(START + timedelta(weeks=number // A_WEEK, hours=number % A_WEEK))
    return RecordedCase(
        "s",
        f"{number:064x}",
        "tiny",
        "cd" * 32,
        probability,
        "balanced",
        0.5,
        label,
        zone,
        "pass",
        (),
        measures,
        id=f"{number:032x}",
        created=created,
        salt="",
    )


def cropped(measures: Measures, share: float) -> Measures:
    """The measures of the lungs after `share` of the side was cut off at each edge of the picture."""
    left = 1 - 2 * share
    above, below = (max(0.0, (space - share) / left) for space in (measures.above, measures.below))
    return replace(measures, lung_height=min(1.0, measures.lung_height / left), above=above, below=below)


def _measures(rng: np.random.Generator, label: str) -> Measures:
    """Each measure drawn from two halves of a normal curve through its percentiles 5, 50 and 95."""
    told = {}
    for name in PICTURE:
        low, middle, high = _GROUPS[f"train {label}"]["measures"][name]
        z = rng.normal()
        told[name] = middle + z / 1.645 * (high - middle if z > 0 else middle - low)
    return Measures(**told, gate_distance=float(-6 + rng.gamma(2.0, 1.0)))
