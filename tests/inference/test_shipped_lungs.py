"""The shipped segmenter verifies, states its measured figures, and finds the lungs of phantoms."""

from pathlib import Path

import cv2
import numpy as np

from pneumo.evaluation.metrics import dice
from pneumo.inference.lung_fields import LungFinder, read_description
from pneumo.synthetic.phantom import make_phantom

FOLDER = Path(__file__).parents[2] / "models" / "lungs"


def test_measured_on_outlines_it_never_saw_and_good_enough():
    measured = read_description(FOLDER)["measured"]
    assert measured["test"]["n"] == 618
    for part in ("test", "kept aside"):
        dice_of = measured[part]["dice"]
        assert dice_of["low"] <= dice_of["value"] <= dice_of["high"]
        assert dice_of["value"] >= 0.95
    assert measured["wrong fields"]["all"]["share"]["value"] <= 0.05


def test_the_lungs_of_phantoms():
    finder, overlaps = LungFinder.load(FOLDER), []
    for seed in range(6):
        phantom = make_phantom(("none", "bacterial", "viral")[seed % 3], seed, 280, 340)
        planes = [
            cv2.resize(p.astype(np.float32), (224, 224), interpolation=cv2.INTER_AREA) for p in (phantom.pixels, phantom.fields)
        ]
        fields = finder.find(np.rint(planes[0] * 255).astype(np.uint8))
        assert fields.plausible, fields.reason
        overlaps.append(dice(fields.mask, planes[1] > 0.5))
    assert np.mean(overlaps) > 0.93
    assert min(overlaps) > 0.9


def test_a_picture_of_noise_has_no_lungs():
    noise = np.random.default_rng(0).integers(0, 256, (224, 224)).astype(np.uint8)
    assert not LungFinder.load(FOLDER).find(noise).plausible
