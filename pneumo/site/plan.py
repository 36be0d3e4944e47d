"""The plan of a local test: requirements, number of children, and who decides. Fixed before any answer."""

import dataclasses
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pneumo.errors import ConfigError, DataError
from pneumo.files import json_sha256, write_json

VERSION = 1
AUC, SENSITIVITY, SPECIFICITY = "auc", "sensitivity", "specificity"
NOT_MISSED, NOT_ALARMED, ANSWERED = "sick-not-called-normal", "healthy-not-called-pneumonia", "answered"
MEANING = {
    AUC: "how often a sick child is rated above a healthy one",
    SENSITIVITY: "share of the sick at or above the operating point",
    SPECIFICITY: "share of the healthy below the operating point",
    NOT_MISSED: "share of the sick whose verdict is not NORMAL",
    NOT_ALARMED: "share of the healthy whose verdict is not PNEUMONIA",
    ANSWERED: "share of all pictures that get an answer",
}


@dataclass(frozen=True)
class Requirement:
    """The interval of `figure` must lie at or above `least`."""

    figure: str  # one of MEANING
    least: float  # between 0 and 1


@dataclass(frozen=True)
class Plan:
    site: str
    model: str
    card_sha256: str  # of the model's card, which holds the hashes of all its files
    operating_point: str
    requirements: tuple[Requirement, ...]
    sick: int  # least number of children with pneumonia
    healthy: int
    decides: str  # who decides about use by the result
    created: str
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raises ConfigError for an invalid plan."""
        if not self.requirements:
            raise ConfigError(f"The plan asks nothing: expected at least one figure with its least value, of {', '.join(MEANING)}.")
        figures = [each.figure for each in self.requirements]
        if unknown := sorted(set(figures) - set(MEANING)):
            raise ConfigError(f"Unknown figure {unknown[0]!r} in the plan; expected of {', '.join(MEANING)}.")
        if len(set(figures)) < len(figures):
            raise ConfigError("The plan names a figure twice; expected one least value for each.")
        if odd := [each for each in self.requirements if not (type(each.least) in (int, float) and 0 < each.least < 1)]:
            raise ConfigError(f"The least value of {odd[0].figure} is {odd[0].least!r}; expected a number between 0 and 1.")
        if not all(type(count) is int and count >= 1 for count in (self.sick, self.healthy)):
            raise ConfigError(
                f"The plan wants {self.sick!r} sick and {self.healthy!r} healthy children; expected at least one of each."
            )
        if not self.decides.strip():
            raise ConfigError("The plan does not say who decides. Name the person or the board.")

    @property
    def sha256(self) -> str:
        return json_sha256(asdict(self))


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan and its hash. Raises DataError if the file exists: a plan is never overwritten."""
    if path.exists():
        raise DataError(f"{path} is there already, and a plan is not overwritten. Give the new one another name.")
    try:
        write_json(path, {"plan": asdict(plan), "sha256": plan.sha256})
    except OSError as error:
        raise DataError(f"The plan cannot be written to {path}: {error.strerror or error}.") from error


def read_plan(path: Path) -> Plan:
    """Raises DataError for a file that is no plan, or was changed after it was written."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"The plan {path} cannot be read as JSON. Make one with the site-plan command.") from error
    if not isinstance(stored, dict) or not isinstance(stored.get("plan"), dict):
        raise DataError(f"{path} is no plan of a local test. Make one with the site-plan command.")
    plan = _parse(stored["plan"], path)
    if plan.sha256 != stored.get("sha256"):
        raise DataError(
            f"The plan {path} was changed after it was made: its hash does not fit. Restore it, or make a new plan with the "
            "site-plan command; cases that were answered under the old one stay answered."
        )
    return plan


def _parse(stored: dict[str, Any], path: Path) -> Plan:
    known = {field.name for field in dataclasses.fields(Plan)}
    if odd := sorted(known ^ set(stored)):
        raise DataError(f"The plan {path} does not fit this version of Pneumo: {', '.join(odd)}. Make a new plan.")
    if stored["version"] != VERSION:
        raise DataError(f"The plan {path} has version {stored['version']!r}; expected {VERSION}. Make a new plan.")
    try:
        requirements = tuple(Requirement(**each) for each in stored["requirements"])
        texts = ("site", "model", "card_sha256", "operating_point", "decides", "created")
        if any(not isinstance(stored[name], str) for name in texts):
            raise TypeError
        return Plan(**{**stored, "requirements": requirements})
    except TypeError as error:
        raise DataError(f"The plan {path} is damaged: a value is of another kind. Restore it, or make a new plan.") from error
