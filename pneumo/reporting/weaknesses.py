"""A model's main weaknesses in a few sentences, shown first on Metrics, and whether its heatmap does better than chance."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pneumo.errors import ModelError
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.numbers import interval

_FALL = 0.02  # a smaller fall of a rate under a change of the picture is not reported
_CHANCE = 0.5  # AUC of guessing


def main_weaknesses(
    metrics: Mapping[str, Any] | None, robustness: Mapping[str, Any] | None, heat_doubt: str = ""
) -> tuple[str, ...]:
    """`metrics` of one split as in metrics.json, `robustness` as in robustness.json; None if not stored."""
    news = [*_calibration(metrics or {}), *_changes(robustness or {}), *_lungs_hidden(robustness or {})]
    return tuple(filter(None, [*news, heat_doubt]))


def _calibration(metrics: Mapping[str, Any]) -> list[str]:
    intercept = metrics.get("calibration", {}).get("intercept") or {}
    low, high = intercept.get("low"), intercept.get("high")
    if low is None or high is None or low <= 0 <= high:
        return []
    often = "too often" if high < 0 else "too rarely"
    return [f"Here it says sick {often}: calibration intercept {interval(intercept, 2)}, where 0 would be right."]


def _changes(robustness: Mapping[str, Any]) -> list[str]:
    """For each rate, the change of the picture under which it falls most."""
    changes = robustness.get("changes") or []
    plain = next((change for change in changes if change["kind"] == "none"), None)
    news = []
    for rate, whom in (("sensitivity", "sick"), ("specificity", "healthy")):
        measured = [each for each in changes if each[rate].get("value") is not None and not each["kind"].startswith("lungs")]
        if plain in measured and plain is not None:
            worst = min(measured, key=lambda change: change[rate]["value"])
            if plain[rate]["value"] - worst[rate]["value"] >= _FALL:
                kind = f"{worst['kind']} {worst['amount']}".strip()
                figures = f"{interval(worst[rate])}, as it is {interval(plain[rate])}"
                news.append(
                    f"{rate.capitalize()} falls most under {kind}: {figures} ({whom} children, {robustness.get('n', '?')} X-rays)."
                )
    return news


def _lungs_hidden(robustness: Mapping[str, Any]) -> list[str]:
    auc = (robustness.get("lungs_hidden") or {}).get("auc") or {}
    if auc.get("low") is None or auc["low"] <= _CHANCE:
        return []
    return [f"With the lungs hidden it still ranks the children, AUC {interval(auc)}: part of the answer comes from elsewhere."]


def heatmap_doubt(model: str, root: Path | None = None) -> str:
    """Why the heatmap is not shown by default; empty if it does better than chance, was not measured, or its measurement cannot be
    read (Metrics reports that)."""
    try:
        return _heat_doubt(ModelFolder.of(model, root).robustness() or {})
    except (ModelError, KeyError, TypeError, AttributeError):
        return ""


def _heat_doubt(robustness: dict[str, Any]) -> str:
    """By two measures: the share of heat in the lungs, whose interval must lie above the lungs' share of the image, and the gain of
    the insertion test over a random order."""
    reasons = []
    heat, gain = robustness.get("heat_in_lungs", {}), robustness.get("auc_gap", {}).get("insertion")
    low, chance = heat.get("share", {}).get("low"), heat.get("shown")
    if low is not None and chance is not None and low <= chance:
        value = heat["share"]["value"]
        reasons.append(
            f"{100 * value:.0f} % of its heat lay in the lungs, which take {100 * chance:.0f} % of what the model is shown"
        )
    if gain is not None and gain <= 0:
        reasons.append("its hottest places, put back first, brought the answer back no sooner than places drawn by lot")
    if not reasons:
        return ""
    measured = f"measured on {robustness.get('n', '?')} X-rays of {robustness.get('split', '?')}"
    return f"This model's heatmap does no better than chance: {'; '.join(reasons)} ({measured})."
