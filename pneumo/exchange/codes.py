"""Coded concepts of the results: from SNOMED CT and DICOM where available, otherwise the project's own scheme 99PNEUMO."""

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes

from pneumo.labels import Verdict, Zone

SCHEME = CodingSchemeIdentificationItem("99PNEUMO", name="Codes of the Pneumo project")


def _own(value: str, meaning: str) -> CodedConcept:
    return CodedConcept(value, "99PNEUMO", meaning)


PROCEDURE = CodedConcept("399208008", "SCT", "Plain X-ray of chest")
FINDINGS = {  # NORMAL is a label of the model: it rules out no other disease
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
# Codes, not concepts: a concept is a data set, which each segment completes with its own side.
ANATOMY, SPATIAL = codes.SCT.AnatomicalStructure, codes.SCT.SpatialAndRelationalConcept
LUNG, RIGHT, LEFT = codes.SCT.Lung, codes.SCT.Right, codes.SCT.Left
HEAT = _own("HEAT", "Heat: evidence for pneumonia, no outline of disease")
HOTTEST = _own("HOTTEST", "Most heat: evidence for pneumonia, no outline of disease")
PEAK = _own("PEAK-HEAT", "Greatest heat, on the model's fixed scale from 0 to 1")
