"""The results of one image: their objects, their place in the study, and the capture."""

import dataclasses
import logging

import numpy as np
import pytest
from exchange.dx import NAME, NOBODY, SCRIPTS, SICK, WELL, dx_bytes, dx_dataset, file_of
from exchange.reopened import reopened
from exchange.validator import needs_dciodvfy, problems
from pydicom.uid import ComputedRadiographyImageStorage, CTImageStorage, SecondaryCaptureImageStorage, generate_uid

from pneumo.errors import ConfigError, ExchangeError
from pneumo.exchange.results import file_bytes, make_results
from pneumo.imaging.overlay import grey_picture
from pneumo.inference.finding import Terms, read
from pneumo.reporting.captioned import NO_HEAT

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")  # as in pneumo.imaging.decoding.dicom; pytest resets it


def test_results_are_filed_under_the_patient_and_study_of_the_source(results_of):
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
        assert set(uids(made(**changed))).isdisjoint(first)  # other results have other UIDs


def test_images_of_one_study_share_a_series_for_each_kind(predictor, everything):
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


def test_capture_shows_heat_between_the_bands(results_of, predictor):
    data = dx_bytes(**SICK, side=256)
    capture = reopened(results_of(data).capture)
    above, below = 1, 3  # lines of 16 pixels; the last is the legend of the heatmap
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


LOSSY = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "10", "LossyImageCompressionMethod": "ISO_10918_1"}


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
def test_all_results_are_valid(elements, results_of, predictor, everything, tmp_path):
    data = dx_bytes(**elements)
    if elements in (SICK, WELL):
        assert problems(data, tmp_path) == []  # the source is valid, too
    finding = read(data, predictor)
    results = make_results(data, finding, predictor.card, Terms(), everything)
    assert set(results.named()) >= {"report", "capture", "pdf", "lungs"}
    for result in (*results_of(data), *results):
        assert problems(file_bytes(result), tmp_path) == []


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
