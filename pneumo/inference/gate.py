"""The gate: refuse or warn about files that are no usable frontal chest radiograph of a child."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pneumo.imaging.quality import Issue, image_issues
from pneumo.imaging.radiograph import SYNTHETIC, ImageFacts
from pneumo.inference.reference import POSES, Reference

PASS, WARN, REJECT = "pass", "warn", "reject"
_FRONTAL = {"AP", "PA"}
_LATERAL = {"LL", "RL", "LAT", "LATERAL"}
_CHEST = {"CHEST", "THORAX", "LUNG"}
_MAY_SHOW_CHEST = {"RIB", "RIBS", "CLAVICLE", "TSPINE", "CHESTABDOMEN", "WHOLEBODY"}
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


@dataclass(frozen=True)
class Gate:
    """`outcome` is pass, warn (reasons beside the answer) or reject (reasons, no answer)."""

    outcome: str
    reasons: tuple[str, ...] = ()


def check(facts: ImageFacts, image: np.ndarray, features: np.ndarray | None, reference: Reference | None) -> Gate:
    """Combine image rules, header rules and the learned out-of-distribution check.

    `image` canonical uint8 (224, 224); `features` float32 (c,) of the network's pass. Without a reference (an older model), and
    for generated phantoms, only the rules apply.
    """
    issues = [*image_issues(image, facts), *header_issues(facts)]
    if reference is not None and features is not None and SYNTHETIC not in facts.notes:
        issues += learned_issues(image, features, reference)
    refused = tuple(issue.reason for issue in issues if issue.rejects)
    if refused:
        return Gate(REJECT, refused)
    return Gate(WARN if issues else PASS, tuple(issue.reason for issue in issues))


def header_issues(facts: ImageFacts) -> Iterator[Issue]:
    """Issues of a DICOM header; none for other files."""
    if facts.view_position in _LATERAL:
        yield Issue(True, f"The file says it is a lateral view ({facts.view_position}); expected a frontal one (AP or PA).")
    elif facts.view_position and facts.view_position not in _FRONTAL:
        yield Issue(False, f"The file says its view is {facts.view_position}; the model knows frontal views only.")
    if facts.body_part == "OTHER":
        yield Issue(False, "The file names a part of the body that is not known here; expected the chest.")
    elif facts.body_part and facts.body_part not in _CHEST:
        reason = f"The file says it shows {facts.body_part}; expected the chest."
        yield Issue(facts.body_part not in _MAY_SHOW_CHEST, reason)
    years = age_in_years(facts.patient_age)
    if years is not None and years >= 18:
        learned = "The patient is an adult. The model learned from children of 1 to 5 years alone;"
        yield Issue(False, f"{learned} on adults such models were wrong about as often as a coin. Do not rely on this answer.")
    elif years is not None and not 1 <= years < 6:
        yield Issue(False, "The patient is not between 1 and 5 years old; the model was not tested at other ages.")


def learned_issues(image: np.ndarray, features: np.ndarray, reference: Reference) -> Iterator[Issue]:
    """Issues of an image unlike the train images, rotated or inverted."""
    strangeness, pose = reference.strangeness(features, image), reference.pose(image)
    upright = pose == POSES[0]
    hint = "" if upright else f" If it is one, it seems {pose}: correct that and try again."
    if not strangeness <= reference.cuts[1]:  # NaN is refused
        yield Issue(True, "The image does not look like a frontal chest X-ray of a child, so there is no answer." + hint)
        return
    if strangeness > reference.cuts[0]:
        yield Issue(False, "The image is unlike the chest X-rays that the model learned from; its answer may be wrong.")
    if not upright:
        yield Issue(False, f"The image seems {pose}. Correct that and read it again: the model knows no such images.")


def age_in_years(age: str | None) -> float | None:
    """DICOM age string ("003Y", "018M", "002W", "010D") -> years; None without one."""
    return int(age[:-1]) * _YEARS[age[-1]] if age else None
