"""Values and references of the structured report of one image."""

import dataclasses

import numpy as np
import pytest
from exchange.dx import NOBODY, SCRIPTS, SICK, WELL, dx_bytes, dx_dataset, file_of
from exchange.reopened import content, reopened
from exchange.validator import needs_dsrdump, report_tree
from highdicom.sr import ComprehensiveSR

from pneumo import __version__
from pneumo.exchange.heat import hottest_region
from pneumo.exchange.results import file_bytes, make_results
from pneumo.inference.finding import Terms, judge, read
from pneumo.reporting.captioned import NO_HEAT

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")  # as in pneumo.imaging.decoding.dicom; pytest resets it


def test_report_of_a_pneumonia(results_of, predictor):
    source = dx_dataset(**SICK)
    finding = read(file_of(source), predictor)
    reading = judge(finding.answer.log_ratio, predictor.card, Terms())
    assert 0.75 < reading.probability < 0.95
    report = reopened(results_of(file_of(source)).report)
    values = content(report)
    assert values["Finding"] == [("233604007", "SCT")]
    assert values["Calibrated probability of pneumonia"] == pytest.approx([reading.probability], abs=1e-6)
    assert values["Share of patients with pneumonia that the probability assumes"] == [0.5]
    assert values["Calibrated likelihood ratio of pneumonia"] == pytest.approx([reading.likelihood_ratio], rel=1e-5)
    assert values["Threshold of the operating point"] == [0.5]
    assert values["Zone of the probability"] == [("RULE-IN", "99PNEUMO")]
    assert values["Operating point"][0].startswith("balanced: ")
    assert values["Probability of bacterial pneumonia, given pneumonia"] == pytest.approx([finding.answer.bacterial], abs=1e-6)
    assert values["Probability of viral pneumonia, given pneumonia"] == pytest.approx([1 - finding.answer.bacterial], abs=1e-6)
    assert values["Source of Measurement"] == [source.SOPInstanceUID]
    assert values["Notice"] == ["RESEARCH USE - NOT A MEDICAL DEVICE"]
    assert values.get("Warning", []) == list(finding.warnings)
    assert (values["Algorithm Name"], values["Algorithm Version"]) == (["Pneumo"], [__version__])
    assert values["Algorithm Parameters"] == ["model tiny", f"model SHA-256 {predictor.card.sha256}"]
    assert (report.VerificationFlag, report.PreliminaryFlag, report.CompletionFlag) == ("UNVERIFIED", "PRELIMINARY", "COMPLETE")
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    (evidence,) = report.CurrentRequestedProcedureEvidenceSequence
    assert evidence.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID


def test_report_without_pneumonia(results_of):
    values = content(results_of(dx_bytes(**WELL)).report)
    assert values["Finding"] == [("NO-PNEUMONIA", "99PNEUMO")]
    assert values["Zone of the probability"] == [("RULE-OUT", "99PNEUMO")]
    assert not [name for name in values if "bacterial" in name or "viral" in name]


def test_warnings_of_the_finding_are_in_the_report(predictor):
    data = dx_bytes(**SICK)
    finding = dataclasses.replace(read(data, predictor), warnings=("Rotated.", "Too dark."))
    values = content(make_results(data, finding, predictor.card, Terms("rule-in")).report)
    assert values["Warning"] == ["Rotated.", "Too dark."]
    assert values["Threshold of the operating point"] == [0.75]


def test_the_report_refers_to_all_results_of_its_image(predictor, everything):
    source = dx_dataset(**SICK, side=448)
    data = file_of(source)
    results = make_results(data, read(data, predictor), predictor.card, Terms(), everything)
    report = ComprehensiveSR.from_dataset(reopened(results.report))
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == source.StudyInstanceUID
    evidence = {
        str(item.ReferencedSOPInstanceUID): str(series.SeriesInstanceUID)
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    others = [results.capture, results.pdf, results.lungs, results.heat]
    assert evidence == {str(each.SOPInstanceUID): str(each.SeriesInstanceUID) for each in [source, *others]}
    groups = report.content.get_planar_roi_measurement_groups()
    referred = [item for group in groups for item in group[0].ContentSequence if item.ValueType == "IMAGE"]
    frames = [item.ReferencedSOPSequence[0] for item in referred if item.name.meaning == "Referenced Segmentation Frame"]
    assert [(frame.ReferencedSOPInstanceUID, frame.ReferencedFrameNumber) for frame in frames] == [
        (results.lungs.SOPInstanceUID, 1),
        (results.lungs.SOPInstanceUID, 2),
        (results.heat.SOPInstanceUID, 1),
    ]
    assert [group.finding_type.value for group in groups] == ["HOTTEST", "39607008", "39607008", "HEAT"]
    sides = [site.laterality.meaning for group in groups for site in group.finding_sites]
    assert sides == ["Right", "Left"]


def test_the_place_of_most_heat_is_a_polygon_on_the_source(results_of, predictor):
    source = dx_dataset(**SICK, side=448)
    data = file_of(source)
    report = ComprehensiveSR.from_dataset(reopened(results_of(data).report))
    (group,) = report.content.get_planar_roi_measurement_groups()
    heatmap = read(data, predictor).answer.heatmap
    assert group.roi.graphic_type.value == "POLYLINE"
    np.testing.assert_allclose(group.roi.value, hottest_region(heatmap, 448, 448), atol=1e-3)
    selected = group.roi.ContentSequence[0].ReferencedSOPSequence[0]
    assert selected.ReferencedSOPInstanceUID == source.SOPInstanceUID
    (peak,) = group.get_measurements()
    assert (peak.name.value, peak.value) == ("PEAK-HEAT", pytest.approx(heatmap.peak, rel=1e-5))


@pytest.mark.parametrize("reason", ["doubted", "empty"])
def test_without_a_shown_heatmap_there_is_no_heat(reason, predictor, everything, monkeypatch):
    if reason == "doubted":
        monkeypatch.setattr("pneumo.exchange.heat.heatmap_doubt", lambda model: "It does no better than chance.")
    data = dx_bytes(**(SICK if reason == "doubted" else WELL), side=448)
    finding = read(data, predictor)
    assert finding.answer.heatmap.empty == (reason == "empty")
    results = make_results(data, finding, predictor.card, Terms(), everything)
    assert results.heat is None
    report = ComprehensiveSR.from_dataset(reopened(results.report))
    kinds = [group.finding_type.value for group in report.content.get_planar_roi_measurement_groups()]
    assert kinds == ["39607008", "39607008"]
    said = NO_HEAT if reason == "doubted" else "No heatmap: no place spoke for pneumonia."
    assert content(report)["Notice"] == ["RESEARCH USE - NOT A MEDICAL DEVICE", f"No segmentation of the heat: {said}"]


def test_implausible_or_missing_lungs_are_left_out_with_a_notice(predictor, everything):
    data = dx_bytes(**SICK)
    finding = read(data, predictor)
    blank = dataclasses.replace(finding, canonical=np.zeros((224, 224), np.uint8))
    for variant, selection, reason in (
        (blank, everything, everything.finder.find(blank.canonical).reason),
        (finding, dataclasses.replace(everything, finder=None), "This installation has no lung segmenter (models/lungs)."),
    ):
        assert reason
        results = make_results(data, variant, predictor.card, Terms(), selection)
        assert results.lungs is None
        assert content(reopened(results.report))["Notice"][1] == f"No segmentation of the lungs: {reason}"


@needs_dsrdump
@pytest.mark.parametrize("elements", [SICK, WELL, SCRIPTS, NOBODY], ids=["pneumonia", "normal", "three scripts", "nobody"])
def test_another_toolkit_reads_the_same_report(elements, predictor, everything, tmp_path):
    data = dx_bytes(**elements)
    report = make_results(data, read(data, predictor), predictor.card, Terms(), everything).report
    tree, errors = report_tree(file_bytes(report), tmp_path)
    assert errors == []
    assert "Verification Flag   : UNVERIFIED" in tree
    probability = content(report)["Calibrated probability of pneumonia"][0]
    assert f'NUM:(,,"Calibrated probability of pneumonia")="{probability:g}"' in tree
    assert 'TEXT:(,,"Notice")="RESEARCH USE' in tree
