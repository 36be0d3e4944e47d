"""How often a model's gate refuses chest X-rays and other pictures, as gate.json stores it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pneumo.evaluation.wilson import Figure, clustered_wilson, stored_figure

INTERVALS = "Wilson's method, over children and over the pictures that pieces were cut of"
_OLD_INTERVALS = "Wilson's method, each picture for itself, which is too narrow"  # of a gate.json that does not say
CHEST, POSED, DEMO = "chest", "posed", "demo"
HELD_OUT, CHOSEN_BY = "foreign, kept aside", "foreign, chosen by"  # kinds of other pictures: unseen by the rule, and used to set it


@dataclass(frozen=True)
class GateGroup:
    """One kind of picture: `n` shown, cut from `originals` pictures or children."""

    role: str
    name: str
    n: int
    originals: int | None  # None in a file of an older version
    rejected_count: int | None  # the same
    rejected: Figure
    told: Figure  # rejected, or answered with a warning

    @classmethod
    def of(cls, role: str, name: str, rejected: np.ndarray, told: np.ndarray, originals: Sequence[str]) -> "GateGroup":
        """From bool (n,) each. Intervals are over originals: pieces of one picture are not independent."""
        rejected_share, told_share = (clustered_wilson(flags, originals).figure for flags in (rejected, told))
        return cls(role, name, len(rejected), len(set(originals)), int(rejected.sum()), rejected_share, told_share)


@dataclass(frozen=True)
class GateFigures:
    split: str
    model_sha256: str
    made: str  # ISO date
    cuts: tuple[float, ...]
    chest_rejected: Figure
    foreign_rejected: Figure  # of the kinds of pictures that the rule was not set with
    groups: tuple[GateGroup, ...]
    intervals: str = INTERVALS

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "cuts": list(self.cuts)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "GateFigures":
        """Raises KeyError, TypeError or ValueError for a dict of another form."""
        groups = []
        for group in stored["groups"]:
            kind = str(group["role"]), str(group["name"]), int(group["n"]), group.get("originals"), group.get("rejected_count")
            groups.append(GateGroup(*kind, stored_figure(group["rejected"]), stored_figure(group["told"])))
        origin = str(stored["split"]), str(stored["model_sha256"]), str(stored["made"]), tuple(map(float, stored["cuts"]))
        rejected = stored_figure(stored["chest_rejected"]), stored_figure(stored["foreign_rejected"])
        return cls(*origin, *rejected, tuple(groups), str(stored.get("intervals", _OLD_INTERVALS)))
