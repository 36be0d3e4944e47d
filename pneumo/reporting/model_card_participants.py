"""Section of the model card about data and participants."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pneumo.data.origin import origin_of
from pneumo.data.split import PARTS, SPLIT
from pneumo.errors import PneumoError
from pneumo.registry.model_folder import ModelFolder
from pneumo.registry.models import ModelCard

_USE = {
    "train": "the weights",
    "validation": "chose the epoch",
    "calibration": "calibration and operating points",
    "test": "figures",
    "excluded": "nearly the same picture as a test image",
}


def participant_lines(card: ModelCard, root: Path, metrics: Mapping[str, Any]) -> list[str]:
    """Origin of the data, and the flow of participants from the folder's files."""
    origin = origin_of(card.data)
    return [
        "## Data and participants",
        "",
        f"- Selection: {origin.selection}",
        f"- Reference standard: {origin.reference_standard}",
        f"- Age and sex: {origin.age_and_sex} So no figure here is by age or sex, and fairness between them is unknown.",
        "- Missing data: none is filled in. What cannot be read stops an evaluation; what gets no answer is counted below.",
        "",
        *_flow(card.id, root, metrics),
    ]


def _flow(model: str, root: Path, metrics: Mapping[str, Any]) -> list[str]:
    try:
        rows = ModelFolder.of(model, root).split_rows()
    except PneumoError:
        return [f"The flow of participants cannot be told: {SPLIT} is not stored.", ""]
    parts = [part for part in PARTS if any(row["part"] == part for row in rows)]
    lines = ["Flow of participants:", "", "```text", f"all: {_counted(rows)}"]
    for part in parts:
        last = part == parts[-1]
        lines.append(f"{'└─' if last else '├─'} {part}: {_counted([r for r in rows if r['part'] == part])} -> {_USE[part]}")
        if part in metrics:
            lines.append(f"{'   ' if last else '│  '}└─ {_answered(metrics[part])}")
    return [*lines, "```", ""]


def _counted(rows: Sequence[Mapping[str, str]]) -> str:
    sick = sum(row["label"] == "PNEUMONIA" for row in rows)
    patients = len({row["patient"] for row in rows})
    return f"{len(rows):,} images of {patients:,} patients ({len(rows) - sick:,} NORMAL, {sick:,} PNEUMONIA)"


def _answered(figures: Mapping[str, Any]) -> str:
    lost = figures.get("unanswered", {})
    none = ", ".join(f"{count} {label}" for label, count in lost.items() if count)
    return f"answered: {figures['n']:,} images of {figures['patients']:,} patients; no lungs found: {none or 'none'}"
