"""The model card: README.md of a model folder, from the folder's files and the published description of its data set."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pneumo.data.origin import origin_of
from pneumo.data.split import PARTS, SPLIT
from pneumo.errors import ModelError, PneumoError
from pneumo.evaluation.groups import by_subtype
from pneumo.evaluation.operating_point import BALANCED, MEANING
from pneumo.outgoing import code, markdown, printable
from pneumo.paths import models_dir
from pneumo.registry.model_folder import README, ModelFolder
from pneumo.registry.models import ModelCard, read_card
from pneumo.registry.seal import reseal
from pneumo.reporting.evaluated import Evaluated, read_cautions, read_evaluated
from pneumo.reporting.evaluation_rows import zone_rows
from pneumo.reporting.numbers import interval

DISCLAIMER = "Research use. Not a medical device. Children of 1 to 5 years, frontal view."
INTENDED_USE = (
    "Research and teaching on frontal chest radiographs of children of 1 to 5 years. Not a medical device: it must not "
    "decide on diagnosis or treatment. Adults, lateral views and other hospitals' pictures were not tested."
)
_TESTED = (
    "The test split chose no epoch, calibration or operating point: those come from parts of train. Whether the protocol itself "
    "was informed by earlier looks at test cannot be told from this folder: models/ledger.csv, beside it, lists every look, with "
    "its reason. Expect less in another hospital."
)
_UNTESTED = (
    "This model was not evaluated on a test split: nothing is known of how far to trust it. Figures of the validation part, "
    "which chose the epoch, flatter a model, the more so where pictures are taken otherwise than in train."
)
_SAMPLE_SIZE = (
    "Sample size: none was calculated beforehand. The test split is what the data set has; whether that is enough is for the "
    "reader to judge by the intervals. A difference smaller than an interval's width cannot be seen here."
)
_MONITORING = (
    "In use: the model learns nothing from what it is shown, and no update of the app changes it; other weights are another model, "
    "promoted under a name of its own, with its own card and hashes. Nobody watches it from afar: whoever runs it does. Before its "
    "first use, and after every change of detector, frame or patients, run `python -m pneumo evaluate MODEL --data DIR "
    "--split FOLDER --output OUT` on labelled X-rays of your own; where the record is switched on, History tells how often "
    "clinicians agree. Stop using it where sensitivity or specificity there lies outside the intervals above."
)
_USE = {
    "train": "the weights",
    "validation": "chose the epoch",
    "calibration": "calibration and operating points",
    "test": "figures",
    "excluded": "nearly the same picture as a test image",
}


def write_readme(model: str, root: Path) -> None:
    """Write models/<model>/README.md and seal it."""
    (root / model / README).write_text(card_markdown(model, root), encoding="utf-8")
    reseal(root / model, (README,))


def card_markdown(model: str, root: Path | None = None) -> str:
    """The model card as Markdown."""
    card, metrics = read_card(model, root), ModelFolder.of(model, root).metrics()
    facts = [
        f"- Architecture: {_escaped(card.architecture)}, input {card.input.size} x {card.input.size} grey, {_input_text(card)}",
        f"- Data: {_escaped(card.data)}; split manifest SHA-256 {code(card.manifest_sha256[:16])}, patient-disjoint",
        f"- Trained {card.epochs_run} epochs (best: {card.best_epoch}), seed {_escaped(card.training['seed'])}, "
        f"commit {_escaped(card.commit)}, Keras {_escaped(card.versions.get('keras', '?'))}",
        f"- Calibration: log likelihood ratio = logit / {card.calibration.temperature:.3f} {card.calibration.bias:+.3f}, fitted "
        "on the calibration part of train and a disturbed copy of each of its images, both classes weighing the same",
    ]
    if card.mirrored:
        facts.append("- Answers with the mean of an image and its mirror image, and draws the mean of both maps")
    if fit := card.subtype_calibration:
        numbers = f"logit / {fit.temperature:.3f} {fit.bias:+.3f}"
        facts.append(f"- Second output, bacterial against viral: {numbers}, fitted on the pneumonias of the calibration part")
    facts.append(f"- Weights SHA-256 {code(card.sha256)}, kernels stored as float16")
    paragraphs = [f"# {_escaped(card.id)}", f"Intended use: {INTENDED_USE}", "\n".join(facts)]
    paragraphs += _participants(card, root or models_dir(), metrics)
    for split in ("test", "validation"):
        if split in metrics:
            paragraphs += [*_figures(split, metrics[split]), *_answers(read_evaluated(model, split, root))]
    paragraphs += [*_gate(card, root or models_dir()), *_cautions(model, root)]
    paragraphs += ["## How far to trust it", _TESTED if "test" in metrics else _UNTESTED, _SAMPLE_SIZE, _MONITORING]
    return "\n\n".join(paragraphs) + "\n"


# Each of the following gives the paragraphs of a section.


def _participants(card: ModelCard, root: Path, metrics: Mapping[str, Any]) -> list[str]:
    """Origin of the data, and the flow of participants from the folder's files."""
    origin = origin_of(card.data)
    described = (
        f"- Selection: {origin.selection}\n"
        f"- Reference standard: {origin.reference_standard}\n"
        f"- Age and sex: {origin.age_and_sex} So no figure here is by age or sex, and fairness between them is unknown.\n"
        "- Missing data: none is filled in. What cannot be read stops an evaluation; what gets no answer is counted below."
    )
    try:
        rows = ModelFolder.of(card.id, root).split_rows()
    except PneumoError:
        flow = [f"The flow of participants cannot be told: {SPLIT} is not stored."]
    else:
        flow = ["Flow of participants:", f"```text\n{_flow(rows, metrics)}\n```"]
    return ["## Data and participants", described, *flow]


def _flow(rows: Sequence[Mapping[str, str]], metrics: Mapping[str, Any]) -> str:
    parts = [part for part in PARTS if any(row["part"] == part for row in rows)]
    lines = [f"all: {_counted(rows)}"]
    for part in parts:
        last = part == parts[-1]
        lines.append(f"{'└─' if last else '├─'} {part}: {_counted([r for r in rows if r['part'] == part])} -> {_USE[part]}")
        if part in metrics:
            lines.append(f"{'   ' if last else '│  '}└─ {_answered(metrics[part])}")
    return "\n".join(lines)


def _counted(rows: Sequence[Mapping[str, str]]) -> str:
    sick = sum(row["label"] == "PNEUMONIA" for row in rows)
    patients = len({row["patient"] for row in rows})
    return f"{len(rows):,} images of {patients:,} patients ({len(rows) - sick:,} NORMAL, {sick:,} PNEUMONIA)"


def _answered(figures: Mapping[str, Any]) -> str:
    lost = figures.get("unanswered", {})
    none = ", ".join(f"{count} {label}" for label, count in lost.items() if count)
    return f"answered: {figures['n']:,} images of {figures['patients']:,} patients; no lungs found: {none or 'none'}"


def _figures(split: str, m: Mapping[str, Any]) -> list[str]:
    rates = ("sensitivity", "specificity", "accuracy")
    points = (
        (f"{_escaped(name)} ({MEANING[name]})", f"{point['threshold']:.3f}", *(interval(point[rate]) for rate in rates))
        for name, point in m["operating_points"].items()
    )
    errors = f"Brier score {m['brier']:.3f}, expected calibration error {m['ece']:.3f}"
    if fit := m.get("calibration"):  # older figures have none
        errors = (
            f"Calibration intercept {interval(fit['intercept'], 2)} (0 is right, below 0 says sick too often) and slope "
            f"{interval(fit['slope'], 2)} (1 is right). Thresholds are probabilities at this split's own share of sick "
            f"children, {m['prevalence']:.0%}, and so are the errors: {errors}"
        )
    paragraphs = [
        f"## {split.capitalize()} split: {_escaped(m['n'])} images of {_escaped(m['patients'])} patients",
        _table(("operating point", "threshold", *rates), points),
        f"AUC {interval(m['auc'])}. 95 % intervals over patients (metrics.json says by which way).",
        f"{errors}.",
    ]
    if lost := sum(m.get("unanswered", {}).values()):
        paragraphs.append(f"{lost} more images got no answer, because their lungs were not found; they are in no figure above.")
    if kind := m.get("subtype"):
        paragraphs.append(
            f"Bacterial against viral, on the {_escaped(kind['n'])} pneumonias of known kind: AUC {interval(kind['auc'])}, "
            f"accuracy {interval(kind['accuracy'])}, bacterial found {interval(kind['sensitivity'])}, "
            f"viral found {interval(kind['specificity'])}. Not to choose antibiotics by."
        )
    return paragraphs


def _answers(evaluated: Evaluated) -> list[str]:
    """Shares of the verdicts, and subgroups; empty if predictions of both classes are not stored."""
    if evaluated.predictions is None or not evaluated.both_classes:
        return []
    groups = by_subtype(evaluated.predictions, evaluated.points[BALANCED])
    rows = ((group.name, str(group.images), str(group.patients), interval(group.right.figure)) for group in groups)
    return [
        "An answer between rule-out and rule-in is INDETERMINATE: it is told as such, neither right nor wrong, and is no part of "
        "NORMAL or PNEUMONIA below. At `balanced`, above, it counts on the side of the threshold that it lies on.",
        _table(
            ("verdict", "of the sick", "of the healthy", "likelihood ratio"),
            zone_rows(evaluated.predictions, evaluated.points),
        ),
        _table(("subgroup", "images", "patients", "called rightly at balanced"), rows),
    ]


def _cautions(model: str, root: Path | None) -> list[str]:
    """How often each caution accompanies right and wrong answers; empty if not measured."""
    rows = [(name, interval(rate.right), interval(rate.wrong)) for name, rate in read_cautions(model, root).items()]
    told = (
        "Each is said from where on it stands beside at most 5 % of the right answers of the calibration part; these shares are of "
        "the validation part, with a disturbed copy of each image, 95 % intervals over patients."
    )
    table = _table(("caution", "beside right answers", "beside wrong ones: what it catches"), rows)
    return ["## Cautions", told, table] if rows else []


def _gate(card: ModelCard, root: Path) -> list[str]:
    """What the gate refuses, from gate.json; "Not measured yet." without a readable one."""
    try:
        gate = ModelFolder.of(card.id, root).gate()
    except ModelError:
        gate = None
    if gate is None:
        return ["## When it does not answer", "Not measured yet."]
    rows = (
        (_escaped(group.name), _escaped(group.role), str(group.n), interval(group.rejected), interval(group.told))
        for group in gate.groups
    )
    figures = (
        f"Of the X-rays of {_escaped(gate.split)} {interval(gate.chest_rejected)} are refused; of pictures of other "
        f"things, kinds that chose nothing, {interval(gate.foreign_rejected)}. Intervals of 95 %: "
        f"{_escaped(gate.intervals)}; told: refused or warned."
    )
    return ["## When it does not answer", figures, _table(("pictures", "what they are", "n", "refused", "told"), rows)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def _input_text(card: ModelCard) -> str:
    if card.input.lung_centred:
        return f"of the box of both lungs, each axis by itself (lung segmenter {(card.segmenter_sha256 or '')[:16]})"
    return f"of the whole frame, {card.input.margin} of 224 pixels cut off on each side"


def _escaped(value: object) -> str:
    """Text from a file of the model's folder as one line of Markdown."""
    return markdown(printable(str(value)))
