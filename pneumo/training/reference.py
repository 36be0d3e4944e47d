"""Fit a model's out-of-distribution reference from its train part."""

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from pneumo.data.cache import cached_images
from pneumo.data.records import folder_of
from pneumo.data.split import SPLIT, read_manifest
from pneumo.errors import ModelError
from pneumo.files import sha256
from pneumo.imaging.hospital_shift import shifted_copies, with_shifted_copies
from pneumo.imaging.lung_box import WHOLE
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import Reference, components, small_view
from pneumo.labels import SUBTYPES, Label
from pneumo.registry.model_folder import REFERENCE
from pneumo.registry.models import verified_draft, write_card
from pneumo.registry.seal import MANIFEST
from pneumo.synthetic.non_chest import KINDS, as_served, close_up, rotated_and_inverted

log = logging.getLogger(__name__)

COMPONENTS, SMALL_COMPONENTS = 160, 200  # of features and 28 x 28 view: best on held-out kinds
SCORES = 48  # components of each train image that are stored, for similar cases
PICTURES, SHARE = 60, 40  # per kind that is not held out: at most; train images per picture
CLOSE_UPS, SHIFTED_COPIES, TURNED = 150, 800, 1200  # train images used for each
SHARES = (0.97, 0.985)  # of the calibration part and its perturbed copies below the cuts of warning and refusal
LEAST = (-4.0, -3.0)  # log odds: lower limits of the two cuts
_BATCH = 32


def make_reference(predictor: Predictor, data: Path, rows: Sequence[dict[str, str]], seed: int = 0) -> Reference:
    """Fit on the train part of `rows` (a split manifest); the cuts come from its calibration part.

    Negatives: the kinds of synthetic/non_chest.py not held out, and close-ups. Raises ModelError for a graph without `features`.
    """
    train = [row for row in rows if row["part"] == "train"]
    images = images_of(data, train)
    rng = np.random.default_rng(seed)
    features, small = features_of(predictor, images), small_views(images)
    mean, axes, widths, spare = components(features, min(COMPONENTS, features.shape[1], len(train) - 1))
    small_mean, small_axes, small_widths, small_spare = components(small, min(SMALL_COMPONENTS, len(train) - 1))
    reference = Reference(
        files=np.array([row["path"] for row in train]),
        labels=np.array([row["label"] == Label.PNEUMONIA for row in train], np.uint8),
        subtypes=np.array([SUBTYPES.index(row["subtype"]) for row in train], np.uint8),
        scores=((features - mean) @ axes.T / widths)[:, :SCORES].astype(np.float16).astype(np.float32),
        mean=mean,
        axes=axes,
        spare=spare,
        small_mean=small_mean,
        small_axes=small_axes,
        small_spare=small_spare,
        widths=np.concatenate([widths, small_widths]),
        weights=np.zeros(0, np.float32),
        cuts=np.zeros(2, np.float32),  # these and the next are fitted below
        poses=_fit_poses(images[rng.permutation(len(images))[:TURNED]], small),
    )

    def evidence(pictures: np.ndarray) -> np.ndarray:
        return reference.evidence(features_of(predictor, pictures), small_views(pictures))

    count = int(np.clip(len(train) // SHARE, 3, PICTURES))
    sample = images[rng.permutation(len(images))[:SHIFTED_COPIES]]
    close = [close_up(image, rng) for image in images[rng.permutation(len(images))[:CLOSE_UPS]]]
    others = np.stack([*(as_served(picture) for kind in KINDS if not kind.held_out for picture in kind.pictures(count)), *close])
    chest = np.concatenate([reference.evidence(features, small), evidence(shifted_copies(sample, seed))])
    weights = fit_odds(chest, evidence(others))
    held_out = images_of(data, [row for row in rows if row["part"] == "calibration"])
    odds = evidence(with_shifted_copies(held_out, seed)) @ weights[:-1] + weights[-1]
    cuts = np.maximum(np.quantile(odds, SHARES), LEAST).astype(np.float32)
    log.info("reference of %d train images; cuts of the log odds %.2f and %.2f", len(train), *cuts)
    return dataclasses.replace(reference, weights=weights, cuts=cuts)


def add_reference(model: str, data: Path, root: Path) -> Path:
    """Write models/<model>/reference.npz from the model's own split, and its hash into the card. Return its path.

    A folder without a manifest (a draft, or an older model) is not sealed.
    """
    folder = root / model
    is_draft = not (folder / MANIFEST).exists()
    predictor = Predictor.of(verified_draft(model, root)) if is_draft else Predictor.load(model, root)
    path = folder / REFERENCE
    make_reference(predictor, data, read_manifest(folder / SPLIT), predictor.card.training.get("seed", 0)).save(path)
    card = predictor.card
    write_card(dataclasses.replace(card, files={**card.files, REFERENCE: sha256(path)}), folder, (REFERENCE,))
    return path


def features_of(predictor: Predictor, images: np.ndarray) -> np.ndarray:
    """float32 (n, c) of canonical images, uint8 (n, 224, 224). Raises ModelError for a graph without them.

    A lung-centred model gets the whole image if no lungs are plausible: the gate learns to refuse these.
    """
    batches = []
    for start in range(0, len(images), _BATCH):
        part = images[start : start + _BATCH]
        batch = np.stack([predictor.input(image, predictor.shown_if_found(image) or WHOLE) for image in part])
        features = predictor.one_pass(batch).features
        if features is None:
            raise ModelError(f"The serving graph of {predictor.card.id!r} gives no features: it is older. Promote the run again.")
        batches.append(features)
    return np.concatenate(batches)


def _fit_poses(images: np.ndarray, upright: np.ndarray) -> np.ndarray:
    rows = [upright, *(small_views(copies) for copies in rotated_and_inverted(images))]
    targets = np.repeat(range(len(rows)), [len(row) for row in rows])
    model = LogisticRegression(C=0.01, max_iter=200).fit(np.concatenate(rows), targets)
    return np.column_stack([model.coef_, model.intercept_]).astype(np.float32)


def fit_odds(chest: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Class-balanced log odds of `others` against `chest`: weights of the evidence, intercept last."""
    rows, targets = np.concatenate([chest, others]), np.repeat([0, 1], [len(chest), len(others)])
    mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    model = LogisticRegression(C=0.1, max_iter=1000, class_weight="balanced").fit((rows - mean) / deviation, targets)
    weights = model.coef_[0] / deviation
    return np.append(weights, model.intercept_[0] - weights @ mean).astype(np.float32)


def images_of(data: Path, rows: Sequence[dict[str, str]]) -> np.ndarray:
    """The canonical images of a manifest's rows, uint8 (n, 224, 224)."""
    return cached_images(folder_of(data), [row["path"] for row in rows])[np.arange(len(rows))]


def small_views(images: Iterable[np.ndarray]) -> np.ndarray:
    """float32 (n, 784), see inference/reference.py."""
    return np.stack([small_view(image) for image in images])
