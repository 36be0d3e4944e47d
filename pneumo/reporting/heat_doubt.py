"""Whether a model's heatmap does better than chance. If it does not, it is shown only on request."""

from pathlib import Path
from typing import Any

from pneumo.errors import ModelError
from pneumo.registry.model_folder import ModelFolder


def heatmap_doubt(model: str, root: Path | None = None) -> str:
    """Why the heatmap is not shown by default; empty if it does better than chance, was not measured, or its measurement cannot be
    read (Metrics reports that)."""
    try:
        return _doubt(ModelFolder.of(model, root).robustness() or {})
    except (ModelError, KeyError, TypeError, AttributeError):
        return ""


def _doubt(robustness: dict[str, Any]) -> str:
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
