"""What do networks go by, the lungs or what is around them? Runs compared on held-out train images.

    PYTHONPATH=. python bench/surroundings.py DATA RUN...

Prints one JSON object a run: log loss and AUC on the calibration part with disturbed copies (`models promote` calibrates on the
same), plain and mirrored; and on the validation part the AUC as it is, with the lungs hidden, with everything but the lungs hidden,
and `swapped`: the lungs of each child in the picture of one of the other class. A network that sees the lungs alone has .5 with
them hidden, and swapped as much as unchanged; one that sees the surroundings alone has 0 where they are swapped.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from scipy.special import logit

from pneumo.data.cache import cached_images
from pneumo.data.split import read_manifest
from pneumo.evaluation.calibration import fit_calibration, log_loss
from pneumo.evaluation.metrics import roc_auc
from pneumo.imaging.hard import with_hard_copies
from pneumo.imaging.lungs import lungs_hidden, lungs_only, mask_at, placement
from pneumo.imaging.preprocess import InputSpec, model_input
from pneumo.imaging.surroundings import with_lungs_of
from pneumo.training.runfolder import load_config

BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    options = parser.parse_args()
    for run in options.runs:
        spec, net = load_config(run).spec, keras.models.load_model(run / "best.keras")
        print(json.dumps({"run": run.name, **_calibration(net, spec, run, options.data), **_lungs(net, spec, run, options.data)}))


def _part(run: Path, data: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    rows = [row for row in read_manifest(run / "split.csv") if row["part"] == part]
    images = cached_images(data, [row["path"] for row in rows])
    return images[np.arange(len(rows))], np.array([row["label"] == "PNEUMONIA" for row in rows], np.int64)


def _calibration(net: keras.Model, spec: InputSpec, run: Path, data: Path) -> dict[str, float]:
    images, labels = _part(run, data, "calibration")
    images, labels = with_hard_copies(images, seed=0), np.tile(labels, 2)
    straight = _logits(net, spec, images)
    both = (straight + _logits(net, spec, images[:, :, ::-1])) / 2
    found = {}
    for name, logits in (("plain", straight), ("mirrored", both)):
        calibration = fit_calibration(labels, logits)
        loss = log_loss(labels, logits / calibration.temperature + calibration.bias)
        found |= {f"{name}_loss": round(loss, 4), f"{name}_auc": round(roc_auc(labels, logits), 4)}
    return found


def _lungs(net: keras.Model, spec: InputSpec, run: Path, data: Path) -> dict[str, float]:
    images, labels = _part(run, data, "validation")
    places = [placement(image) for image in images]
    masks = [mask_at(place) for place in places]
    rng = np.random.default_rng(0)
    others = [rng.choice(np.flatnonzero(labels != label)) for label in labels]
    pairs = list(zip(others, range(len(images)), strict=True))
    versions = {
        "validation": images,
        "lungs_hidden": [lungs_hidden(*pair) for pair in zip(images, masks, strict=True)],
        "lungs_only": [lungs_only(*pair) for pair in zip(images, masks, strict=True)],
        "swapped": [with_lungs_of(images[other], places[other], images[i], places[i]) for other, i in pairs],
    }
    return {f"{name}_auc": round(roc_auc(labels, _logits(net, spec, shown)), 4) for name, shown in versions.items()}


def _logits(net: keras.Model, spec: InputSpec, images) -> np.ndarray:
    found = []
    for at in range(0, len(images), BATCH):
        out = net(np.stack([model_input(np.ascontiguousarray(image), spec) for image in images[at : at + BATCH]]), training=False)
        found.append(np.asarray(out[0] if isinstance(out, list) else out, np.float64)[:, 0])
    return logit(np.clip(np.concatenate(found), 1e-7, 1 - 1e-7))


if __name__ == "__main__":
    main()
