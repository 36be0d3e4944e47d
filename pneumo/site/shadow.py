"""The candidate's answer on a case that the active model answered: stored for comparison, hidden from readers."""

from pneumo.evaluation.likelihood import posterior
from pneumo.evaluation.operating_point import zone
from pneumo.inference.finding import Finding
from pneumo.labels import LABELS
from pneumo.record.case import Shadow
from pneumo.registry.models import ModelCard


def shadow_of(
    case_id: str,
    finding: Finding,
    candidate: ModelCard,
    card_sha256: str,
    active: ModelCard,
    operating_point: str,
    prevalence: float,
) -> Shadow:
    """`finding`: the candidate's, of the same image, behind its own gate."""
    known = (case_id, candidate.id, candidate.sha256, card_sha256, str(finding.status))
    if finding.answer is None:
        return Shadow(*known, None, "", "", "")
    ratio = finding.answer.log_ratio
    label, label_at_active_cut = (str(LABELS[int(ratio >= card.cuts[operating_point])]) for card in (candidate, active))
    return Shadow(*known, float(posterior(ratio, prevalence)), label, label_at_active_cut, str(zone(ratio, candidate.cuts)))
