"""The report page as Encapsulated PDF."""

import dataclasses
import io

import pydicom
import pytest
from exchange.dx import NAME, dx_dataset, file_of
from exchange.validator import extracted_pdf, needs_dcmtk
from pydicom.uid import EncapsulatedPDFStorage
from pypdf import PdfReader

from pneumo.exchange.document import report_pdf
from pneumo.exchange.results import file_bytes, make_results
from pneumo.inference.finding import Terms, judge, read

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")


@pytest.fixture
def filed(predictor, everything, monkeypatch):
    """The source, its finding, the object read again, and the PDF that it encapsulates."""
    drawn = []

    def odd(page):
        """A PDF of odd length, which DICOM does not allow for a value."""
        pdf = report_pdf(page)
        drawn.append(pdf + b"\n" * (1 - len(pdf) % 2))
        return drawn[-1]

    monkeypatch.setattr("pneumo.exchange.document.report_pdf", odd)
    source = dx_dataset(gamma=0.4)
    finding = dataclasses.replace(read(file_of(source), predictor), warnings=("Rotated.",))
    results = make_results(file_of(source), finding, predictor.card, Terms(), everything)
    return source, finding, pydicom.dcmread(io.BytesIO(file_bytes(results.pdf))), drawn[0]


def test_the_bytes_are_those_of_the_page(filed):
    _, _, document, drawn = filed
    assert document.EncapsulatedDocumentLength == len(drawn)
    assert document.EncapsulatedDocument[: len(drawn)] == drawn
    assert len(document.EncapsulatedDocument) % 2 == 0
    assert document.SOPClassUID == document.file_meta.MediaStorageSOPClassUID == EncapsulatedPDFStorage
    assert document.file_meta.MediaStorageSOPInstanceUID == document.SOPInstanceUID
    assert document.MIMETypeOfEncapsulatedDocument == "application/pdf"


@needs_dcmtk
def test_another_toolkit_extracts_the_same_pdf(filed, tmp_path):
    _, _, document, drawn = filed
    assert extracted_pdf(file_bytes(document), tmp_path) == drawn


def test_the_page_has_the_verdict_and_names_nobody(filed, predictor):
    source, finding, document, drawn = filed
    (page,) = PdfReader(io.BytesIO(document.EncapsulatedDocument)).pages
    text = page.extract_text()
    reading = judge(finding.answer.log_ratio, predictor.card, Terms())
    assert f"{reading.verdict}" in text
    assert "Rotated." in text
    assert (source.PatientName, str(document.PatientName)) == (NAME, NAME)
    for word in ("Zwetschgenbaum", "P-4711", "A-0815", str(source.StudyInstanceUID)):
        assert word not in text
        assert word.encode() not in drawn


def test_filed_in_the_study_as_unverified(filed):
    source, _, document, _ = filed
    for name in ("StudyInstanceUID", "PatientID", "PatientBirthDate", "StudyDate", "AccessionNumber"):
        assert document[name].value == source[name].value
    assert (document.Modality, document.SeriesNumber, document.VerificationFlag) == ("DOC", 9903, "UNVERIFIED")
    assert "RESEARCH USE - NOT A MEDICAL DEVICE" in document.DocumentTitle
    assert document.SourceInstanceSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
