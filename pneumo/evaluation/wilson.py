"""Wilson intervals of shares, also for clustered images."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

_Z = float(ndtri(0.975))

Figure = Mapping[str, float | None]  # {value, low, high}: a share with its 95 % interval; undefined is None


@dataclass(frozen=True)
class Share:
    """`count` of `of` cases with the 95 % Wilson interval; NaN where `of` is 0."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.count / self.of if self.of else float("nan")

    @property
    def figure(self) -> dict[str, float | None]:
        """{value, low, high} as metrics.json writes it: undefined is None."""
        return {name: getattr(self, name) if self.of else None for name in ("value", "low", "high")}


def wilson_interval(count: int, of: int, independent: float | None = None) -> Share:
    """The score interval of a binomial share (Wilson 1927), as wide as for `independent` cases; default: all `of` them.

    For several images per child give the number of children, or see `clustered_wilson`. Raises ValueError unless 0 <= count <= of.
    """
    if not 0 <= count <= of:
        raise ValueError(f"expected a count from 0 to {of}, received {count}")
    return Share(int(count), int(of), *_ends(count / of, independent or of)) if of else Share(0, 0, math.nan, math.nan)


def clustered_wilson(hits: np.ndarray, clusters: Sequence[str] | np.ndarray) -> Share:
    """Wilson's interval of a share of images that come in clusters, such as those of one patient; `hits` bool (n,).

    The effective sample size comes from the design effect (Kish 1965; Korn, Graubard 1998). Where the variance is 0 or unknown
    (all hits, no hit, one cluster) it is the number of clusters, the most conservative choice.
    """
    hits = np.asarray(hits, bool)
    if not len(hits):
        return wilson_interval(0, 0)
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sizes, hits_by_cluster = np.bincount(cluster), np.bincount(cluster, hits)
    share, k = float(hits.mean()), len(sizes)
    variance = k / max(k - 1, 1) * float(np.sum((hits_by_cluster - share * sizes) ** 2)) / len(hits) ** 2
    alike = k == 1 or share in (0, 1) or variance == 0
    alone = k if alike else min(max(share * (1 - share) / variance, 1.0), len(hits))
    return wilson_interval(int(hits.sum()), len(hits), alone)


def stored_figure(stored: Figure) -> Figure:
    """A figure from a file. Raises ValueError for other fields."""
    if set(stored) != {"value", "low", "high"}:
        raise ValueError(f"expected value, low and high, received {', '.join(stored)}")
    return dict(stored)


def _ends(share: float, of: float) -> tuple[float, float]:
    """The interval of a share of `of` independent cases; `of` need not be whole."""
    weight = _Z**2 / of
    middle = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * math.sqrt(share * (1 - share) / of + weight / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)
