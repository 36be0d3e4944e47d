"""What is recorded with an answer for Monitoring: measures of the picture, files without an answer, the candidate's answer."""

import logging
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from pneumo.errors import ModelError, PneumoError
from pneumo.evaluation.likelihood import stated_prevalence
from pneumo.imaging.measures import Measures
from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.batch import EMPTY_SHA256
from pneumo.inference.finding import Finding, Terms, ask_again
from pneumo.inference.measured import measure_image
from pneumo.inference.predictor import Predictor
from pneumo.labels import Status
from pneumo.record.case import Refused, Shadow
from pneumo.registry.acts import candidate_model, read_acts
from pneumo.site.change import candidate_digest, shadow_of
from pneumo.ui.shell import models

log = logging.getLogger(__name__)

Picture = Callable[[], tuple[np.ndarray, ImageFacts] | None]  # canonical, uint8 (224, 224); None where the file was not read


def measures_of(finding: Finding, picture: Picture, predictor: Predictor) -> Measures:
    """Of an answered picture; empty where the session no longer holds it."""
    assert finding.answer is not None, "expected a finding that is an answer"
    held = picture()
    try:
        finder = models.lung_finder()
    except ModelError as error:  # the answer is recorded all the same
        log.warning("%s", error)
        finder = None
    return measure_image(*held, finding.answer.features, predictor, finder) if held else Measures()


def refused_of(findings: Iterable[Finding | None], session: str, predictor: Predictor) -> list[Refused]:
    """The files that got no answer."""
    card = predictor.card
    return [
        Refused(session, finding.sha256, card.id, card.sha256, str(finding.status))
        for finding in findings
        if finding and finding.status != Status.OK and finding.sha256 != EMPTY_SHA256
    ]


def shadows_of(recorded: Sequence[tuple[str, Finding, Picture]], predictor: Predictor, terms: Terms) -> list[Shadow]:
    """The candidate's answers for newly recorded cases (id, finding, picture). Its errors are only logged."""
    try:
        act = candidate_model(read_acts())
        if act is None or act.subject == predictor.card.id:
            return []
        digest, candidate = candidate_digest(act), models.predictor(act.subject)
    except PneumoError as error:
        log.warning("The candidate did not answer: %s", error)
        return []
    shadows, point, prevalence = [], terms.operating_point, stated_prevalence()
    for case_id, finding, picture in recorded:
        if held := picture():
            answer = ask_again(finding.sha256, *held, candidate)
            shadows.append(shadow_of(case_id, answer, candidate.card, digest, predictor.card, point, prevalence))
    return shadows
