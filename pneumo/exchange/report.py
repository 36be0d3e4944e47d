"""Answer -> DICOM Comprehensive Structured Report (TID 1500): coded, unverified, preliminary, with its algorithm."""

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from pneumo import __version__
from pneumo.evaluation.operating_point import MEANING
from pneumo.exchange import codes as concepts
from pneumo.exchange import quiet  # noqa: F401
from pneumo.exchange.source import MANUFACTURER, Source
from pneumo.inference.finding import Finding, Reading
from pneumo.inference.predictor import Answer
from pneumo.labels import Verdict
from pneumo.reporting.captioned import RESEARCH_USE

SERIES_NUMBER = 9901  # above the series numbers of modalities


def structured_report(source: Source, finding: Finding, reading: Reading) -> ComprehensiveSR:
    """Report on one image with a finding of status "ok", in its own series, without patient elements (`results.make_results`
    adds them).

    NORMAL becomes the finding "no pneumonia called", INDETERMINATE "neither called nor ruled out". The subtype is included
    only if pneumonia is called.
    """
    assert finding.answer is not None, "expected a finding that is an answer"
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=generate_uid(), identifier="Pneumo answer"),
        finding_type=concepts.FINDINGS[reading.verdict],
        algorithm_id=AlgorithmIdentification(
            name=MANUFACTURER,
            version=__version__,
            parameters=[f"model {finding.model}", f"model SHA-256 {finding.model_sha256}"],
        ),
        measurements=_measurements(finding.answer, reading),
        qualitative_evaluations=[QualitativeEvaluation(concepts.ZONE, concepts.ZONES[reading.zone])],
        source_images=[SourceImageForMeasurementGroup(source.reference.SOPClassUID, source.reference.SOPInstanceUID)],
    )
    point = f"{reading.operating_point}: {MEANING.get(reading.operating_point, 'no description')}"
    texts = [(concepts.NOTICE, RESEARCH_USE), (concepts.OPERATING_POINT, point)]
    texts += [(concepts.WARNING, warning) for warning in finding.warnings]
    # TID 1501 allows texts as evaluations; the library supports only codes.
    group[0].ContentSequence.extend(TextContentItem(name, text, "CONTAINS") for name, text in texts)
    observer = DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[MANUFACTURER, finding.model_sha256]),  # the same UID for the same model
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=finding.model,
    )
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=observer)
        ),
        procedure_reported=concepts.PROCEDURE,
        imaging_measurements=[group],
    )
    return ComprehensiveSR(
        evidence=[source.reference],
        content=content,
        series_instance_uid=generate_uid(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=finding.model,
        software_versions=__version__,
        device_serial_number=finding.model_sha256[:16],
        series_description=f"{MANUFACTURER} report, research use",
        coding_schemes=[concepts.SCHEME],
        is_complete=True,
        is_final=False,
        is_verified=False,
    )


def _measurements(answer: Answer, reading: Reading) -> list[Measurement]:
    measurements = [
        _number(concepts.PROBABILITY, reading.probability),
        _number(concepts.PREVALENCE, reading.prevalence),
        _number(concepts.LIKELIHOOD_RATIO, reading.likelihood_ratio),
        _number(concepts.THRESHOLD, reading.threshold),
    ]
    if reading.verdict == Verdict.PNEUMONIA and answer.bacterial is not None:
        measurements += [_number(concepts.BACTERIAL, answer.bacterial), _number(concepts.VIRAL, 1 - answer.bacterial)]
    return measurements


def _number(name: CodedConcept, value: float) -> Measurement:
    """Six significant digits: a DICOM decimal string holds at most 16 characters."""
    return Measurement(name=name, value=float(f"{value:.6g}"), unit=codes.UCUM.NoUnits)
