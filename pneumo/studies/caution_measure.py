"""A registered model's cautions over held-out images -> cautions.json: from where on each is said, and what it catches."""

import datetime
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.records import Record, folder_of
from pneumo.errors import LungsNotFound
from pneumo.evaluation.cautions import FILE, NAMES, Judged, caution_rates, rates
from pneumo.files import write_json
from pneumo.imaging.hospital_shift import with_shifted_copies
from pneumo.inference.caution_scores import OPPOSITE, score_cautions
from pneumo.inference.finding import Terms, judge
from pneumo.inference.lung_checks import load_finder, lungs_of
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor
from pneumo.inference.second_opinion import Vote, compute_second_opinion, vote
from pneumo.paths import models_dir
from pneumo.registry.seal import reseal
from pneumo.studies.assess import records_of

log = logging.getLogger(__name__)

PARTS = ("calibration", "validation")  # the first sets the limits, the second tells the rates
_TERMS = Terms(prevalence=0.5)  # any would do: scores do not depend on it


def measure_cautions(
    predictor: Predictor,
    others: Sequence[Predictor],
    data: Path,
    output: Path | None = None,
    root: Path | None = None,
    sample: int | None = None,
) -> dict[str, Any]:
    """Write cautions.json into `output` (default: the model's own folder), return it.

    Asked are held-out images and a disturbed copy of each, as when the operating points were set; `sample`: of so many images
    of each part, drawn by a fixed seed. About 10 passes an image. An image without an answer is left out, and so is another model
    that learned from another split: what is held out here may be its train image. Raises DataError and ModelError.
    """
    root = root or models_dir()
    card, seed = predictor.card, predictor.card.training.get("seed", 0)
    asked = [other for other in others if other.card.manifest_sha256 == card.manifest_sha256]
    for other in others:
        if other not in asked:
            log.warning("%s learned from another split than %s, so it is not asked.", other.card.id, card.id)
    finder, answers, counts = predictor.finder or load_finder(), {}, {}
    for part in PARTS:
        records = _drawn(records_of(data, part, root / card.id / "split.csv"), sample)
        images = with_shifted_copies(cached_images(folder_of(data), [record.path for record in records]), seed)
        answers[part] = [
            answer
            for record, image in zip([*records, *records], images, strict=True)
            if (answer := _judged(record, image, predictor, asked, finder))
        ]
        correct = sum(each.right for each in answers[part])
        counts[part] = {
            "images": len(images),
            "patients": len({record.patient for record in records}),
            "right": correct,
            "wrong": len(answers[part]) - correct,
        }
        log.info("%s: %s %s", card.id, part, counts[part])
    held_out, told = (answers[part] for part in PARTS)
    cautions = caution_rates(held_out, told)
    right, wrong = rates(told, [any(cautions[name].fires(a.verdict, a.scores[name]) for name in NAMES) for a in told])
    found = {
        "model_sha256": card.sha256,
        "made": datetime.date.today().isoformat(),
        "others": {other.card.id: other.card.sha256 for other in asked},
        "limits_from": {"part": PARTS[0], **counts[PARTS[0]]},
        "rates_from": {"part": PARTS[1], **counts[PARTS[1]]},
        "cautions": {name: rate.to_dict() for name, rate in cautions.items()},
        "any": {"right": dict(right), "wrong": dict(wrong)},
    }
    folder = output or root / card.id
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, found)
    reseal(folder, (FILE,))
    return found


def _drawn(records: list[Record], sample: int | None) -> list[Record]:
    if sample is None or sample >= len(records):
        return records
    return [records[i] for i in sorted(np.random.default_rng(0).choice(len(records), sample, replace=False))]


def _judged(
    record: Record, image: np.ndarray, predictor: Predictor, others: Sequence[Predictor], finder: LungFinder | None
) -> Judged | None:
    """None without an answer, or with an open one."""
    try:
        answer = predictor.answer(image)
    except LungsNotFound:
        return None
    reading = judge(answer.log_ratio, predictor.card, _TERMS)
    if reading.verdict not in OPPOSITE:
        return None
    votes = [each for other in others if (each := _vote(other, image))]
    opinion = compute_second_opinion(image, predictor, answer, lungs_of(image, finder)).at(_TERMS.prevalence)
    return Judged(record.patient, reading.verdict, reading.verdict == record.label, score_cautions(opinion, votes, reading))


def _vote(other: Predictor, image: np.ndarray) -> Vote | None:
    try:
        return vote(other.card, other.answer(image).log_ratio, _TERMS)
    except LungsNotFound:
        return None
