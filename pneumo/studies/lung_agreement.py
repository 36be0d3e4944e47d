"""Agreement of segmented lung fields with manual outlines, and how often wrong ones pass as plausible."""

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

WRONG = 0.8  # fields with a smaller Dice count as wrong
SAMPLE, PICTURES, SEED = 200, 40, 1  # of `measure_wrong`: outlined images to change; other pictures per kind
CUT = 0.25  # share of the side cropped at each edge, so that the lungs are cut


def measure_agreement(finder: LungFinder, data: Path, masks: LungMasks) -> dict[str, Any]:
    """Dice over all outlined images: mean with its 95 % interval over patients, 5th percentile and worst; and the number of images
    with implausible fields. Raises DataError without masks, or for an unreadable image.
    """
    if not len(masks):
        raise DataError("No outlined lungs to measure on; expected masks of images in this part.")
    images = cached_images(folder_of(data), masks.files)
    fields = [finder.find(images[i]) for i in range(len(masks))]
    dices = np.array([dice(field.mask, masks[i]) for i, field in enumerate(fields)])
    patients = [identify(Path(file).stem)[1] for file in masks.files]
    low, high = patient_intervals(lambda index: np.array([dices[index].mean()]), patients)
    bounds = [None if np.isnan(end[0]) else round(float(end[0]), 4) for end in (low, high)]
    return {
        "n": len(dices),
        "dice": {"value": round(float(dices.mean()), 4), "low": bounds[0], "high": bounds[1]},
        "dice_5th_percentile": round(float(np.percentile(dices, 5)), 4),
        "worst": round(float(dices.min()), 4),
        "refused": sum(not field.plausible for field in fields),
    }


def measure_wrong(finder: LungFinder, data: Path, masks: LungMasks) -> dict[str, Any]:
    """For rotated, inverted and cropped images and other pictures: how many give plausible but wrong fields (Dice below 0.8, or any
    field without lungs). {group: {n, wrong, found}}, and `all` with Wilson's interval.
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
        field, n = finder.find(np.ascontiguousarray(image)), n + 1
        believed += field.plausible
        wrong += field.plausible and not dice(field.mask, lungs) >= WRONG
    return {"n": n, "found": int(believed), "wrong": int(wrong)}
