"""Which distance tells a chest X-ray from other things? Each at a cut that 99 % of the calibration part stay below.

python bench/gate.py DATA MODEL     a model with a reference; on its train, calibration and validation parts, never on test

Prints, for each distance, the share of the validation part and of each kind of data/foreign.py that is not kept aside which
lies above the cut; for the learned sum of them at its own cut, with that very kind left out of the fit. Then how near the
validation part comes to the limits of imaging/quality.py.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pneumo.data.foreign import KINDS, as_served
from pneumo.data.split import read_manifest
from pneumo.imaging.hard import with_hard_copies
from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.imaging.quality import clipped
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import Reference
from pneumo.registry import models_dir
from pneumo.training.reference import LEAST, SHARES, features_of, fit_odds, images_of, small_views

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


def main(data: Path, model: str) -> None:
    predictor = Predictor.load(model)
    reference, rows = predictor.reference, read_manifest(models_dir() / model / "split.csv")
    images = {part: images_of(data, [row for row in rows if row["part"] == part]) for part in PARTS}
    images |= {kind.name: np.stack([as_served(p) for p in kind.pictures(PICTURES)]) for kind in KINDS if not kind.aside}
    features = {name: features_of(predictor, these) for name, these in images.items()}
    evidence = {name: reference.evidence(features[name], small_views(these)) for name, these in images.items()}
    foreign = list(images)[3:]

    def show(name: str, measure: Callable[[str], np.ndarray]) -> None:
        print(line(name, measure("calibration"), measure("validation"), {kind: measure(kind) for kind in foreign}), flush=True)

    for column, name in enumerate(DISTANCES, start=-4):
        show(name, lambda part, column=column: evidence[part][:, column])
    show("features, fifth neighbour", lambda part: neighbours(reference, features[part]))
    calibration = with_hard_copies(images["calibration"], seed=0)
    held, caught = reference.evidence(features_of(predictor, calibration), small_views(calibration)), {}
    for kind in foreign:
        weights = fit_odds(evidence["train"], np.concatenate([evidence[other] for other in foreign if other != kind]))
        cut = max(LEAST[1], np.quantile(held @ weights[:-1] + weights[-1], SHARES[1]))
        caught[kind] = np.mean(evidence[kind] @ weights[:-1] + weights[-1] > cut)
    print("learned sum, kind left out: " + ", ".join(f"{kind} {share:.2f}" for kind, share in caught.items()))
    inner = images["validation"][:, 16 : CANONICAL_SIDE - 16, 16 : CANONICAL_SIDE - 16]
    low, high = np.percentile(inner.reshape(len(inner), -1), (1, 99), axis=1)
    print(f"contrast at least {(high - low).min() / 255:.2f}, clipped at most {max(map(clipped, inner)):.2f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
