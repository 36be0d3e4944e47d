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
    if finding.answer is None:
        return Shadow(case_id, candidate.id, candidate.sha256, card_sha256, str(finding.status), None, "", "", "")
    ratio = finding.answer.log_ratio
    return Shadow(
        case_id,
        candidate.id,
        candidate.sha256,
        card_sha256,
        str(finding.status),
        float(posterior(ratio, prevalence)),
        str(LABELS[int(ratio >= candidate.cuts[operating_point])]),
        str(LABELS[int(ratio >= active.cuts[operating_point])]),
        str(zone(ratio, candidate.cuts)),
    )
