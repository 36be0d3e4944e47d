"""Results written to a file and read again."""

import io

import pydicom
from highdicom.sr import ComprehensiveSR

from pneumo.exchange.results import file_bytes


def reopened(dataset) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(file_bytes(dataset)))


def content(report) -> dict[str, list]:
    """{concept meaning: values} of the measurement group; a value is (code, scheme), a number, a text or a UID."""
    (group,) = ComprehensiveSR.from_dataset(report).content.get_image_measurement_groups()
    values: dict[str, list] = {}
    for item in group[0].ContentSequence:
        value = {
            "CODE": lambda item=item: (item.ConceptCodeSequence[0].CodeValue, item.ConceptCodeSequence[0].CodingSchemeDesignator),
            "NUM": lambda item=item: float(item.MeasuredValueSequence[0].NumericValue),
            "TEXT": lambda item=item: item.TextValue,
            "UIDREF": lambda item=item: item.UID,
            "IMAGE": lambda item=item: item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID,
        }[item.ValueType]()
        values.setdefault(item.ConceptNameCodeSequence[0].CodeMeaning, []).append(value)
    return values
