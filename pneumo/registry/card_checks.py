"""Check the values of a card.json: finite and within their valid ranges.

Fields are checked by name at any depth; unknown fields must only be finite. `registry.models.ModelCard` describes the fields.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pneumo.evaluation.operating_point import BALANCED, RULE_IN, RULE_OUT

POINTS = (RULE_OUT, BALANCED, RULE_IN)  # in ascending order of their cuts
_SIDE = 224  # pixels, of the canonical image
_LARGEST = 4096  # pixels, of a network's input
_TOO_LARGE = 1e300  # JSON integers may exceed the range of a float


def invalid_values(fields: Mapping[str, Any]) -> list[str]:
    """Every invalid value, as "temperature is -1, expected more than 0"; empty for a valid card."""
    ruled = ((name, value, *_RULES[name]) for name, value in _named(fields) if name in _RULES)
    invalid = [f"{name} is {value!r}, expected {expected}" for name, value, is_valid, expected in ruled if not is_valid(value)]
    return non_finite_numbers(fields) + invalid + _invalid_points(fields)


def non_finite_numbers(value: Any) -> list[str]:
    """NaN and infinite numbers at any depth of a JSON value, each as a message."""
    return [f"{name} is {number}, expected a finite number" for name, number in _numbers(value) if not abs(number) < _TOO_LARGE]


def _invalid_points(fields: Mapping[str, Any]) -> list[str]:
    """In version 1 the cuts are probabilities, named operating_points; in later versions log likelihood ratios of any size."""
    version_1 = fields.get("card_version", 1) == 1
    name = "operating_points" if version_1 else "cuts"
    points = fields.get(name)
    if not isinstance(points, Mapping) or not set(POINTS) <= set(points):
        return [f"{name} is {points!r}, expected cuts for {', '.join(POINTS)}"]
    if not all(_is_number(cut) for cut in points.values()):
        return [f"{name} is {points!r}, expected numbers"]
    invalid = []
    if version_1:  # a cut just above 1 calls no image pneumonia
        invalid = [f"the cut {name} is {cut}, expected 0 to 1" for name, cut in points.items() if not 0 <= cut <= 1 + 1e-9]
    if not points[RULE_OUT] <= points[BALANCED] <= points[RULE_IN]:
        invalid.append("the cuts rule-out, balanced and rule-in do not rise in this order")
    return invalid


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_centres(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and -0.5 <= value[0] <= value[1] <= 1.5


def _are_hashes(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) and re.fullmatch(r"[\w.-]+", name)
        for name, digest in value.items()
    )


_Rule = tuple[Callable[[Any], bool], str]
_POSITIVE: _Rule = (lambda value: _is_number(value) and value > 0, "more than 0")
_COUNT: _Rule = (_is_count, "a count")
_RULES: dict[str, _Rule] = {
    "temperature": _POSITIVE,
    "bias": (_is_number, "a number"),
    "heatmap_scale": _POSITIVE,
    "heatmap_centres": (_are_centres, "two fractions of the image, the first not above the second"),
    "selection_loss": (lambda value: _is_number(value) and value >= 0, "0 or more"),
    "size": (lambda value: _is_count(value) and 0 < value <= _LARGEST, f"a side of 1 to {_LARGEST} pixels"),
    "margin": (lambda value: _is_count(value) and 2 * value < _SIDE, f"less than half of {_SIDE} pixels"),
    "epochs_run": _COUNT,
    "best_epoch": _COUNT,
    "mirrored": (lambda value: isinstance(value, bool), "true or false"),
    "lung_centred": (lambda value: isinstance(value, bool), "true or false"),
    "files": (_are_hashes, "plain names, each with a SHA-256"),
}


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    """Every (name, value) of nested objects, except inside the run's settings, on which no answer depends."""
    if isinstance(value, Mapping):
        for name, field in value.items():
            yield name, field
            if name not in ("training", "versions", "files"):
                yield from _named(field)


def _numbers(value: Any, name: str = "the card") -> Iterator[tuple[str, float]]:
    if _is_number(value):
        yield name, value
    elif isinstance(value, Mapping):
        for key, field in value.items():
            yield from _numbers(field, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item, name)
