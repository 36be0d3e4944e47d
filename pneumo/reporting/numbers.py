"""Formatting of numbers, for pages and PDF."""

from collections.abc import Mapping


def number(value: float | None, digits: int = 3) -> str:
    """With `digits` decimals; "undefined" for None and NaN."""
    return "undefined" if value is None or value != value else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    return "undefined" if value is None or value != value else f"{value:+.{digits}f}"


def probability(value: float, digits: int = 3) -> str:
    """Never 0 or 1: "below 0.001" and "above 0.999" instead, with `digits` decimals."""
    least = 10.0**-digits
    if value < least / 2:
        return f"below {least:.{digits}f}"
    return f"above {1 - least:.{digits}f}" if value >= 1 - least / 2 else f"{value:.{digits}f}"


def p_value(p: float) -> str:
    if p != p:
        return "undefined"
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def interval(figure: Mapping[str, float | None], digits: int = 3) -> str:
    """{value, low, high} -> "0.950 (0.930-0.970)", with "to" if `low` is negative; "undefined" if a value is None."""
    value, low, high = (figure[name] for name in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return "undefined"
    return f"{value:.{digits}f} ({low:.{digits}f}{' to ' if low < 0 else '-'}{high:.{digits}f})"
