"""Which distance separates chest X-rays from other pictures. Each at the 99th percentile of the calibration part.

python bench/gate.py DATA MODEL [FEATURES SMALL FLOOR]     on the model's train, calibration and validation parts, never on test

FEATURES and SMALL: numbers of components; FLOOR: least log odds for a refusal. Defaults: those of training/reference.py.

Prints for each distance the share above the cut, of the validation part and of each kind of synthetic/non_chest.py that is not held
out. Then the same for the learned sum of distances, fitted without the kind it is tested on, also for perturbed copies of the
validation part. Then how close the validation part comes to the limits of imaging/quality.py.
"""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pneumo.data.split import read_manifest
from pneumo.imaging.hospital_shift import shifted_copies
from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.imaging.quality import clipped_share
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import Reference, components
from pneumo.paths import models_dir
from pneumo.synthetic.non_chest import KINDS, as_served, close_up
from pneumo.training.reference import (
    CLOSE_UPS,
    COMPONENTS,
    LEAST,
    SHARES,
    SHIFTED_COPIES,
    SMALL_COMPONENTS,
    features_of,
    fit_odds,
    images_of,
    small_views,
)

PICTURES, NEIGHBOUR = 40, 5
PARTS = ("train", "calibration", "validation")
DISTANCES = ("features, within", "features, beside", "28 x 28, within", "28 x 28, beside")


def neighbours(reference: Reference, features: np.ndarray) -> np.ndarray:
    """Distance to the fifth nearest train image, in components."""
    scores = (reference.components_of(row) for row in features)
    return np.array([np.partition(((reference.scores - row) ** 2).sum(axis=1), NEIGHBOUR - 1)[NEIGHBOUR - 1] for row in scores])


def line(name: str, calibration: np.ndarray, validation: np.ndarray, kinds: dict[str, np.ndarray]) -> str:
    cut = np.quantile(calibration, 0.99)
    caught = ", ".join(f"{kind} {np.mean(values > cut):.2f}" for kind, values in kinds.items())
    return f"{name}: validation {np.mean(validation > cut):.3f} | {caught}"


def with_components(reference: Reference, features: np.ndarray, small: np.ndarray, counts: tuple[int, int]) -> Reference:
    """The reference with other numbers of components of the train part's features and small views."""
    mean, axes, widths, spare = components(features, counts[0])
    small_mean, small_axes, small_widths, small_spare = components(small, counts[1])
    return dataclasses.replace(
        reference,
        mean=mean,
        axes=axes,
        spare=spare,
        small_mean=small_mean,
        small_axes=small_axes,
        small_spare=small_spare,
        widths=np.concatenate([widths, small_widths]),
    )


def main(data: Path, model: str, counts: tuple[int, int] = (COMPONENTS, SMALL_COMPONENTS), floor: float = LEAST[1]) -> None:
    predictor = Predictor.load(model)
    reference, rows = predictor.reference, read_manifest(models_dir() / model / "split.csv")
    assert reference is not None
    images = {part: images_of(data, [row for row in rows if row["part"] == part]) for part in PARTS}
    images |= {kind.name: np.stack([as_served(p) for p in kind.pictures(PICTURES)]) for kind in KINDS if not kind.held_out}
    rng = np.random.default_rng(0)
    some = rng.permutation(len(images["train"]))
    images["close-ups"] = np.stack([close_up(image, rng) for image in images["train"][some[:CLOSE_UPS]]])
    foreign = list(images)[len(PARTS) :]
    images["hard train"] = shifted_copies(images["train"][some[:SHIFTED_COPIES]], seed=0)
    images |= {f"hard {part}": shifted_copies(images[part], seed=0) for part in PARTS[1:]}
    features = {name: features_of(predictor, these) for name, these in images.items()}
    small = {name: small_views(these) for name, these in images.items()}
    reference = with_components(reference, features["train"], small["train"], counts)
    evidence = {name: reference.evidence(features[name], small[name]) for name in images}

    def show(name: str, measure: Callable[[str], np.ndarray]) -> None:
        print(line(name, measure("calibration"), measure("validation"), {kind: measure(kind) for kind in foreign}), flush=True)

    for column, name in enumerate(DISTANCES, start=-4):
        show(name, lambda part, column=column: evidence[part][:, column])
    show("features, fifth neighbour", lambda part: neighbours(reference, features[part]))
    chest, held = (np.concatenate([evidence[part], evidence[f"hard {part}"]]) for part in ("train", "calibration"))
    caught, refused = {}, []
    for kind in foreign:
        weights = fit_odds(chest, np.concatenate([evidence[other] for other in foreign if other != kind]))
        odds = {name: rows @ weights[:-1] + weights[-1] for name, rows in (*evidence.items(), ("held", held))}
        cut = max(floor, np.quantile(odds["held"], SHARES[1]))
        caught[kind] = np.mean(odds[kind] > cut)
        refused.append([np.mean(odds[name] > cut) for name in ("validation", "hard validation")])
    print("learned sum, kind left out: " + ", ".join(f"{kind} {share:.2f}" for kind, share in caught.items()))
    plain, hard = np.mean(refused, axis=0)
    shares = list(caught.values())
    print(f"mean {np.mean(shares):.3f}, least {min(shares):.2f}; validation {plain:.3f}, its perturbed copies {hard:.3f}")
    inner = images["validation"][:, 16 : CANONICAL_SIDE - 16, 16 : CANONICAL_SIDE - 16]
    low, high = np.percentile(inner.reshape(len(inner), -1), (1, 99), axis=1)
    print(f"contrast at least {(high - low).min() / 255:.2f}, clipped at most {max(map(clipped_share, inner)):.2f}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 6):
        sys.exit(__doc__)
    chosen = ((int(sys.argv[3]), int(sys.argv[4])), float(sys.argv[5])) if len(sys.argv) == 6 else ()
    main(Path(sys.argv[1]), sys.argv[2], *chosen)
