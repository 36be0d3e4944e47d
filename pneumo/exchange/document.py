"""The one-page report -> DICOM Encapsulated PDF."""

from datetime import UTC, datetime
from typing import Any

from highdicom import ReferencedImageSequence
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from pneumo import __version__
from pneumo.exchange.place import Place
from pneumo.exchange.source import MANUFACTURER, Source
from pneumo.inference.finding import Finding, Terms
from pneumo.registry.models import ModelCard
from pneumo.reporting.captioned import RESEARCH_USE
from pneumo.reporting.finding_pdf import report_pdf
from pneumo.reporting.finding_report import Remarks, ReportContent
from pneumo.reporting.weaknesses import heatmap_doubt


def encapsulated_report(
    source: Source, finding: Finding, card: ModelCard, metrics: dict[str, Any], terms: Terms, place: Place
) -> Dataset:
    """The page that `pneumo report` writes, without second opinion and remarks, in its own series, without patient elements.

    The page itself names no patient. `metrics`: those shown beside an answer, as in metrics.json.
    """
    assert finding.radiograph is not None, "expected a finding that is an answer"
    made = datetime.now(UTC).astimezone()
    doubt = heatmap_doubt(card.id)
    pdf = report_pdf(ReportContent(finding, finding.radiograph, card, metrics, terms, Remarks(), made, heat_doubt=doubt))
    document = Dataset()
    document.file_meta = FileMetaDataset()
    document.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    document.SOPClassUID, document.SOPInstanceUID = EncapsulatedPDFStorage, place.instance
    document.InstanceCreationDate = document.ContentDate = made.strftime("%Y%m%d")
    document.InstanceCreationTime = document.ContentTime = made.strftime("%H%M%S")
    document.StudyInstanceUID, document.SeriesInstanceUID = source.reference.StudyInstanceUID, place.series
    document.SeriesNumber, document.InstanceNumber = place.series_number, place.instance_number
    document.SeriesDescription = f"{MANUFACTURER} report as PDF, research use"
    document.Modality, document.ConversionType = "DOC", "WSD"
    document.Manufacturer, document.ManufacturerModelName = MANUFACTURER, finding.model
    document.SoftwareVersions, document.DeviceSerialNumber = __version__, finding.model_sha256[:16]
    document.AcquisitionDateTime = ""
    document.BurnedInAnnotation = "NO"
    document.DocumentTitle = f"{MANUFACTURER} report on a chest X-ray. {RESEARCH_USE}"
    document.ConceptNameCodeSequence = [CodedConcept.from_code(codes.DCM.ImagingMeasurementReport)]
    document.VerificationFlag = "UNVERIFIED"
    document.SourceInstanceSequence = ReferencedImageSequence([source.reference])
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    document.EncapsulatedDocumentLength = len(pdf)
    document.EncapsulatedDocument = pdf  # pydicom fills up to an even length
    return document
