"""The model card: README.md of a model folder, from the folder's files and the published description of its data set."""

from pathlib import Path
from typing import Any

from pneumo.errors import ModelError
from pneumo.evaluation.operating_point import MEANING
from pneumo.outgoing import code, markdown, printable
from pneumo.paths import models_dir
from pneumo.registry.model_folder import README, ModelFolder
from pneumo.registry.models import ModelCard, read_card
from pneumo.registry.seal import reseal
from pneumo.reporting.evaluated import read_evaluated
from pneumo.reporting.model_card_answers import MONITORING, SAMPLE_SIZE, answer_lines, caution_lines
from pneumo.reporting.model_card_participants import participant_lines
from pneumo.reporting.numbers import interval

DISCLAIMER = "Research use. Not a medical device. Children of 1 to 5 years, frontal view."
INTENDED_USE = (
    "Research and teaching on frontal chest radiographs of children of 1 to 5 years. Not a medical device: it must not "
    "decide on diagnosis or treatment. Adults, lateral views and other hospitals' pictures were not tested."
)


def write_readme(model: str, root: Path) -> None:
    """Write models/<model>/README.md and seal it."""
    (root / model / README).write_text(card_markdown(model, root), encoding="utf-8")
    reseal(root / model, (README,))


def card_markdown(model: str, root: Path | None = None) -> str:
    """The model card as Markdown."""
    card, metrics = read_card(model, root), ModelFolder.of(model, root).metrics()
    lines = [
        f"# {_escaped(card.id)}",
        "",
        f"Intended use: {INTENDED_USE}",
        "",
        f"- Architecture: {_escaped(card.architecture)}, input {card.input.size} x {card.input.size} grey, {_input_text(card)}",
        f"- Data: {_escaped(card.data)}; split manifest SHA-256 {code(card.manifest_sha256[:16])}, patient-disjoint",
        f"- Trained {card.epochs_run} epochs (best: {card.best_epoch}), seed {_escaped(card.training['seed'])}, "
        f"commit {_escaped(card.commit)}, Keras {_escaped(card.versions.get('keras', '?'))}",
        f"- Calibration: log likelihood ratio = logit / {card.calibration.temperature:.3f} {card.calibration.bias:+.3f}, fitted "
        "on the calibration part of train and a disturbed copy of each of its images, both classes weighing the same",
        *(["- Answers with the mean of an image and its mirror image, and draws the mean of both maps"] if card.mirrored else []),
        *_subtype_line(card),
        f"- Weights SHA-256 {code(card.sha256)}, kernels stored as float16",
        "",
        *participant_lines(card, root or models_dir(), metrics),
    ]
    for split in ("test", "validation"):
        if split in metrics:
            lines += [*_table(split, metrics[split]), *answer_lines(read_evaluated(model, split, root))]
    lines += gate_lines(card, root or models_dir())
    lines += caution_lines(model, root)
    lines += ["## How far to trust it", "", _TESTED if "test" in metrics else _UNTESTED, "", SAMPLE_SIZE, "", MONITORING, ""]
    return "\n".join(lines)


_TESTED = (
    "The test split chose no epoch, calibration or operating point: those come from parts of train. Whether the protocol itself "
    "was informed by earlier looks at test cannot be told from this folder: models/ledger.csv, beside it, lists every look, with "
    "its reason. Expect less in another hospital."
)
_UNTESTED = (
    "This model was not evaluated on a test split: nothing is known of how far to trust it. Figures of the validation part, "
    "which chose the epoch, flatter a model, the more so where pictures are taken otherwise than in train."
)


def gate_lines(card: ModelCard, root: Path) -> list[str]:
    """What the gate refuses, from gate.json; "Not measured yet." without a readable one."""
    lines = ["## When it does not answer", ""]
    try:
        gate = ModelFolder.of(card.id, root).gate()
    except ModelError:
        gate = None
    if gate is None:
        return [*lines, "Not measured yet.", ""]
    groups = "".join(
        f"| {_escaped(group.name)} | {_escaped(group.role)} | {group.n} | {interval(group.rejected)} | {interval(group.told)} |\n"
        for group in gate.groups
    )
    figures = (
        f"Of the X-rays of {_escaped(gate.split)} {interval(gate.chest_rejected)} are refused; of pictures of other "
        f"things, kinds that chose nothing, {interval(gate.foreign_rejected)}. Intervals of 95 %: "
        f"{_escaped(gate.intervals)}; told: refused or warned."
    )
    return [*lines, figures, "", "| pictures | what they are | n | refused | told |", "|---|---|---|---|---|", groups]


def _input_text(card: ModelCard) -> str:
    if card.input.lung_centred:
        return f"of the box of both lungs, each axis by itself (lung segmenter {(card.segmenter_sha256 or '')[:16]})"
    return f"of the whole frame, {card.input.margin} of 224 pixels cut off on each side"


def _subtype_line(card: ModelCard) -> list[str]:
    fit = card.subtype_calibration
    if fit is None:
        return []
    numbers = f"logit / {fit.temperature:.3f} {fit.bias:+.3f}"
    return [f"- Second output, bacterial against viral: {numbers}, fitted on the pneumonias of the calibration part"]


def _table(split: str, m: dict[str, Any]) -> list[str]:
    rows = [
        f"## {split.capitalize()} split: {_escaped(m['n'])} images of {_escaped(m['patients'])} patients",
        "",
        "| operating point | threshold | sensitivity | specificity | accuracy |",
        "|---|---|---|---|---|",
    ]
    for name, point in m["operating_points"].items():
        cells = " | ".join(interval(point[key]) for key in ("sensitivity", "specificity", "accuracy"))
        rows.append(f"| {_escaped(name)} ({MEANING[name]}) | {point['threshold']:.3f} | {cells} |")
    rows += ["", f"AUC {interval(m['auc'])}. 95 % intervals over patients (metrics.json says by which way).", ""]
    errors = f"Brier score {m['brier']:.3f}, expected calibration error {m['ece']:.3f}"
    if fit := m.get("calibration"):  # older figures have none
        rows += [
            f"Calibration intercept {interval(fit['intercept'], 2)} (0 is right, below 0 says sick too often) and slope "
            f"{interval(fit['slope'], 2)} (1 is right). Thresholds are probabilities at this split's own share of sick "
            f"children, {m['prevalence']:.0%}, and so are the errors: {errors}.",
            "",
        ]
    else:
        rows += [f"{errors}.", ""]
    if lost := sum(m.get("unanswered", {}).values()):
        rows += [f"{lost} more images got no answer, because their lungs were not found; they are in no figure above.", ""]
    if kind := m.get("subtype"):
        rows += [
            f"Bacterial against viral, on the {_escaped(kind['n'])} pneumonias of known kind: AUC {interval(kind['auc'])}, "
            f"accuracy {interval(kind['accuracy'])}, bacterial found {interval(kind['sensitivity'])}, "
            f"viral found {interval(kind['specificity'])}. Not to choose antibiotics by.",
            "",
        ]
    return rows


def _escaped(value: object) -> str:
    """Text from a file of the model's folder as one line of Markdown."""
    return markdown(printable(str(value)))
