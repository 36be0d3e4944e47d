"""How far found lung fields agree with those outlined by people, and how often wrong ones are let through."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.lung_masks import LungMasks
from pneumo.data.records import folder_of
from pneumo.errors import DataError
from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.metrics import dice
from pneumo.evaluation.wilson import wilson_interval
from pneumo.imaging.perturbations import crop
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.reference import POSES
from pneumo.labels import identify
from pneumo.synthetic.non_chest import KINDS, as_served, rotated_and_inverted

WRONG = 0.8  # fields with a smaller Dice than this are not the lungs
SAMPLE, PICTURES, SEED = 200, 40, 1  # outlined images changed for the second measure; pictures of each kind of other things
CUT = 0.25  # of the side, cut off at each edge: the lungs go on beyond the picture


def measure_agreement(finder: LungFinder, data: Path, masks: LungMasks) -> dict[str, Any]:
    """Dice over outlined images, of fields believed or not: mean with its 95 % interval over patients, 5th percentile, worst; and
    how many images `finder` itself finds implausible. Raises DataError when there is no mask, or an image cannot be read.
    """
    if not len(masks):
        raise DataError("No outlined lungs to measure on; expected masks of images in this part.")
    images = cached_images(folder_of(data), masks.files)
    fields = [finder.find(images[i]) for i in range(len(masks))]
    each = np.array([dice(found.mask, masks[i]) for i, found in enumerate(fields)])
    low, high = patient_intervals(
        lambda index: np.array([each[index].mean()]), [identify(Path(file).stem)[1] for file in masks.files]
    )
    bounds = [None if np.isnan(end[0]) else round(float(end[0]), 4) for end in (low, high)]
    return {
        "n": len(each),
        "dice": {"value": round(float(each.mean()), 4), "low": bounds[0], "high": bounds[1]},
        "dice_5th_percentile": round(float(np.percentile(each, 5)), 4),
        "worst": round(float(each.min()), 4),
        "refused": sum(not found.plausible for found in fields),
    }


def measure_wrong(finder: LungFinder, data: Path, masks: LungMasks) -> dict[str, Any]:
    """Of pictures that are turned, inverted, cropped into the lungs, or no chest X-ray: how many give fields that are believed and
    wrong (Dice below 0.8; any field at all where there is no lung). {group: {n, wrong, found}}, and `all` with Wilson's interval.
    """
    chosen = np.sort(np.random.default_rng(0).permutation(len(masks))[:SAMPLE])
    images = cached_images(folder_of(data), [masks.files[i] for i in chosen])[np.arange(len(chosen))]
    truth = masks[chosen]
    turned = [*(np.rot90(truth, turns, (1, 2)) for turns in (1, 2, 3)), truth]
    groups = {
        name: _let_through(finder, copies, lungs)
        for name, copies, lungs in zip(POSES[1:], rotated_and_inverted(images), turned, strict=True)
    }
    inside = [crop(255 * mask.astype(np.uint8), CUT) > 127 for mask in truth]
    groups["cropped"] = _let_through(finder, [crop(image, CUT) for image in images], inside)
    for kind in KINDS:
        if kind.held_out:
            pictures = [as_served(picture) for picture in kind.pictures(PICTURES, SEED)]
            groups[kind.name] = _let_through(finder, pictures, [np.zeros_like(picture, bool) for picture in pictures])
    total, wrong = (sum(group[key] for group in groups.values()) for key in ("n", "wrong"))
    return {"all": {"n": total, "wrong": wrong, "share": wilson_interval(wrong, total).figure}, "groups": groups}


def _let_through(finder: LungFinder, images: Iterable[np.ndarray], truth: Iterable[np.ndarray]) -> dict[str, int]:
    n = believed = wrong = 0
    for image, lungs in zip(images, truth, strict=True):
        found, n = finder.find(np.ascontiguousarray(image)), n + 1
        believed += found.plausible
        wrong += found.plausible and not dice(found.mask, lungs) >= WRONG
    return {"n": n, "found": int(believed), "wrong": int(wrong)}
