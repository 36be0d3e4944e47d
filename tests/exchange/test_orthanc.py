"""Round trip with a real archive: a study is forwarded to the node, and its results arrive in the same study."""

import io
import time

import pydicom
import pytest
import requests
from exchange.dx import NAME, dx_bytes, dx_dataset, file_of
from exchange.fakes import closed_port
from exchange.reopened import content
from exchange.running import needs_orthanc, node_process, orthanc, waited
from exchange.validator import extracted_pdf, needs_dciodvfy, needs_dcmtk, problems
from pypdf import PdfReader

from pneumo.exchange import dimse, stow
from pneumo.exchange.outcome import CONFIRMED
from pneumo.exchange.results import make_results
from pneumo.exchange.settings import OBJECTS, SendSettings
from pneumo.inference.finding import Terms, judge, read

pytestmark = [needs_orthanc, needs_dciodvfy, pytest.mark.long]


@pytest.fixture(scope="module")
def node_port():
    return closed_port()


@pytest.fixture(scope="module")
def archive(tmp_path_factory, node_port):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        with orthanc(tmp_path_factory.mktemp("orthanc"), (closed_port(), closed_port()), node_port) as running:
            yield running


def test_a_forwarded_study_gets_report_and_capture(archive, node_port, models, predictor, tmp_path):
    source = dx_dataset(gamma=0.4, side=200, PatientName="Müller^Zoë", PatientID="P-0001")
    known = archive.post("/instances", file_of(source))
    study = known["ParentStudy"]
    log = tmp_path / "log"
    with node_process(models, log, archive.archive, node_port) as process:
        assert archive.post("/modalities/PNEUMO/echo", {}) == {}
        archive.post("/modalities/PNEUMO/store", known["ID"])
        assert waited(lambda: len(archive.get(f"/studies/{study}/instances").json()) == 3), log.read_text()
        assert waited(lambda: "answered: SR arrived; OT arrived" in log.read_text())
        # If the archive forwards the whole study including the results, no new results are made.
        archive.post("/modalities/PNEUMO/store", study)
        assert waited(lambda: log.read_text().count("image ignored") == 2), log.read_text()
        time.sleep(0.3)
    assert process.returncode == 0
    assert len(archive.get("/studies").json()) == 1
    files = archive.files(study)
    by_modality = {dataset.Modality: (dataset, data) for data in files for dataset in [pydicom.dcmread(io.BytesIO(data))]}
    assert sorted(by_modality) == ["DX", "OT", "SR"]
    report, capture = by_modality["SR"][0], by_modality["OT"][0]
    for result in (report, capture):
        assert (result.StudyInstanceUID, result.PatientName, result.PatientID) == (source.StudyInstanceUID, "Müller^Zoë", "P-0001")
    values = content(report)
    reading = judge(read(file_of(source), predictor).answer.log_ratio, predictor.card, Terms())
    assert values["Finding"] == [("233604007", "SCT")]
    assert values["Calibrated probability of pneumonia"] == pytest.approx([reading.probability], abs=1e-6)
    assert values["Source of Measurement"] == [source.SOPInstanceUID]
    assert report.VerificationFlag == "UNVERIFIED"
    assert capture.pixel_array.shape[1:] == (200, 3)
    assert capture.Rows > 200
    for kind in ("SR", "OT"):
        assert problems(by_modality[kind][1], tmp_path) == []
    log_text = log.read_text()
    assert "ended: " in log_text
    for word in ("Müller", "P-0001", str(source.StudyInstanceUID), str(source.SOPInstanceUID), "A-0815"):
        assert word not in log_text


@needs_dcmtk
def test_all_objects_of_a_study_with_two_images(archive, node_port, models, predictor, everything, tmp_path):
    first = dx_dataset(gamma=0.4, side=448, InstanceNumber=1)
    second = dx_dataset(gamma=0.4, side=448, seed=1, InstanceNumber=2, StudyInstanceUID=first.StudyInstanceUID)
    second.SeriesInstanceUID = first.SeriesInstanceUID
    for source in (first, second):
        study = archive.post("/instances", file_of(source))["ParentStudy"]
    expected = {}
    for source in (first, second):
        data = file_of(source)
        for result in make_results(data, read(data, predictor), predictor.card, Terms(prevalence=0.5), everything):
            expected[result.SOPInstanceUID] = result
    log = tmp_path / "log"
    with node_process(models, log, archive.archive, node_port, "--objects", ",".join(OBJECTS), "--prevalence", "0.5"):
        archive.post("/modalities/PNEUMO/store", study)
        assert waited(lambda: len(archive.get(f"/studies/{study}/instances").json()) == 12), log.read_text()
    assert len(archive.get(f"/studies/{study}/series").json()) == 5  # the images' series, and one for each kind of result
    files = {pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID: data for data in archive.files(study)}
    assert set(files) == {*expected, first.SOPInstanceUID, second.SOPInstanceUID}
    for uid, result in expected.items():
        assert problems(files[uid], tmp_path) == []
        returned = pydicom.dcmread(io.BytesIO(files[uid]))
        if result.Modality == "SEG":
            assert returned.PixelData == result.PixelData
        if result.Modality == "DOC":
            (page,) = PdfReader(io.BytesIO(extracted_pdf(files[uid], tmp_path))).pages
            assert "PNEUMONIA" in page.extract_text()


def test_this_archive_has_no_work_items(archive):
    """docs/dicom-conformance.md says why UPS-RS is not offered: Debian's Orthanc lacks it, so it could not be tested."""
    assert requests.get(f"{archive.web.url}/workitems", timeout=30).status_code == 404


@pytest.mark.parametrize("way", ["STOW-RS", "C-STORE"])
def test_sent_results_are_in_the_archive(archive, predictor, everything, way, tmp_path):
    image = dx_bytes(gamma=2.0, side=448, PatientName=NAME)
    results = list(make_results(image, read(image, predictor), predictor.card, Terms(), everything))
    if way == "STOW-RS":
        outcomes = stow.store(results, archive.web, SendSettings())
    else:
        outcomes = dimse.store(results, archive.archive, SendSettings())
    assert [(outcome.kind, outcome.state) for outcome in outcomes] == [(kind, CONFIRMED) for kind in ("SR", "OT", "DOC", "SEG")]
    (study,) = archive.post("/tools/find", {"Level": "Study", "Query": {"StudyInstanceUID": results[0].StudyInstanceUID}})
    files = {pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID: data for data in archive.files(study)}
    assert set(files) == {result.SOPInstanceUID for result in results}
    assert content(pydicom.dcmread(io.BytesIO(files[results[0].SOPInstanceUID])))["Finding"] == [("NO-PNEUMONIA", "99PNEUMO")]
    assert [problems(data, tmp_path) for data in files.values()] == [[]] * 4
