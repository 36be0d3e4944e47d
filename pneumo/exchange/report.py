"""Answer -> Comprehensive Structured Report (TID 1500): coded, unverified, preliminary, with the algorithm that gave it."""

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
from pneumo.exchange.source import MAKER, Source
from pneumo.inference.finding import Finding, Reading
from pneumo.inference.predictor import Answer
from pneumo.labels import Verdict
from pneumo.reporting.captioned import RESEARCH_USE

SERIES_NUMBER = 9901  # above what modalities number their own series with


def structured_report(source: Source, finding: Finding, reading: Reading) -> ComprehensiveSR:
    """Report on one image whose finding is "ok", in a series of its own and without the patient: see `results.make_results`.

    NORMAL becomes the finding "no pneumonia called", INDETERMINATE "neither called nor ruled out". The subtype is written
    where pneumonia is called, and only there.
    """
    assert finding.answer is not None, "expected a finding that is an answer"
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=generate_uid(), identifier="Pneumo answer"),
        finding_type=concepts.FINDINGS[reading.verdict],
        algorithm_id=AlgorithmIdentification(
            name=MAKER,
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
    # TID 1501 takes texts beside codes as evaluations; the library offers codes alone.
    group[0].ContentSequence.extend(TextContentItem(name, text, "CONTAINS") for name, text in texts)
    observer = DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[MAKER, finding.model_sha256]),  # one device a model: the same model, the same UID
        name=MAKER,
        manufacturer_name=MAKER,
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
        manufacturer=MAKER,
        manufacturer_model_name=finding.model,
        software_versions=__version__,
        device_serial_number=finding.model_sha256[:16],
        series_description=f"{MAKER} report, research use",
        coding_schemes=[concepts.SCHEME],
        is_complete=True,
        is_final=False,
        is_verified=False,
    )


def _measurements(answer: Answer, reading: Reading) -> list[Measurement]:
    measured = [
        _number(concepts.PROBABILITY, reading.probability),
        _number(concepts.PREVALENCE, reading.prevalence),
        _number(concepts.LIKELIHOOD_RATIO, reading.likelihood_ratio),
        _number(concepts.THRESHOLD, reading.threshold),
    ]
    if reading.verdict == Verdict.PNEUMONIA and answer.bacterial is not None:
        measured += [_number(concepts.BACTERIAL, answer.bacterial), _number(concepts.VIRAL, 1 - answer.bacterial)]
    return measured


def _number(name: CodedConcept, value: float) -> Measurement:
    """Six significant digits: a decimal string of DICOM holds 16 characters."""
    return Measurement(name=name, value=float(f"{value:.6g}"), unit=codes.UCUM.NoUnits)
