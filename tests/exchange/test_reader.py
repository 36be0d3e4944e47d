"""Reading of images one after the other by the node."""

import logging

import pytest
from exchange.dx import NAME, dx_bytes, dx_dataset, file_of

from pneumo.exchange.inbox import FAULT, NOT_STORED, SUCCESS, UNREADABLE
from pneumo.exchange.outcome import CONFIRMED, FAILED, Outcome
from pneumo.exchange.reader import Reader
from pneumo.exchange.results import file_bytes
from pneumo.inference.finding import Terms


class Sent:
    """A fake archive: refuses the first `failures` attempts, then accepts everything."""

    def __init__(self, failures: int = 0):
        self.failures, self.objects, self.attempts = failures, [], 0

    def __call__(self, objects):
        self.attempts += 1
        if self.attempts <= self.failures:
            return tuple(Outcome(result.Modality, FAILED, "It is down.") for result in objects)
        self.objects += objects
        return tuple(Outcome(result.Modality, CONFIRMED) for result in objects)


@pytest.fixture
def make(predictor):
    return lambda sent, pauses=(): Reader(predictor, Terms(), sent, pauses)


def image(**elements) -> bytes:
    return dx_bytes(**{"gamma": 0.4, "side": 64, **elements})


def test_an_image_is_answered(make):
    sent = Sent()
    reader = make(sent)
    assert reader.process(image()) == SUCCESS
    assert [result.Modality for result in sent.objects] == ["SR", "OT"]
    assert (reader.tally["answered"], reader.tally["results arrived"]) == (1, 2)
    assert str(reader.tally) == "1 answered, 2 results arrived"


def test_own_results_are_not_read(make, results_of):
    sent = Sent()
    reader = make(sent)
    for result in results_of(image()):
        assert reader.process(file_bytes(result)) == SUCCESS
    assert sent.objects == []
    assert reader.tally["ignored"] == 2


def test_the_same_image_is_answered_once(make):
    """Otherwise, archives that forward the whole study whenever it grows would never stop."""
    sent = Sent()
    reader, data = make(sent), image()
    for _ in range(3):
        assert reader.process(data) == SUCCESS
    reader.process(image())
    assert len(sent.objects) == 4
    assert (reader.tally["answered"], reader.tally["ignored"]) == (2, 2)


UID = "1.2.3.4711"  # a SOP instance UID


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seed": 1}, id="another picture"),
        pytest.param({"PatientName": NAME + "e"}, id="corrected name"),
        pytest.param({"StudyInstanceUID": "1.2.3.4713"}, id="moved to another study"),
        pytest.param({"PhotometricInterpretation": "MONOCHROME1"}, id="corrected greys"),
    ],
)
def test_another_image_under_the_same_uid_is_read(make, change):
    """A corrected image, or a modality that uses a UID twice: the first image must not suppress the second."""
    sent = Sent()
    reader = make(sent)
    same = {"SOPInstanceUID": UID, "SeriesInstanceUID": "1.2.3.4714", "StudyInstanceUID": "1.2.3.4712"}
    reader.process(image(**same))
    reader.process(image(**{**same, **change}))
    assert reader.tally["answered"] == 2
    assert len({result.SOPInstanceUID for result in sent.objects}) == 4


def test_elements_added_by_an_archive_do_not_make_a_new_image(make):
    """Otherwise, each result added to the study would make the archive's image a new one, to be read again."""
    sent = Sent()
    reader, dataset = make(sent), dx_dataset(gamma=0.4, side=64)
    for objects in (1, 3, 5):
        dataset.RetrieveAETitle, dataset.NumberOfStudyRelatedInstances = "ARCHIVE", objects
        dataset.add_new(0x00091001, "LO", f"kept on disk {objects}")
        reader.process(file_of(dataset))
    assert (reader.tally["answered"], reader.tally["ignored"]) == (1, 2)


def test_bad_images_do_not_stop_the_reader(make, monkeypatch):
    sent = Sent()
    reader = make(sent)
    assert reader.process(b"no DICOM at all") == UNREADABLE
    assert reader.process(image()[:400]) == UNREADABLE
    assert reader.process(image(Modality="CT")) == SUCCESS  # read, and refused by the gate
    assert reader.process(image(StudyInstanceUID=None)) == UNREADABLE
    monkeypatch.setattr("pneumo.exchange.reader.read", lambda *_: 1 / 0)
    assert reader.process(image()) == FAULT
    monkeypatch.undo()
    assert reader.process(image()) == SUCCESS
    assert (reader.tally["not read"], reader.tally["rejected"], reader.tally["answered"]) == (4, 1, 1)


def test_failed_results_are_sent_again(make):
    sent = Sent(failures=2)
    reader = make(sent, pauses=(0.0, 0.0, 0.0))
    reader.process(image())
    assert sent.attempts == 3
    assert len({result.SOPInstanceUID for result in sent.objects}) == 2
    assert reader.tally["answered"] == 1


def test_only_failed_objects_are_sent_again(make):
    batches = []

    def first_takes_the_report(objects):
        batches.append([result.Modality for result in objects])
        retry = len(batches) > 1
        return tuple(Outcome(result.Modality, CONFIRMED if retry or result.Modality == "SR" else FAILED) for result in objects)

    make(first_takes_the_report, pauses=(0.0, 0.0)).process(image())
    assert batches == [["SR", "OT"], ["OT"]]


def test_results_not_stored_are_a_failure_and_the_image_can_be_sent_again(make):
    sent = Sent(failures=2)
    reader, data = make(sent, pauses=(0.0,)), image()
    assert reader.process(data) == NOT_STORED
    assert (reader.tally["read, results not stored"], reader.tally["results failed"]) == (1, 2)
    assert reader.process(data) == SUCCESS
    assert reader.tally["answered"] == 1


def test_a_repeated_image_gets_the_same_uids(predictor):
    """If only the report arrived, or the node was killed before it acknowledged the image, the results must not be doubled."""
    sent, data = Sent(), image()
    for _ in range(2):
        Reader(predictor, Terms(), sent).process(data)
    report, capture, again, capture_again = sent.objects
    assert (report.SOPInstanceUID, capture.SOPInstanceUID) == (again.SOPInstanceUID, capture_again.SOPInstanceUID)
    assert (report.SeriesInstanceUID, capture.SeriesInstanceUID) == (again.SeriesInstanceUID, capture_again.SeriesInstanceUID)
    assert len({report.SOPInstanceUID, capture.SOPInstanceUID, report.SeriesInstanceUID, capture.SeriesInstanceUID}) == 4
    assert again.file_meta.MediaStorageSOPInstanceUID == again.SOPInstanceUID
    Reader(predictor, Terms("rule-out"), sent).process(data)
    assert sent.objects[-1].SOPInstanceUID != capture.SOPInstanceUID


def test_no_retry_beyond_the_retry_window(predictor):
    sent = Sent(failures=9)
    assert Reader(predictor, Terms(), sent, pauses=(60.0,), retry_window=59.0).process(image()) == NOT_STORED
    assert sent.attempts == 1


def test_no_retry_while_stopping(make):
    sent = Sent(failures=9)
    reader = make(sent, pauses=(60.0,))
    reader.stopping.set()
    reader.process(image())
    assert sent.attempts == 1


def test_the_log_contains_no_identifier(make, caplog, monkeypatch, recwarn):
    caplog.set_level(logging.DEBUG)
    study = "1.2.3.4711.4712"
    reader = make(Sent())
    reader.process(image(StudyInstanceUID=study, PatientName="Zwetschgenbaum"))
    reader.process(image(Modality=NAME))
    reader.process(image(StudyInstanceUID=NAME, PatientBirthDate=NAME))

    def quotes(*_):
        raise ValueError(NAME)

    monkeypatch.setattr("pneumo.exchange.reader.read", quotes)
    reader.process(image())
    assert len([record for record in caplog.records if record.name == "pneumo.exchange.reader"]) == 4
    messages = caplog.text + str(reader.tally) + "".join(str(w.message) for w in recwarn.list)
    for word in ("Zwetschgenbaum", study, "P-4711"):
        assert word not in messages
