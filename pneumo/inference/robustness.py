"""A registered model over changed copies of a split -> robustness.json: what its answers bear, and what they rest on."""

import datetime
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.arrays import Images
from pneumo.data.cache import cached_images
from pneumo.data.records import Record, folder_of
from pneumo.evaluation.intervals import RESAMPLES, patient_intervals
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.metrics import metrics
from pneumo.evaluation.operating_point import BALANCED
from pneumo.files import write_json
from pneumo.imaging.changes import CHANGES
from pneumo.imaging.lungs import lung_mask, lungs_hidden, lungs_only
from pneumo.imaging.preprocess import model_input
from pneumo.inference.assess import records_of
from pneumo.inference.faithfulness import BATCH, at_random, by_heat, curve, exposed_like, heat_share, seen_share
from pneumo.inference.lung_checks import load_finder, lungs_of
from pneumo.inference.predictor import Predictor
from pneumo.inference.randomisation import randomisation
from pneumo.registry import models_dir
from pneumo.seal import reseal
from pneumo.versions import git_commit

log = logging.getLogger(__name__)

FILE = "robustness.json"
FRACTIONS = tuple(step / 10 for step in range(11))  # of the cells, for the curves
CURVE_IMAGES, RANDOM_ORDERS = 64, 2
RANDOMISED_IMAGES = 32
_FIGURES = ("auc", "accuracy", "sensitivity", "specificity")


def assess_robustness(
    predictor: Predictor, data: Path, split: str, output: Path | None = None, root: Path | None = None,
    ledger: Path | None = None, sample: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Measure on `split` (as in `assess`), write robustness.json into `output` (default: the model's own folder), return it.

    `sample`: on so many of its images, drawn by a fixed seed; all of them take about 35 passes.

    Test adds one row to `ledger` (default: ledger.csv of the registry). Raises DataError for images that cannot be read.
    """
    root = root or models_dir()
    records = records_of(data, split, root / predictor.card.id / "split.csv")
    if sample is not None and sample < len(records):
        drawn = np.random.default_rng(0).choice(len(records), sample, replace=False)
        records = [records[i] for i in sorted(drawn)]
    images = cached_images(folder_of(data), [record.path for record in records])[np.arange(len(records))]
    found = {"split": split, **robustness(predictor, root / predictor.card.id / "model.onnx", records, images)}
    folder = output or root / predictor.card.id
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, found)
    reseal(folder, (FILE,))
    if split == "test":
        add_row(ledger or root / "ledger.csv", git_commit(), predictor.card.id, found["changes"][0],
                "robustness" if sample is None else f"robustness, on {len(records)} of the images")  # fmt: skip
    return found


def robustness(predictor: Predictor, graph: Path, records: Sequence[Record], images: np.ndarray) -> dict[str, Any]:
    """Everything robustness.json holds but the split's name; `images` uint8 (n, 224, 224), canonical, one a record.

    `graph` is the model's serving graph. About 35 passes over the images; undefined figures are None.
    """
    labels = np.array([record.label == "PNEUMONIA" for record in records], np.int64)
    patients = [record.patient for record in records]
    threshold = predictor.card.operating_points[BALANCED]
    finder = load_finder()
    lungs = [lungs_of(image, finder) for image in images]
    masks = [lung_mask(image) if each.mask is None else each.mask for image, each in zip(images, lungs, strict=True)]

    unchanged, maps = _pass(predictor, images)

    changes = []
    for change in CHANGES:
        same = change.kind == "none"
        probabilities = unchanged if same else _pass(predictor, [change.apply(image) for image in images])[0]
        figures = _figures(labels, probabilities, patients, threshold)
        shift = float(np.abs(probabilities - unchanged).mean())
        changes.append({"kind": change.kind, "amount": change.amount, **figures, "mean_shift": shift})
        log.info("%s: %s %s: mean shift %.3f", predictor.card.id, change.kind, change.amount, shift)

    covered = {}
    for name, paint in (("lungs_hidden", lungs_hidden), ("lungs_only", lungs_only)):
        probabilities, _ = _pass(predictor, [paint(image, mask) for image, mask in zip(images, masks, strict=True)])
        covered[name] = {
            "auc": _figures(labels, probabilities, patients, threshold)["auc"],
            "mean_probability_sick": _mean(probabilities[labels == 1]),
            "mean_probability_healthy": _mean(probabilities[labels == 0]),
        }
        log.info("%s: %s", predictor.card.id, name)

    called = _sample(np.flatnonzero(unchanged >= threshold), CURVE_IMAGES)
    healthy = _sample(np.flatnonzero((unchanged < threshold) & (labels == 0)), CURVE_IMAGES)
    inputs = _inputs(predictor, images[called])
    return {
        "model_sha256": predictor.card.sha256,
        "n": len(records),
        "made": datetime.date.today().isoformat(),
        "operating_point": BALANCED,
        "lungs_by_atlas": sum(each.mask is None or each.by_atlas for each in lungs),  # of n; the others by the segmenter
        "changes": changes,
        **covered,
        "heat_in_lungs": _heat(predictor, maps, masks, labels, patients),
        **_curves(predictor, inputs, maps[called], _inputs(predictor, images[healthy])),
        "randomisation": {"layers": randomisation(predictor.card, graph, inputs[:RANDOMISED_IMAGES])},
    }


def _pass(predictor: Predictor, images: Images) -> tuple[np.ndarray, np.ndarray]:
    """(calibrated probabilities float64 (n,), raw maps float32 (n, h, w)) of canonical images, in batches."""
    outputs = [predictor.run(_inputs(predictor, images[i : i + BATCH])) for i in range(0, len(images), BATCH)]
    logits = np.concatenate([output.logits for output in outputs])
    return predictor.card.calibration.probability(logits), np.concatenate([output.maps for output in outputs])


def _inputs(predictor: Predictor, images: Iterable[np.ndarray]) -> np.ndarray:
    """float32 (n, size, size, 1); n may be 0."""
    size = predictor.card.input.size
    return np.array([model_input(image, predictor.card.input) for image in images], np.float32).reshape(-1, size, size, 1)


def _heat(
    predictor: Predictor, maps: np.ndarray, masks: Sequence[np.ndarray], labels: np.ndarray, patients: Sequence[str]
) -> dict[str, Any]:
    """Over the images with any positive heat, `n` of them; `area_of_lungs` is what a map without any preference would have."""
    shares = np.array([heat_share(heat, predictor.card, mask) for heat, mask in zip(maps, masks, strict=True)])
    areas = np.array([seen_share(predictor.card, mask) for mask in masks])
    return {
        "n": int(np.isfinite(shares).sum()),
        "mean": _with_intervals(lambda index: np.array([_mean(shares[index], np.nan)]), patients)[0],
        "area_of_lungs": _mean(np.where(np.isfinite(shares), areas, np.nan)),
        "by_class": {"NORMAL": _mean(shares[labels == 0]), "PNEUMONIA": _mean(shares[labels == 1])},
    }


def _curves(predictor: Predictor, inputs: np.ndarray, maps: np.ndarray, healthy: np.ndarray) -> dict[str, Any]:
    """Deletion and insertion over images called PNEUMONIA: the map speaks for pneumonia, so that is where it must tell.

    A deleted cell is filled with the same cell of a healthy child rightly called NORMAL, at the image's exposure. Blurring, the
    usual fill, deletes nothing here: the shipped models call a blurred chest sick (mean probability 1.00). `auc_gap` is the
    area between the model's curve and that of random orders, positive where the map knows better.
    """
    if not len(healthy):
        inputs, maps = inputs[:0], maps[:0]
    others = exposed_like(healthy[np.arange(len(inputs)) % max(1, len(healthy))], inputs)
    orders = by_heat(maps)
    count, cells = orders.shape
    chance = [at_random(count, cells, seed) for seed in range(RANDOM_ORDERS)]
    found, gaps = {}, {}
    for name, before, after, sign in (("deletion", inputs, others, 1), ("insertion", others, inputs, -1)):
        model = curve(predictor, before, after, orders, FRACTIONS)
        random = np.mean([curve(predictor, before, after, order, FRACTIONS) for order in chance], axis=0)
        found[name] = {"fractions": list(FRACTIONS), "model": _numbers(model), "random": _numbers(random)}
        gaps[name] = _number(sign * np.trapezoid(random - model, FRACTIONS))
        log.info("%s: %s", predictor.card.id, name)
    return {**found, "auc_gap": gaps}


def _sample(index: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of `index`, drawn once and for all."""
    return np.sort(np.random.default_rng(0).permutation(index)[:most])


def _figures(
    labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str], threshold: float
) -> dict[str, dict[str, float | None]]:
    def vector(index: np.ndarray) -> np.ndarray:
        found = metrics(labels[index], probabilities[index], threshold)
        return np.array([getattr(found, name) for name in _FIGURES])

    return dict(zip(_FIGURES, _with_intervals(vector, patients), strict=True))


def _with_intervals(vector: Callable[[np.ndarray], np.ndarray], patients: Sequence[str]) -> list[dict[str, float | None]]:
    """[{value, low, high}] of each entry of a statistic over image indices."""
    value = vector(np.arange(len(patients)))
    low, high = patient_intervals(vector, patients, resamples=RESAMPLES)
    return [{"value": _number(v), "low": _number(a), "high": _number(b)} for v, a, b in zip(value, low, high, strict=True)]


def _mean(values: np.ndarray, undefined: float | None = None) -> float | None:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else undefined


def _numbers(values: np.ndarray) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    """JSON knows no NaN: undefined is null."""
    return float(value) if np.isfinite(value) else None
