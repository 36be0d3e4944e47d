"""Score bands: the share of test children in each band who had pneumonia."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pneumo.evaluation.likelihood import at_prevalence
from pneumo.evaluation.operating_point import RULE_IN, RULE_OUT, zone
from pneumo.evaluation.wilson import wilson_interval
from pneumo.labels import Zone

LEAST = 30  # held-out children in a band
_MOST = 4  # bands in a zone


def band_edges(log_ratios: np.ndarray, patients: Sequence[str], cuts: Mapping[str, float]) -> list[float]:
    """Rising edges of bands of the calibration part's log likelihood ratios, float (n,); the outer two are infinite.

    Each zone is divided by quantiles into at most four bands of at least 30 children; a smaller zone is one band.
    """
    names = np.asarray(patients)
    edges = {-math.inf, cuts[RULE_OUT], cuts[RULE_IN], math.inf}
    zones = np.array([zone(value, cuts) for value in log_ratios])
    for name in Zone:
        inside, children = log_ratios[zones == name], names[zones == name]
        for parts in range(_MOST, 1, -1):
            inner = np.quantile(inside, np.arange(1, parts) / parts) if len(inside) else np.empty(0)
            place = np.searchsorted(inner, inside, side="right")
            if min((len(set(children[place == part])) for part in range(parts)), default=0) >= LEAST:
                edges |= set(map(float, inner))
                break
    return sorted(edges)


def count_bands(
    edges: Sequence[float], log_ratios: np.ndarray, labels: np.ndarray, patients: Sequence[str]
) -> list[dict[str, Any]]:
    """Each band as metrics.json stores it: ends (None: open), images, patients, and images with pneumonia."""
    names, place = np.asarray(patients), np.searchsorted(edges[1:-1], log_ratios, side="right")
    bands = []
    for index, (low, high) in enumerate(pairwise(edges)):
        inside = place == index
        ends = {"low": low if math.isfinite(low) else None, "high": high if math.isfinite(high) else None}
        bands.append({**ends, "n": int(inside.sum()), "patients": len(set(names[inside])), "sick": int(labels[inside].sum())})
    return bands


def band_of(bands: Sequence[dict[str, Any]], log_ratio: float) -> dict[str, Any] | None:
    """The band [low, high) that holds a score; None without bands."""
    for band in bands:
        if (band["low"] is None or log_ratio >= band["low"]) and (band["high"] is None or log_ratio < band["high"]):
            return band
    return None


def share_sick(band: Mapping[str, Any], own_prevalence: float, prevalence: float) -> tuple[float, float, float]:
    """(share, low, high) of sick children in a band, at `prevalence`; NaN for an empty band.

    The share on the split, with Wilson's interval over patients, its odds moved from the split's prevalence (Bayes).
    """
    own = wilson_interval(band["sick"], band["n"], band["patients"])
    value, low, high = map(float, at_prevalence(np.array([own.value, own.low, own.high]), own_prevalence, prevalence))
    return value, low, high
