"""Coded concepts of the results: SNOMED CT and DICOM where they have one, 99PNEUMO (this project) where they have none."""

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept

from pneumo.labels import Verdict, Zone

SCHEME = CodingSchemeIdentificationItem("99PNEUMO", name="Codes of the Pneumo project")


def _own(value: str, meaning: str) -> CodedConcept:
    return CodedConcept(value, "99PNEUMO", meaning)


PROCEDURE = CodedConcept("399208008", "SCT", "Plain X-ray of chest")
FINDINGS = {  # NORMAL is the model's own label: of anything but pneumonia it knows nothing
    Verdict.PNEUMONIA: CodedConcept("233604007", "SCT", "Pneumonia"),
    Verdict.NORMAL: _own("NO-PNEUMONIA", "No pneumonia called (NORMAL)"),
    Verdict.INDETERMINATE: _own("OPEN", "Pneumonia neither called nor ruled out (INDETERMINATE)"),
}
PROBABILITY = _own("PROBABILITY", "Calibrated probability of pneumonia")
PREVALENCE = _own("PREVALENCE", "Share of patients with pneumonia that the probability assumes")
LIKELIHOOD_RATIO = _own("LIKELIHOOD-RATIO", "Calibrated likelihood ratio of pneumonia")
THRESHOLD = _own("THRESHOLD", "Threshold of the operating point")
OPERATING_POINT = _own("OPERATING-POINT", "Operating point")
ZONE = _own("ZONE", "Zone of the probability")
ZONES = {
    Zone.RULE_OUT: _own("RULE-OUT", "Rule-out zone"),
    Zone.INDETERMINATE: _own("INDETERMINATE", "Indeterminate zone"),
    Zone.RULE_IN: _own("RULE-IN", "Rule-in zone"),
}
BACTERIAL = _own("BACTERIAL", "Probability of bacterial pneumonia, given pneumonia")
VIRAL = _own("VIRAL", "Probability of viral pneumonia, given pneumonia")
WARNING = _own("WARNING", "Warning")
NOTICE = _own("NOTICE", "Notice")
