"""A share with its 95 % interval, for the moment when no bootstrap was stored."""

import math
from dataclasses import dataclass

from scipy.special import ndtri

_Z = float(ndtri(0.975))


@dataclass(frozen=True)
class Share:
    """`count` of `of` cases, with the Wilson interval; value and ends are NaN where `of` is 0."""

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


def wilson(count: int, of: int) -> Share:
    """The score interval of a binomial share (Wilson 1927).

    It takes images for independent: several of one child make it too narrow.

    Raises ValueError for a count outside 0 to `of`.
    """
    if not 0 <= count <= of:
        raise ValueError(f"expected a count from 0 to {of}, received {count}")
    if of == 0:
        return Share(0, 0, math.nan, math.nan)
    _, low, high = interval_of_share(count, of, of)
    return Share(int(count), int(of), low, high)


def interval_of_share(count: int, of: int, cases: int) -> tuple[float, float, float]:
    """(share, low, high) of `count` of `of` images, as wide as for `cases` independent ones: the number of children.

    NaN where there is none.
    """
    if of == 0 or cases == 0:
        return math.nan, math.nan, math.nan
    share, weight = count / of, _Z**2 / cases
    middle = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * math.sqrt(share * (1 - share) / cases + weight / (4 * cases))
    return share, max(0.0, middle - half), min(1.0, middle + half)
