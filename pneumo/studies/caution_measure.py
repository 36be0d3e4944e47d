"""Measure a model's cautions on held-out images -> cautions.json: their limits and rates."""

import datetime
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.records import Record, folder_of
from pneumo.data.split import SPLIT
from pneumo.errors import LungsNotFound
from pneumo.evaluation.cautions import NAMES, Judged, caution_rates, rates
from pneumo.imaging.hospital_shift import with_shifted_copies
from pneumo.inference.caution_scores import OPPOSITE, score_cautions
from pneumo.inference.finding import Terms, judge
from pneumo.inference.lung_checks import load_finder, lungs_of
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor
from pneumo.inference.second_opinion import compute_second_opinion, log_ratio_or_nan, vote
from pneumo.paths import models_dir
from pneumo.registry.model_folder import CAUTIONS, store
from pneumo.studies.assess import records_of

log = logging.getLogger(__name__)

PARTS = ("calibration", "validation")  # the first sets the limits, the second gives the rates
_TERMS = Terms(prevalence=0.5)  # scores do not depend on the prevalence


def measure_cautions(
    predictor: Predictor,
    others: Sequence[Predictor],
    data: Path,
    output: Path | None = None,
    root: Path | None = None,
    sample: int | None = None,
) -> dict[str, Any]:
    """Write cautions.json into `output` (default: the model's own folder), return it.

    Uses held-out images and a perturbed copy of each, as for the operating points; `sample`: the number of images per part,
    drawn with a fixed seed. About 10 passes per image. Unanswered images are dropped, and so are models trained on another split,
    which may have trained on these images. Raises DataError and ModelError.
    """
    root = root or models_dir()
    card, seed = predictor.card, predictor.card.training.get("seed", 0)
    peers = [other for other in others if other.card.manifest_sha256 == card.manifest_sha256]
    for other in others:
        if other not in peers:
            log.warning("%s learned from another split than %s, so it is not asked.", other.card.id, card.id)
    finder, answers, counts = predictor.finder or load_finder(), {}, {}
    for part in PARTS:
        records = records_of(data, part, root / card.id / SPLIT, sample)
        images = with_shifted_copies(cached_images(folder_of(data), [record.path for record in records]), seed)
        judged = (_judged(record, image, predictor, peers, finder) for record, image in zip(records * 2, images, strict=True))
        answers[part] = [answer for answer in judged if answer]
        patients, correct = len({record.patient for record in records}), sum(answer.right for answer in answers[part])
        counts[part] = {"images": len(images), "patients": patients, "right": correct, "wrong": len(answers[part]) - correct}
        log.info("%s: %s %s", card.id, part, counts[part])
    held_out, validation = (answers[part] for part in PARTS)
    cautions = caution_rates(held_out, validation)
    right, wrong = rates(validation, [any(cautions[name].fires(a.verdict, a.scores[name]) for name in NAMES) for a in validation])
    report = {
        "model_sha256": card.sha256,
        "made": datetime.date.today().isoformat(),
        "others": {other.card.id: other.card.sha256 for other in peers},
        "limits_from": {"part": PARTS[0], **counts[PARTS[0]]},
        "rates_from": {"part": PARTS[1], **counts[PARTS[1]]},
        "cautions": {name: rate.to_dict() for name, rate in cautions.items()},
        "any": {"right": dict(right), "wrong": dict(wrong)},
    }
    store(output or root / card.id, CAUTIONS, report)
    return report


def _judged(
    record: Record, image: np.ndarray, predictor: Predictor, others: Sequence[Predictor], finder: LungFinder | None
) -> Judged | None:
    """None without an answer, or for an indeterminate one."""
    try:
        answer = predictor.answer(image)
    except LungsNotFound:
        return None
    reading = judge(answer.log_ratio, predictor.card, _TERMS)
    if reading.verdict not in OPPOSITE:
        return None
    ratios = [(other.card, log_ratio_or_nan(other, image)) for other in others]
    votes = [vote(card, ratio, _TERMS) for card, ratio in ratios if not np.isnan(ratio)]
    opinion = compute_second_opinion(image, predictor, answer, lungs_of(image, finder)).at(_TERMS.prevalence)
    return Judged(record.patient, reading.verdict, reading.verdict == record.label, score_cautions(opinion, votes, reading))
