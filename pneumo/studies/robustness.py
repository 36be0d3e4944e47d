"""Measure a registered model on perturbed copies of a split -> robustness.json."""

import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.arrays import Images
from pneumo.data.cache import cached_images
from pneumo.data.records import Record, folder_of
from pneumo.data.split import SPLIT
from pneumo.evaluation.intervals import RESAMPLES, patient_intervals
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.likelihood import posterior, stated_prevalence
from pneumo.evaluation.operating_point import BALANCED
from pneumo.evaluation.summary import figures_at
from pneumo.imaging.lung_box import Box
from pneumo.imaging.lung_cover import lungs_hidden, lungs_only
from pneumo.imaging.perturbations import CHANGES
from pneumo.inference.heatmap import heat_share, seen_share
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor
from pneumo.labels import LABELS, Label
from pneumo.paths import models_dir
from pneumo.registry.model_folder import GRAPH, ROBUSTNESS, store
from pneumo.registry.models import ModelCard
from pneumo.studies.assess import records_of
from pneumo.studies.faithfulness import BATCH, at_random, by_heat, curve, exposed_like
from pneumo.studies.randomisation import finite_mean, randomisation_test
from pneumo.versions import git_commit

log = logging.getLogger(__name__)

FRACTIONS = tuple(step / 10 for step in range(11))  # of the cells, for the curves
CURVE_IMAGES, RANDOM_ORDERS = 64, 2
RANDOMISED_IMAGES = 32


def assess_robustness(
    predictor: Predictor,
    data: Path,
    split: str,
    output: Path | None = None,
    root: Path | None = None,
    ledger: Path | None = None,
    sample: int | None = None,
) -> dict[str, Any]:
    """Measure on `split` (as in `assess_split`), write robustness.json into `output` (default: the model's own folder), return it.

    `sample`: the number of images, drawn with a fixed seed; all take about 35 passes. Test adds
    one row to `ledger` (default: ledger.csv of the registry). Raises DataError for images that cannot be read.
    """
    root = root or models_dir()
    records = records_of(data, split, root / predictor.card.id / SPLIT, sample)
    images = cached_images(folder_of(data), [record.path for record in records])[np.arange(len(records))]
    report = {"split": split, **measure_robustness(predictor, root / predictor.card.id / GRAPH, records, images)}
    store(output or root / predictor.card.id, ROBUSTNESS, report)
    if split == "test":
        why = "robustness" if sample is None else f"robustness, on {len(records)} of the images"
        add_row(ledger or root / "ledger.csv", git_commit(), predictor.card.id, report["changes"][0], why)
    return report


def measure_robustness(predictor: Predictor, graph: Path, records: Sequence[Record], images: np.ndarray) -> dict[str, Any]:
    """Everything in robustness.json but the split's name; `images` uint8 (n, 224, 224), canonical, one per record.

    `graph` is the model's serving graph. Figures are of answered images; `unanswered` counts the others. About 35 passes;
    undefined figures are None. Raises ModelError without a lung segmenter.
    """
    labels = np.array([record.label == Label.PNEUMONIA for record in records], np.int64)
    patients = np.array([record.patient for record in records])
    threshold = predictor.card.operating_points[BALANCED]
    finder = predictor.finder or LungFinder.load()
    fields = [finder.find(image) for image in images]
    with_lungs = np.array([i for i, field in enumerate(fields) if field.plausible], np.int64)
    unchanged = _pass(predictor, images)

    changes = []
    for change in CHANGES:
        same = change.kind == "none"
        answers = unchanged if same else _pass(predictor, [change.apply(image) for image in images])
        at = answers.answered
        figures = figures_at(labels[at], answers.probabilities[at], patients[at], threshold)
        both = at & unchanged.answered
        shift = finite_mean(np.abs(answers.probabilities - unchanged.probabilities)[both])
        unanswered = {label: int((~at & (labels == number)).sum()) for number, label in enumerate(LABELS)}
        changes.append({"kind": change.kind, "amount": change.amount, **figures, "mean_shift": shift, "unanswered": unanswered})
        log.info("%s: %s %s", predictor.card.id, change.kind, change.amount)

    shown = [predictor.card.input.shown(fields[i].box) for i in with_lungs]
    covered = {}
    for name, paint in (("lungs_hidden", lungs_hidden), ("lungs_only", lungs_only)):
        # The region comes from the original image: without lungs none would be found.
        answers = _pass(predictor, [paint(images[i], fields[i].mask) for i in with_lungs], shown)
        figures = figures_at(labels[with_lungs], answers.probabilities, patients[with_lungs], threshold)
        healthy_ratios = answers.log_ratios[labels[with_lungs] == 0]
        covered[name] = {
            "auc": figures["auc"],
            "mean_probability_sick": finite_mean(answers.probabilities[labels[with_lungs] == 1]),
            "mean_probability_healthy": finite_mean(answers.probabilities[labels[with_lungs] == 0]),
            "median_log_ratio_healthy": float(np.median(healthy_ratios)) if len(healthy_ratios) else None,
        }
        if name == "lungs_hidden":  # also as a row of the table of changes
            no_one = dict.fromkeys(LABELS, 0)
            changes.append({"kind": "lungs hidden", "amount": "", **figures, "mean_shift": None, "unanswered": no_one})
        log.info("%s: %s", predictor.card.id, name)

    probabilities = np.where(unchanged.answered, unchanged.probabilities, np.nan)
    called = _sample(np.flatnonzero(probabilities >= threshold), CURVE_IMAGES)
    healthy = _sample(np.flatnonzero((probabilities < threshold) & (labels == 0)), CURVE_IMAGES)
    inputs = unchanged.inputs(predictor, images, called)
    return {
        "model_sha256": predictor.card.sha256,
        "n": len(records),
        "made": datetime.date.today().isoformat(),
        "operating_point": BALANCED,
        "prevalence": stated_prevalence(),  # of every probability here
        "lungs_unknown": len(records) - len(with_lungs),  # of n: excluded from hidden lungs and heat
        "changes": changes,
        **covered,
        "heat_in_lungs": _heat(predictor.card, unchanged, [field.mask for field in fields], with_lungs, labels, patients),
        **_curves(predictor, inputs, unchanged.maps[called], unchanged.inputs(predictor, images, healthy)),
        "randomisation": {"layers": randomisation_test(predictor.card, graph, inputs[:RANDOMISED_IMAGES])},
    }


@dataclass(frozen=True)
class _Answers:
    """The model's answers for n images."""

    answered: np.ndarray  # bool (n,)
    log_ratios: np.ndarray  # float64 (n,), NaN without an answer; as the next
    probabilities: np.ndarray  # float64 (n,), at the stated prevalence
    maps: np.ndarray  # float32 (n, h, w), raw
    shown: list[Box | None]  # None without an answer

    def inputs(self, predictor: Predictor, images: np.ndarray, index: np.ndarray) -> np.ndarray:
        """float32 (len(index), size, size, 1) of answered images; the index may be empty."""
        size = predictor.card.input.size
        return np.array([predictor.input(images[i], self.shown[i]) for i in index], np.float32).reshape(-1, size, size, 1)


def _pass(predictor: Predictor, images: Images, shown: Sequence[Box] | None = None) -> _Answers:
    """Answers to canonical images, in batches; `shown`: the regions, if known."""
    places: list[Box | None] = [predictor.shown_if_found(images[i]) for i in range(len(images))] if shown is None else [*shown]
    index = [i for i, place in enumerate(places) if place is not None]
    batches = [index[start : start + BATCH] for start in range(0, len(index), BATCH)]
    outputs = [predictor.run(np.stack([predictor.input(images[i], places[i]) for i in batch])) for batch in batches]
    answered = np.zeros(len(images), bool)
    answered[index] = True
    log_ratios = np.full(len(images), np.nan)
    maps = np.zeros((len(images), *(outputs[0].maps.shape[1:] if outputs else (1, 1))), np.float32)
    if outputs:
        log_ratios[index] = predictor.card.calibration.log_ratio(np.concatenate([output.logits for output in outputs]))
        maps[index] = np.concatenate([output.maps for output in outputs])
    return _Answers(answered, log_ratios, posterior(log_ratios, stated_prevalence()), maps, places)


def _heat(
    card: ModelCard,
    answers: _Answers,
    masks: Sequence[np.ndarray],
    with_lungs: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
) -> dict[str, Any]:
    """Over the `n` images with positive heat and plausible lungs: `share` of the heat in the lungs, their `area` in the image, and
    `shown`, their area in the region the network sees, the share of a uniform map."""
    index = [i for i in with_lungs if answers.answered[i]]
    seen = [(answers.maps[i], box, masks[i]) for i in index if (box := answers.shown[i])]
    shares = np.array([heat_share(gradcam, card, box, mask) for gradcam, box, mask in seen])
    areas = np.array([mask.mean() for _, _, mask in seen])
    areas_shown = np.array([seen_share(box, mask) for _, box, mask in seen])
    hot = np.isfinite(shares)

    def share(drawn: np.ndarray) -> np.ndarray:
        return np.array([finite_mean(shares[drawn], np.nan)])

    value, (low, high) = share(np.arange(len(index))), patient_intervals(share, patients[index], resamples=RESAMPLES)
    return {
        "n": int(hot.sum()),
        "share": {name: _number(ends[0]) for name, ends in (("value", value), ("low", low), ("high", high))},
        "area": finite_mean(areas[hot]),
        "shown": finite_mean(areas_shown[hot]),
        "by_class": {label: finite_mean(shares[labels[index] == number]) for number, label in enumerate(LABELS)},
    }


def _curves(predictor: Predictor, inputs: np.ndarray, maps: np.ndarray, healthy: np.ndarray) -> dict[str, Any]:
    """Deletion and insertion curves over images called PNEUMONIA, for which the map is evidence.

    A deleted cell is replaced by that of a true negative at the same exposure. The usual fill, blurring, fails here: the shipped
    models call a blurred chest sick (mean probability 1.00). `auc_gap` is the area between the model's curve and that of random
    orders, positive where the map is better.
    """
    if not len(healthy):
        inputs, maps = inputs[:0], maps[:0]
    others = exposed_like(healthy[np.arange(len(inputs)) % max(1, len(healthy))], inputs)
    orders = by_heat(maps)
    count, cells = orders.shape
    chance = [at_random(count, cells, seed) for seed in range(RANDOM_ORDERS)]
    curves, gaps = {}, {}
    for name, before, after, sign in (("deletion", inputs, others, 1), ("insertion", others, inputs, -1)):
        model = curve(predictor, before, after, orders, FRACTIONS)
        random = np.mean([curve(predictor, before, after, order, FRACTIONS) for order in chance], axis=0)
        curves[name] = {"fractions": list(FRACTIONS), "model": list(map(_number, model)), "random": list(map(_number, random))}
        gaps[name] = _number(sign * np.trapezoid(random - model, FRACTIONS))
        log.info("%s: %s", predictor.card.id, name)
    return {**curves, "auc_gap": gaps}


def _sample(index: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of `index`, drawn with a fixed seed."""
    return np.sort(np.random.default_rng(0).permutation(index)[:most])


def _number(value: float) -> float | None:
    """NaN becomes None, for JSON."""
    return float(value) if np.isfinite(value) else None
