"""Local fit: prevalence, calibration and cuts from one half of a site's children, judged on the other. The network is unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from pneumo.errors import ConfigError, DataError
from pneumo.evaluation.calibration import even_weights, fit_calibration, logistic
from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.operating_point import choose_operating_points
from pneumo.evaluation.summary import figure, summarise
from pneumo.registry.models import ModelCard, card_digest
from pneumo.site.answers import CaseAnswer, answered_of, labels_of, patients_of, predictions_of, ratios_of
from pneumo.site.cases import HALVES, digest_of
from pneumo.site.profile import Half, SiteProfile

LEAST = 30  # children of each class in each half


@dataclass(frozen=True)
class Prevalence:
    """Share of the site's children with pneumonia, and where it comes from."""

    value: float | None
    source: str


STATED_NOWHERE = Prevalence(None, "not set: the cases are not said to be consecutive")


def fit_profile(
    name: str, site: str, answers: Sequence[CaseAnswer], card: ModelCard, prevalence: Prevalence | str, seed: int = 0
) -> SiteProfile:
    """`prevalence` "consecutive": the share of sick children in the fitting half, if the cases are consecutive.

    Raises DataError if a child is in both halves, a half has too few children of a class, or the classes do not overlap.
    """
    known = answered_of(answers)
    fitting, judging = halves(known, seed)
    _check_enough(fitting, judging)
    labels, logits = labels_of(fitting), np.array([answer.logit for answer in fitting])
    weights = even_weights(labels)
    if not np.isfinite(logistic(labels, np.column_stack([np.ones(len(labels)), logits]), weights=weights)).all():
        raise DataError(
            "The scores of sick and healthy children do not overlap in the fitting half, so the calibration's steepness cannot be "
            "told. The model's own calibration stays; add cases, above all difficult ones."
        )
    calibration = fit_calibration(labels, logits, weights)
    fitted = replace(card, calibration=calibration, cuts=choose_operating_points(labels, calibration.log_ratio(logits)))
    share = _consecutive(fitting) if prevalence == "consecutive" else prevalence
    if not isinstance(share, Prevalence):
        raise ConfigError(f"The prevalence is {share!r}; expected a share, or consecutive.")
    return SiteProfile(
        name,
        site,
        card.id,
        card.sha256,
        card_digest(card.id),
        calibration,
        fitted.cuts,
        share.value,
        share.source,
        _half(fitting),
        _half(judging),
        _judged(judging, fitted),
        _judged(judging, card),
        _loss_less(judging, card, fitted),
        digest_of(each.case for each in answers),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )


def halves(answers: Sequence[CaseAnswer], seed: int = 0) -> tuple[list[CaseAnswer], list[CaseAnswer]]:
    """(fitting, judging), no child in both: as divided by the site, else at random, stratified by class.

    Raises DataError if the site's division has a child in both halves, or a case in neither.
    """
    if any(answer.case.half for answer in answers):
        if missing := [answer.case.name for answer in answers if not answer.case.half]:
            raise DataError(f"{len(missing)} cases are in neither half, {missing[0]} among them; expected fit or judge for each.")
        parts = {half: [answer for answer in answers if answer.case.half == half] for half in HALVES}
        if both := {each.case.patient for each in parts["fit"]} & {each.case.patient for each in parts["judge"]}:
            raise DataError(
                f"{len(both)} children are in both halves, so the judging half would know what was fitted. Give all pictures of a "
                "child the same half, or leave the column out: then Pneumo divides them by child."
            )
        return parts["fit"], parts["judge"]
    rng, fitting = np.random.default_rng(seed), set[str]()
    ever_sick = {answer.case.patient for answer in answers if answer.case.sick}
    for group in (ever_sick, {answer.case.patient for answer in answers} - ever_sick):
        order = rng.permutation(sorted(group))
        fitting |= set(order[: (len(order) + 1) // 2].tolist())
    return (
        [answer for answer in answers if answer.case.patient in fitting],
        [answer for answer in answers if answer.case.patient not in fitting],
    )


def _check_enough(*parts: Sequence[CaseAnswer]) -> None:
    for part, name in zip(parts, ("fitting", "judging"), strict=True):
        half = _half(part)
        if min(half.sick_children, half.healthy_children) < LEAST:
            raise DataError(
                f"Too few children for a local fit: the {name} half has {half.sick_children} sick and {half.healthy_children} "
                f"healthy ones with an answer; expected at least {LEAST} of each. Add cases; until then the model's own "
                "calibration stays."
            )


def _half(answers: Sequence[CaseAnswer]) -> Half:
    labels, patients = labels_of(answers), patients_of(answers)
    return Half(len(answers), *(len(set(patients[labels == label])) for label in (1, 0)))


def _consecutive(fitting: Sequence[CaseAnswer]) -> Prevalence:
    half = _half(fitting)
    share = half.sick_children / (half.sick_children + half.healthy_children)
    return Prevalence(share, f"the share of sick among {half.sick_children + half.healthy_children} consecutive children")


def _judged(judging: Sequence[CaseAnswer], card: ModelCard) -> dict[str, object]:
    """Metrics as for a split of metrics.json, at the prevalence of this half."""
    share = float(labels_of(judging).mean())
    return summarise(predictions_of(judging, card, share), card.points_at(share))


def _loss_less(judging: Sequence[CaseAnswer], before: ModelCard, after: ModelCard) -> dict[str, float | None]:
    """Reduction of the class-balanced log loss, with its interval over children."""
    labels = labels_of(judging)
    losses = [np.logaddexp(0, ratios) - labels * ratios for ratios in (ratios_of(judging, before), ratios_of(judging, after))]

    def reduction(index: np.ndarray) -> np.ndarray:
        if len(set(labels[index].tolist())) < 2:
            return np.array([np.nan])
        return np.array([np.average((losses[0] - losses[1])[index], weights=even_weights(labels[index]))])

    (low,), (high,) = patient_intervals(reduction, patients_of(judging))
    return figure(float(reduction(np.arange(len(labels)))[0]), float(low), float(high))
