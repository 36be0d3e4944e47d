"""Train and validation parts, and the order of images in an epoch."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumo.arrays import Images
from pneumo.data.cache import OnProgress, cached_images, quietly
from pneumo.data.records import folder_of, scan
from pneumo.data.split import SPLIT, near_duplicates, read_manifest, split_records, write_manifest
from pneumo.errors import DataError
from pneumo.evaluation.calibration import even_weights
from pneumo.imaging.hospital_shift import with_shifted_copies
from pneumo.imaging.lung_box import Box, bounding_box
from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.inference.lung_fields import LungFinder
from pneumo.labels import Label, Subtype
from pneumo.training.config import TrainConfig

log = logging.getLogger(__name__)

Order = Callable[[np.random.Generator], np.ndarray]  # gives the image indices of one epoch


@dataclass(frozen=True)
class Part:
    """One part of the split: n images."""

    images: Images  # uint8 (n, 224, 224)
    labels: np.ndarray  # int64 (n,), 1 is PNEUMONIA
    bacterial: np.ndarray  # float32 (n,), 1 bacterial, 0 viral, NaN for healthy children and pneumonias of unknown kind
    boxes: tuple[Box, ...] | None = None  # around the lungs; None where the model sees the whole frame
    masks: np.ndarray | None = None  # uint8 (n, 6272), the lung fields as packed bits

    def mask(self, index: int) -> np.ndarray:
        """bool (224, 224). Raises ValueError for a part without lung masks."""
        if self.masks is None:
            raise ValueError("expected a part whose lungs were found; received one without")
        return np.unpackbits(self.masks[index]).astype(bool).reshape(CANONICAL_SIDE, CANONICAL_SIDE)


def read_parts(config: TrainConfig, data: Path, run: Path, on_progress: OnProgress = quietly) -> tuple[Part, Part]:
    """(train, validation) of the run's split, made on the first call and stored in split.csv.

    `on_progress(done, total)` counts images that are decoded, at most once each. Raises DataError when a part lacks a class,
    or subtypes that the config needs.
    """
    manifest = run / SPLIT
    if not manifest.is_file():
        records = scan(data)
        draft = run / f"{SPLIT}.draft"
        write_manifest(draft, records, split_records(records, near_duplicates(data, records, on_progress), config.seed))
        draft.replace(manifest)
    rows = read_manifest(manifest)
    return part_of(config, data, rows, "train"), part_of(config, data, rows, "validation")


def part_of(config: TrainConfig, data: Path, rows: list[dict[str, str]], name: str) -> Part:
    """The part `name` of a split manifest. Raises DataError as `read_parts` does."""
    chosen = [row for row in rows if row["part"] == name]
    labels = np.array([row["label"] == Label.PNEUMONIA for row in chosen], dtype=np.int64)
    if len(set(labels.tolist())) < 2:
        raise DataError(f"The {name} part needs both classes; it has {labels.sum()} PNEUMONIA of {len(labels)} images.")
    kind: dict[str, float] = {Subtype.BACTERIAL: 1.0, Subtype.VIRAL: 0.0}
    bacterial = np.array([kind.get(row["subtype"], np.nan) for row in chosen], np.float32)
    bacterial[labels == 0] = np.nan  # healthy children have no subtype, whatever the manifest says
    if config.subtype and len(set(bacterial[np.isfinite(bacterial)].tolist())) < 2:
        raise DataError(f"The {name} part has no bacterial and viral cases side by side; train without --subtype.")
    log.info("%s: %d images, %d PNEUMONIA", name, len(labels), labels.sum())
    return Part(cached_images(folder_of(data), [row["path"] for row in chosen]), labels, bacterial)


def with_perturbed_copies(part: Part, seed: int) -> Part:
    """The images, then a perturbed copy of each in the same order (imaging/hospital_shift.py)."""
    return Part(with_shifted_copies(part.images, seed), np.tile(part.labels, 2), np.tile(part.bacterial, 2))


def with_lungs(part: Part, finder: LungFinder, on_progress: OnProgress = quietly) -> tuple[Part, np.ndarray]:
    """The part with lung boxes and masks, and the kept indices, int64. Images without plausible lungs are dropped, as serving
    rejects them.

    `on_progress(done, total)` counts images. Raises DataError when a class has no image left.
    """
    fields = []
    for i in range(len(part.images)):
        fields.append(finder.find(part.images[i]))
        on_progress(i + 1, len(part.images))
    indices = np.array([i for i, field in enumerate(fields) if field.plausible], np.int64)
    if len(set(part.labels[indices].tolist())) < 2:
        raise DataError(f"Lungs were found in {len(indices)} of {len(fields)} images; both classes need some.")
    if len(indices) < len(fields):
        log.info("no lungs found in %d of %d images, which are left out", len(fields) - len(indices), len(fields))
    masks = np.stack([np.packbits(fields[i].mask) for i in indices])
    boxes = tuple(bounding_box(fields[i].mask) for i in indices)
    return Part(part.images[indices], part.labels[indices], part.bacterial[indices], boxes, masks), indices


def epoch_order(config: TrainConfig, part: Part) -> Order:
    """The sampling of the train part; see `config.BALANCES`."""
    n = len(part.labels)
    if config.balance == "classes":
        chance = even_weights(part.labels) / n
        return lambda rng: rng.choice(n, n, p=chance)
    if config.balance == "replicate":
        return replicated(part.labels)
    return lambda rng: rng.permutation(n)


def replicated(labels: np.ndarray) -> Order:
    """Every image once; images of the smaller class repeated evenly until both classes are equal."""
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    smaller, larger = sorted(classes, key=len)

    def order(rng: np.random.Generator) -> np.ndarray:
        rounds, rest = divmod(len(larger), len(smaller))
        repeated = [np.tile(smaller, rounds), rng.choice(smaller, rest, replace=False)]
        return rng.permutation(np.concatenate([larger, *repeated]))

    return order
