"""Values of the structured report and the capture of one image."""

import dataclasses
import io
import logging

import numpy as np
import pydicom
import pytest
from exchange.dx import NAME, dx_bytes, dx_dataset, file_of
from exchange.validator import needs_dciodvfy, needs_dsrdump, problems, report_tree
from highdicom.sr import ComprehensiveSR
from pydicom.uid import ComputedRadiographyImageStorage, CTImageStorage, SecondaryCaptureImageStorage, generate_uid

from pneumo import __version__
from pneumo.errors import ConfigError, ExchangeError
from pneumo.exchange.heat import hottest_region
from pneumo.exchange.results import file_bytes, make_results
from pneumo.imaging.overlay import grey_picture
from pneumo.inference.finding import Terms, judge, read
from pneumo.reporting.captioned import NO_HEAT

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")  # as in pneumo.imaging.decoding.dicom; pytest resets it

SICK, WELL = {"gamma": 0.4}, {"gamma": 2.0}


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


def test_both_are_filed_under_the_patient_and_study_of_the_source(results_of):
    source = dx_dataset(**SICK)
    results = [reopened(result) for result in results_of(file_of(source))]
    for result in results:
        for name in (
            "PatientName",
            "PatientID",
            "PatientBirthDate",
            "PatientSex",
            "PatientAge",
            "StudyInstanceUID",
            "StudyDate",
            "StudyTime",
            "StudyID",
            "StudyDescription",
            "AccessionNumber",
            "ReferringPhysicianName",
        ):
            assert str(result[name].value) == str(source[name].value), name
        assert result.Manufacturer == "Pneumo"
    series = {str(result.SeriesInstanceUID) for result in [source, *results]}
    objects = {str(result.SOPInstanceUID) for result in [source, *results]}
    assert len(series) == len(objects) == 3


def uids(results):
    return [(str(result.SeriesInstanceUID), str(result.SOPInstanceUID)) for result in results]


def test_an_image_sent_again_gets_the_same_uids(predictor, everything):
    source = dx_dataset(**SICK, side=448)
    data = file_of(source)
    finding = read(data, predictor)

    def made(**changed):
        return list(make_results(**{"data": data, "finding": finding, "card": predictor.card, "terms": Terms(), **changed}))

    first = uids(made(selection=everything))
    assert len(set(first)) == len(first) == 5
    source.NumberOfStudyRelatedInstances = 7  # added by an archive on the way
    assert uids(made(data=file_of(source), selection=everything)) == first
    for changed in ({"terms": Terms("rule-in")}, {"finding": dataclasses.replace(finding, site_profile="here")}, {}):
        assert set(uids(made(**changed))).isdisjoint(first)  # other results, not the same ones with other content


def test_images_of_one_study_share_a_series_of_each_kind(predictor, everything):
    first = dx_dataset(**SICK, side=448, InstanceNumber=1)
    second = dx_dataset(**SICK, side=448, seed=1, InstanceNumber=2, StudyInstanceUID=first.StudyInstanceUID)
    sets = []
    for source in (first, second):
        data = file_of(source)
        sets.append(list(make_results(data, read(data, predictor), predictor.card, Terms(), everything)))
    kinds = [[(str(result.SeriesInstanceUID), result.SeriesNumber, result.Modality) for result in results] for results in sets]
    assert kinds[0] == kinds[1]
    assert len(set(kinds[0])) == 4
    numbered = [(result.SeriesNumber, result.InstanceNumber) for results in sets for result in results]
    assert sorted(numbered) == [*((n, i) for n in (9901, 9902, 9903) for i in (1, 2)), *((9904, i) for i in (1, 2, 3, 4))]
    assert len({result.SOPInstanceUID for results in sets for result in results}) == 10
    for number in ("-3", "", "x"):
        source = dx_dataset(**SICK, InstanceNumber=None)
        source.add_new("InstanceNumber", "LO", number)
        assert make_results(file_of(source), read(data, predictor), predictor.card, Terms()).report.InstanceNumber == 1


def test_the_report_refers_to_everything_made_of_its_image(predictor, everything):
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
def test_no_heat_where_none_is_shown(reason, predictor, everything, monkeypatch):
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


def test_lungs_that_cannot_be_believed_are_left_out_and_said(predictor, everything):
    data = dx_bytes(**SICK)
    finding = read(data, predictor)
    blank = dataclasses.replace(finding, canonical=np.zeros((224, 224), np.uint8))
    for found, selection, reason in (
        (blank, everything, everything.finder.find(blank.canonical).reason),
        (finding, dataclasses.replace(everything, finder=None), "This installation has no lung segmenter (models/lungs)."),
    ):
        assert reason
        results = make_results(data, found, predictor.card, Terms(), selection)
        assert results.lungs is None
        assert content(reopened(results.report))["Notice"][1] == f"No segmentation of the lungs: {reason}"


def test_capture_shows_heat_between_the_bands(results_of, predictor):
    data = dx_bytes(**SICK, side=256)
    capture = reopened(results_of(data).capture)
    above, below = 1, 3  # lines of 16 pixels; the last is the legend of the heat
    assert (capture.Columns, capture.Rows, capture.PhotometricInterpretation) == (256, 256 + (above + below) * 16, "RGB")
    pixels = capture.pixel_array
    top, image, bottom = pixels[:16], pixels[16 * above : -16 * below], pixels[-32:-16]
    for band in (top, bottom):  # white letters on black, from edge to edge
        assert (band[0] == 0).all()
        assert band.max() > 200
        assert np.ptp(np.flatnonzero(band.max(axis=(0, 2)) > 128)) > 128
    plain = grey_picture(read(data, predictor).radiograph.pixels)
    assert (image[:16] == plain[:16]).all()  # outside what the network sees
    assert np.ptp(plain[100:150, 100:150].astype(int), axis=2).max() == 0
    assert np.ptp(image[100:150, 100:150].astype(int), axis=2).max() > 20  # heat is colour
    assert capture.SourceImageSequence[0].ReferencedSOPClassUID == dx_dataset().SOPClassUID
    assert "RESEARCH USE - NOT A MEDICAL DEVICE" in capture.DerivationDescription


NOBODY = {"PatientName": "", "PatientID": "", "PatientBirthDate": ""} | dict.fromkeys(
    ("AccessionNumber", "StudyID", "ReferringPhysicianName", "PatientSex", "StudyTime")
)
LOSSY = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "10", "LossyImageCompressionMethod": "ISO_10918_1"}
SCRIPTS = {"PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう", "SpecificCharacterSet": "ISO_IR 192"}


def test_a_doubted_map_does_not_reach_the_archive(predictor, monkeypatch):
    monkeypatch.setattr("pneumo.exchange.capture.heatmap_doubt", lambda model: "It does no better than chance.")
    source = file_of(dx_dataset(**SICK))
    finding = read(source, predictor)
    capture = reopened(make_results(source, finding, predictor.card, Terms()).capture)
    picture = capture.pixel_array
    assert (picture[..., 0] == picture[..., 2]).all()  # grey throughout
    assert NO_HEAT in capture.DerivationDescription
    assert "heatmap" not in capture.SeriesDescription


@needs_dciodvfy
@pytest.mark.parametrize(
    "elements",
    [
        pytest.param(SICK, id="pneumonia"),
        pytest.param(WELL, id="normal"),
        pytest.param({"subtype": "viral", "side": 300}, id="phantom"),
        pytest.param({"SOPClassUID": ComputedRadiographyImageStorage, "Modality": "CR"}, id="CR"),
        pytest.param({"SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT", "PatientOrientation": None}, id="SC"),
        pytest.param(NOBODY, id="nobody"),
        pytest.param({**LOSSY, "BurnedInAnnotation": "YES"}, id="lossy"),
        pytest.param(SCRIPTS, id="three scripts"),
        pytest.param({"PatientBirthDate": "unknown", "StudyTime": "noon", "PatientAge": "two", "PatientSex": "girl?"}, id="junk"),
    ],
)
def test_all_are_valid(elements, results_of, predictor, everything, tmp_path):
    data = dx_bytes(**elements)
    if elements in (SICK, WELL):
        assert problems(data, tmp_path) == []  # the source is valid, too
    finding = read(data, predictor)
    results = make_results(data, finding, predictor.card, Terms(), everything)
    assert set(results.named()) >= {"report", "capture", "pdf", "lungs"}
    for result in (*results_of(data), *results):
        assert problems(file_bytes(result), tmp_path) == []


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


def test_invalid_values_are_left_empty(results_of):
    report = reopened(results_of(dx_bytes(PatientBirthDate="unknown", PatientSex="girl?", StudyDate="20260105")).report)
    assert (report.PatientBirthDate, report.PatientSex, report.StudyDate) == ("", "", "20260105")


def test_a_name_in_another_character_set(results_of):
    data = dx_bytes(PatientName="Müller^Jörg", SpecificCharacterSet="ISO_IR 100")
    assert "Müller".encode("latin-1") in data
    report = reopened(results_of(data).report)
    assert (report.PatientName, report.SpecificCharacterSet) == ("Müller^Jörg", "ISO_IR 192")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        pytest.param(b"\x89PNG" + bytes(200), "belongs to no study", id="no DICOM"),
        pytest.param(dx_bytes(StudyInstanceUID=None), "StudyInstanceUID", id="no study"),
        pytest.param(dx_bytes(StudyInstanceUID=NAME), "StudyInstanceUID", id="junk for a UID"),
        pytest.param(dx_bytes(SOPClassUID=CTImageStorage), "no CR, DX or secondary capture", id="CT"),
        pytest.param(dx_bytes()[:140] + b"\xff" * 20, "lacks a valid", id="damaged"),
    ],
)
def test_a_file_without_a_valid_study_is_refused(data, match, predictor):
    finding = read(dx_bytes(**SICK), predictor)
    with pytest.raises(ExchangeError, match=match) as caught:
        make_results(data, finding, predictor.card, Terms())
    assert "Zwetschgenbaum" not in str(caught.value)


def test_no_results_without_an_answer(predictor):
    data = dx_bytes(Modality="CT")
    with pytest.raises(ExchangeError, match="without an answer"):
        make_results(data, read(data, predictor), predictor.card, Terms())


def test_unknown_operating_point(predictor):
    data = dx_bytes()
    with pytest.raises(ConfigError, match="balanced"):
        make_results(data, read(data, predictor), predictor.card, Terms("none"))


def test_no_message_quotes_the_patient(results_of, caplog, recwarn, capsys):
    """The libraries warn about names without a caret, quote invalid values and log UIDs."""
    caplog.set_level(logging.DEBUG)
    study = generate_uid()
    results = results_of(dx_bytes(PatientName="Zwetschgenbaum", PatientBirthDate="Zwetschgenbaum", StudyInstanceUID=study))
    for result in results:
        file_bytes(result)
    messages = caplog.text + "".join(str(w.message) for w in recwarn.list) + "".join(capsys.readouterr()) + repr(results)
    assert "Zwetschgenbaum" not in messages
    assert study not in messages
