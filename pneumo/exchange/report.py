"""Answer -> DICOM Comprehensive Structured Report (TID 1500): coded, unverified, preliminary, with its algorithm.

The root of the results of one image: it refers to the image and to every other object made of it.
"""

from collections.abc import Iterator, Sequence

from highdicom import sr
from highdicom.seg import Segmentation
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from pneumo import __version__
from pneumo.evaluation.operating_point import MEANING
from pneumo.exchange import codes as concepts
from pneumo.exchange.heat import heat_hidden, hottest_region
from pneumo.exchange.place import Place, series_and_device
from pneumo.exchange.source import MANUFACTURER, Source
from pneumo.inference.finding import Finding, Reading
from pneumo.inference.predictor import Answer
from pneumo.labels import Verdict
from pneumo.reporting.captioned import RESEARCH_USE


def structured_report(
    source: Source, finding: Finding, reading: Reading, place: Place, others: Sequence[Dataset] = (), notices: Sequence[str] = ()
) -> sr.ComprehensiveSR:
    """Report on one image with a finding of status "ok", in its own series, without patient elements (`make_results` adds them).

    NORMAL becomes the finding "no pneumonia called", INDETERMINATE "neither called nor ruled out". The subtype is included
    only if pneumonia is called, the place of most heat only if heat is shown. `others`: the other results of the image;
    segments are items of the report, the rest stands in its other evidence. `notices`: texts about what was not made.
    """
    answer_group = _answer_group(source, finding, reading, place, notices)
    region = [] if heat_hidden(finding) else [_hottest(source, finding, place)]
    segments = [group for other in others if isinstance(other, Segmentation) for group in _segments(other)]
    observer = sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[MANUFACTURER, finding.model_sha256]),  # the same UID for the same model
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=finding.model,
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_device_context=sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=observer)
        ),
        procedure_reported=concepts.PROCEDURE,
        imaging_measurements=[answer_group, *region, *segments],
    )
    return sr.ComprehensiveSR(
        evidence=[source.reference, *others],
        content=content,
        **series_and_device(place, finding),
        series_description=f"{MANUFACTURER} report, research use",
        coding_schemes=[concepts.SCHEME],
        is_complete=True,
        is_final=False,
        is_verified=False,
    )


def _answer_group(
    source: Source, finding: Finding, reading: Reading, place: Place, notices: Sequence[str]
) -> sr.MeasurementsAndQualitativeEvaluations:
    assert finding.answer is not None, "expected a finding that is an answer"
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracked(place.instance, "Pneumo answer"),
        finding_type=concepts.FINDINGS[reading.verdict],
        algorithm_id=_model(finding),
        measurements=_measurements(finding.answer, reading),
        qualitative_evaluations=[sr.QualitativeEvaluation(concepts.ZONE, concepts.ZONES[reading.zone])],
        source_images=[sr.SourceImageForMeasurementGroup(source.reference.SOPClassUID, source.reference.SOPInstanceUID)],
    )
    point = f"{reading.operating_point}: {MEANING.get(reading.operating_point, 'no description')}"
    texts = [(concepts.NOTICE, RESEARCH_USE), (concepts.OPERATING_POINT, point)]
    texts += [(concepts.WARNING, warning) for warning in finding.warnings]
    texts += [(concepts.NOTICE, notice) for notice in notices]
    # TID 1501 allows texts as evaluations; the library supports only codes.
    group[0].ContentSequence.extend(sr.TextContentItem(name, text, "CONTAINS") for name, text in texts)
    return group


def _hottest(source: Source, finding: Finding, place: Place) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    assert finding.answer is not None, "expected a finding that is an answer"
    assert finding.radiograph is not None, "expected a finding that is an answer"
    heatmap = finding.answer.heatmap
    image = sr.SourceImageForRegion(source.reference.SOPClassUID, source.reference.SOPInstanceUID)
    outline = hottest_region(heatmap, *finding.radiograph.pixels.shape)
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracked(place.instance, "Pneumo place of most heat"),
        referenced_region=sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, outline, image),
        finding_type=concepts.HOTTEST,
        algorithm_id=_model(finding),
        measurements=[_number(concepts.PEAK, heatmap.peak)],
    )


def _segments(segmentation: Segmentation) -> Iterator[sr.PlanarROIMeasurementsAndQualitativeEvaluations]:
    """One group for each segment."""
    read = segmentation.SourceImageSequence[0]
    image = sr.SourceImageForSegmentation(read.ReferencedSOPClassUID, read.ReferencedSOPInstanceUID)
    for segment in segmentation.SegmentSequence:
        number, kind = segment.SegmentNumber, segment.SegmentedPropertyTypeCodeSequence[0]
        made_by = segment.SegmentationAlgorithmIdentificationSequence[0]
        side = kind.get("SegmentedPropertyTypeModifierCodeSequence")
        # Frame n is segment n. `from_segmentation` of highdicom 0.28 fails where there is one segment.
        frame = sr.ReferencedSegmentationFrame(segmentation.SOPClassUID, segmentation.SOPInstanceUID, number, number, image)
        del frame[0].ReferencedSOPSequence[0].ReferencedSegmentNumber  # PS3.3 table 10-3: not beside a frame number
        yield sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=_tracked(segmentation.SOPInstanceUID, segment.SegmentLabel, str(number)),
            referenced_segment=frame,
            finding_type=_concept(kind),
            finding_sites=[sr.FindingSite(_concept(kind), laterality=_concept(side[0]))] if side else None,
            algorithm_id=sr.AlgorithmIdentification(made_by.AlgorithmName, made_by.AlgorithmVersion, [made_by.AlgorithmParameters]),
        )


def _concept(item: Dataset) -> sr.CodedConcept:
    return sr.CodedConcept(item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning)


def _tracked(instance: str, identifier: str, key: str = "") -> sr.TrackingIdentifier:
    """The same UID for the same object (its instance UID) and key in it, by default the identifier."""
    return sr.TrackingIdentifier(uid=generate_uid(entropy_srcs=[instance, key or identifier]), identifier=identifier)


def _model(finding: Finding) -> sr.AlgorithmIdentification:
    return sr.AlgorithmIdentification(
        name=MANUFACTURER, version=__version__, parameters=[f"model {finding.model}", f"model SHA-256 {finding.model_sha256}"]
    )


def _measurements(answer: Answer, reading: Reading) -> list[sr.Measurement]:
    measurements = [
        _number(concepts.PROBABILITY, reading.probability),
        _number(concepts.PREVALENCE, reading.prevalence),
        _number(concepts.LIKELIHOOD_RATIO, reading.likelihood_ratio),
        _number(concepts.THRESHOLD, reading.threshold),
    ]
    if reading.verdict == Verdict.PNEUMONIA and answer.bacterial is not None:
        measurements += [_number(concepts.BACTERIAL, answer.bacterial), _number(concepts.VIRAL, 1 - answer.bacterial)]
    return measurements


def _number(name: sr.CodedConcept, value: float) -> sr.Measurement:
    """Six significant digits: a DICOM decimal string holds at most 16 characters."""
    return sr.Measurement(name=name, value=float(f"{value:.6g}"), unit=codes.UCUM.NoUnits)
