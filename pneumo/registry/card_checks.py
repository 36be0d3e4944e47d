"""Whether the values of a card.json can be a model's at all: finite, and within what each of them means.

By the names of fields, wherever they stand; what a later card has besides must be finite. What a field means is said in
`registry.ModelCard`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pneumo.evaluation.operating_point import BALANCED, RULE_IN, RULE_OUT

POINTS = (RULE_OUT, BALANCED, RULE_IN)  # in the order of their cuts
_SIDE = 224  # of the canonical image, which the margin is cut from
_LARGEST = 4096  # pixels, of a network's input
_ENDLESS = 1e300  # JSON knows whole numbers that no float can hold


def odd_values(fields: Mapping[str, Any]) -> list[str]:
    """What cannot be, each as "temperature is -1, expected more than 0"; empty for a card that may serve."""
    return (
        endless_numbers(fields)
        + [
            f"{name} is {value!r}, expected {_RULES[name][1]}"
            for name, value in _named(fields)
            if name in _RULES and not _RULES[name][0](value)
        ]
        + _odd_points(fields)
    )


def endless_numbers(value: Any) -> list[str]:
    """NaN and the infinite, wherever they stand in what JSON holds."""
    return [f"{name} is {number}, expected a finite number" for name, number in _numbers(value) if not abs(number) < _ENDLESS]


def _odd_points(fields: Mapping[str, Any]) -> list[str]:
    """Version 1 has cuts of probabilities, under another name; later cards cut log likelihood ratios, of any size."""
    first = fields.get("card_version", 1) == 1
    name = "operating_points" if first else "cuts"
    points = fields.get(name)
    if not isinstance(points, Mapping) or not set(POINTS) <= set(points):
        return [f"{name} is {points!r}, expected cuts for {', '.join(POINTS)}"]
    if not all(_is_number(cut) for cut in points.values()):
        return [f"{name} is {points!r}, expected numbers"]
    odd = []
    if first:  # a cut that calls no one lies just above 1
        odd = [f"the cut {name} is {cut}, expected 0 to 1" for name, cut in points.items() if not 0 <= cut <= 1 + 1e-9]
    if not points[RULE_OUT] <= points[BALANCED] <= points[RULE_IN]:
        odd.append("the cuts rule-out, balanced and rule-in do not rise in this order")
    return odd


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
_NUMBER: _Rule = (_is_number, "a number")
_COUNT: _Rule = (_is_count, "a count")
_RULES: dict[str, _Rule] = {
    "temperature": _POSITIVE,
    "bias": _NUMBER,
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
    """Every (name, value) of objects within objects, but for the run's settings, which no answer depends on."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield name, each
            if name not in ("training", "versions", "files"):
                yield from _named(each)


def _numbers(value: Any, name: str = "the card") -> Iterator[tuple[str, float]]:
    if _is_number(value):
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _numbers(each, str(key))
    elif isinstance(value, list):
        for each in value:
            yield from _numbers(each, name)
