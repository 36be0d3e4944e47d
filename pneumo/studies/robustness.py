"""A registered model over changed copies of a split -> robustness.json: what its answers bear, and what they rest on."""

import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.arrays import Images
from pneumo.data.cache import cached_images
from pneumo.data.records import Record, folder_of
from pneumo.errors import LungsNotFound
from pneumo.evaluation.intervals import RESAMPLES, patient_intervals
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.likelihood import posterior, stated_prevalence
from pneumo.evaluation.operating_point import BALANCED
from pneumo.evaluation.summary import figures_at
from pneumo.files import write_json
from pneumo.imaging.lung_box import Box
from pneumo.imaging.lung_cover import lungs_hidden, lungs_only
from pneumo.imaging.perturbations import CHANGES
from pneumo.inference.heatmap import heat_share, seen_share
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor
from pneumo.labels import Label
from pneumo.paths import models_dir
from pneumo.registry.seal import reseal
from pneumo.studies.assess import records_of
from pneumo.studies.faithfulness import BATCH, at_random, by_heat, curve, exposed_like
from pneumo.studies.randomisation import randomisation_test
from pneumo.versions import git_commit

log = logging.getLogger(__name__)

FILE = "robustness.json"
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

    `sample`: on so many of its images, drawn by a fixed seed; all of them take about 35 passes.

    Test adds one row to `ledger` (default: ledger.csv of the registry). Raises DataError for images that cannot be read.
    """
    root = root or models_dir()
    records = records_of(data, split, root / predictor.card.id / "split.csv")
    if sample is not None and sample < len(records):
        drawn = np.random.default_rng(0).choice(len(records), sample, replace=False)
        records = [records[i] for i in sorted(drawn)]
    images = cached_images(folder_of(data), [record.path for record in records])[np.arange(len(records))]
    found = {"split": split, **measure_robustness(predictor, root / predictor.card.id / "model.onnx", records, images)}
    folder = output or root / predictor.card.id
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, found)
    reseal(folder, (FILE,))
    if split == "test":
        add_row(
            ledger or root / "ledger.csv",
            git_commit(),
            predictor.card.id,
            found["changes"][0],
            "robustness" if sample is None else f"robustness, on {len(records)} of the images",
        )
    return found


def measure_robustness(predictor: Predictor, graph: Path, records: Sequence[Record], images: np.ndarray) -> dict[str, Any]:
    """Everything robustness.json holds but the split's name; `images` uint8 (n, 224, 224), canonical, one a record.

    `graph` is the model's serving graph. Figures are of the images that get an answer; `unanswered` counts the others. About 35
    passes over the images; undefined figures are None. Raises ModelError where there is no lung segmenter.
    """
    labels = np.array([record.label == Label.PNEUMONIA for record in records], np.int64)
    patients = np.array([record.patient for record in records])
    threshold = predictor.card.operating_points[BALANCED]
    finder = predictor.finder or LungFinder.load()
    fields = [finder.find(image) for image in images]
    known = np.array([i for i, field in enumerate(fields) if field.plausible], np.int64)  # whose lungs can be hidden and measured
    unchanged = _pass(predictor, images)

    changes = []
    for change in CHANGES:
        same = change.kind == "none"
        found = unchanged if same else _pass(predictor, [change.apply(image) for image in images])
        at = found.answered
        figures = figures_at(labels[at], found.probabilities[at], patients[at], threshold)
        both = at & unchanged.answered
        shift = _mean(np.abs(found.probabilities - unchanged.probabilities)[both])
        unanswered = {Label.NORMAL: int((~at & (labels == 0)).sum()), Label.PNEUMONIA: int((~at & (labels == 1)).sum())}
        changes.append({"kind": change.kind, "amount": change.amount, **figures, "mean_shift": shift, "unanswered": unanswered})
        log.info("%s: %s %s", predictor.card.id, change.kind, change.amount)

    shown = [predictor.card.input.shown(fields[i].box) for i in known]
    covered = {}
    for name, paint in (("lungs_hidden", lungs_hidden), ("lungs_only", lungs_only)):
        # Where to look is told by the picture as it is: in one without lungs there is nothing to be found.
        found = _pass(predictor, [paint(images[i], fields[i].mask) for i in known], shown)
        figures = figures_at(labels[known], found.probabilities, patients[known], threshold)
        covered[name] = {
            "auc": figures["auc"],
            "mean_probability_sick": _mean(found.probabilities[labels[known] == 1]),
            "mean_probability_healthy": _mean(found.probabilities[labels[known] == 0]),
            "median_log_ratio_healthy": _median(found.log_ratios[labels[known] == 0]),
        }
        if name == "lungs_hidden":  # the same among the changes, for whoever reads them in one table
            changes.append(
                {
                    "kind": "lungs hidden",
                    "amount": "",
                    **figures,
                    "mean_shift": None,
                    "unanswered": {Label.NORMAL: 0, Label.PNEUMONIA: 0},
                }
            )
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
        "prevalence": stated_prevalence(),  # what every probability here is at
        "lungs_unknown": len(records) - len(known),  # of n: left out where lungs are hidden or heat is measured
        "changes": changes,
        **covered,
        "heat_in_lungs": _heat(predictor, unchanged, [field.mask for field in fields], known, labels, patients),
        **_curves(predictor, inputs, unchanged.maps[called], unchanged.inputs(predictor, images, healthy)),
        "randomisation": {"layers": randomisation_test(predictor.card, graph, inputs[:RANDOMISED_IMAGES])},
    }


@dataclass(frozen=True)
class _Answers:
    """What the model said of n images."""

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
    """Answers to canonical images, in batches; `shown` where it is not to be found anew."""
    places: list[Box | None] = [_shown(predictor, images[i]) for i in range(len(images))] if shown is None else [*shown]
    index = [i for i, place in enumerate(places) if place is not None]
    outputs = []
    for start in range(0, len(index), BATCH):
        outputs.append(predictor.run(np.stack([predictor.input(images[i], places[i]) for i in index[start : start + BATCH]])))
    answered = np.zeros(len(images), bool)
    answered[index] = True
    log_ratios = np.full(len(images), np.nan)
    maps = np.zeros((len(images), *(outputs[0].maps.shape[1:] if outputs else (1, 1))), np.float32)
    if outputs:
        log_ratios[index] = predictor.card.calibration.log_ratio(np.concatenate([output.logits for output in outputs]))
        maps[index] = np.concatenate([output.maps for output in outputs])
    return _Answers(answered, log_ratios, posterior(log_ratios, stated_prevalence()), maps, places)


def _shown(predictor: Predictor, image: np.ndarray) -> Box | None:
    try:
        return predictor.shown(image)
    except LungsNotFound:
        return None


def _heat(
    predictor: Predictor, found: _Answers, masks: Sequence[np.ndarray], known: np.ndarray, labels: np.ndarray, patients: np.ndarray
) -> dict[str, Any]:
    """Over the images with any positive heat and known lungs, `n` of them: `share` of the heat that lies in the lungs, `area` of
    the picture that they take, and `shown`, of the part that the network is shown: what a map without preference would have."""
    index = [i for i in known if found.answered[i]]
    places = [found.shown[i] for i in index]
    shares = np.array(
        [heat_share(found.maps[i], predictor.card, place, masks[i]) for i, place in zip(index, places, strict=True) if place]
    )
    areas = np.array([masks[i].mean() for i in index])
    seen = np.array([seen_share(place, masks[i]) for i, place in zip(index, places, strict=True) if place])
    hot = np.isfinite(shares)
    return {
        "n": int(hot.sum()),
        "share": _with_intervals(lambda drawn: np.array([_mean(shares[drawn], np.nan)]), patients[index])[0],
        "area": _mean(areas[hot]),
        "shown": _mean(seen[hot]),
        "by_class": {Label.NORMAL: _mean(shares[labels[index] == 0]), Label.PNEUMONIA: _mean(shares[labels[index] == 1])},
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


def _with_intervals(vector: Callable[[np.ndarray], np.ndarray], patients: np.ndarray) -> list[dict[str, float | None]]:
    """[{value, low, high}] of each entry of a statistic over image indices."""
    value = vector(np.arange(len(patients)))
    low, high = patient_intervals(vector, patients, resamples=RESAMPLES)
    return [{"value": _number(v), "low": _number(a), "high": _number(b)} for v, a, b in zip(value, low, high, strict=True)]


def _mean(values: np.ndarray, undefined: float | None = None) -> float | None:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else undefined


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None


def _numbers(values: np.ndarray) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    """JSON knows no NaN: undefined is null."""
    return float(value) if np.isfinite(value) else None
