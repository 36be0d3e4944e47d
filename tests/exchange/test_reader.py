"""What the node makes of one image after the other."""

import logging

import pytest
from exchange.dx import NAME, dx_bytes

from pneumo.exchange.inbox import Received
from pneumo.exchange.outcome import CONFIRMED, FAILED, Outcome
from pneumo.exchange.reader import Reader
from pneumo.exchange.results import file_bytes


class Sent:
    """Stands for the archive: takes everything, after `failures` attempts at which it takes nothing."""

    def __init__(self, failures: int = 0):
        self.failures, self.objects, self.attempts = failures, [], 0

    def __call__(self, objects):
        self.attempts += 1
        if self.attempts <= self.failures:
            return tuple(Outcome(one.Modality, FAILED, "It is down.") for one in objects)
        self.objects += objects
        return tuple(Outcome(one.Modality, CONFIRMED) for one in objects)


@pytest.fixture
def make(predictor):
    return lambda sent, pauses=(): Reader(predictor, "balanced", sent, pauses)


def image(key: bytes = b"1", **elements) -> Received:
    return Received(dx_bytes(**{"gamma": 0.4, "side": 64, **elements}), key)


def test_an_image_is_answered(make):
    sent = Sent()
    reader = make(sent)
    reader.process(image())
    assert [one.Modality for one in sent.objects] == ["SR", "OT"]
    assert (reader.tally["answered"], reader.tally["results arrived"]) == (1, 2)
    assert str(reader.tally) == "1 answered, 2 results arrived"


def test_what_it_sent_itself_is_not_read_again(make, results_of):
    sent = Sent()
    reader = make(sent)
    for number, one in enumerate(results_of(image().data)):
        reader.process(Received(file_bytes(one), bytes([number])))
    assert sent.objects == []
    assert reader.tally["ignored"] == 2


def test_the_same_image_is_answered_once(make):
    """Archives that send a whole study on each time it grows would never come to an end."""
    sent = Sent()
    reader = make(sent)
    for _ in range(3):
        reader.process(image())
    reader.process(image(b"2"))
    assert len(sent.objects) == 4
    assert (reader.tally["answered"], reader.tally["ignored"]) == (2, 2)


def test_bad_images_stop_nothing(make, monkeypatch):
    sent = Sent()
    reader = make(sent)
    reader.process(Received(b"no DICOM at all", b"1"))
    reader.process(Received(image().data[:400], b"2"))
    reader.process(image(b"3", Modality="CT"))
    reader.process(image(b"4", StudyInstanceUID=None))
    monkeypatch.setattr("pneumo.exchange.reader.read", lambda *_: 1 / 0)
    reader.process(image(b"5"))
    monkeypatch.undo()
    reader.process(image(b"6"))
    assert (reader.tally["not read"], reader.tally["rejected"], reader.tally["answered"]) == (4, 1, 1)


def test_sent_again_until_it_arrives(make):
    sent = Sent(failures=2)
    reader = make(sent, pauses=(0.0, 0.0, 0.0))
    reader.process(image())
    assert sent.attempts == 3
    assert len({one.SOPInstanceUID for one in sent.objects}) == 2
    assert reader.tally["answered"] == 1


def test_only_what_failed_is_sent_again(make):
    batches = []

    def first_takes_the_report(objects):
        batches.append([one.Modality for one in objects])
        late = len(batches) > 1
        return tuple(Outcome(one.Modality, CONFIRMED if late or one.Modality == "SR" else FAILED) for one in objects)

    make(first_takes_the_report, pauses=(0.0, 0.0)).process(image())
    assert batches == [["SR", "OT"], ["OT"]]


def test_lost_results_are_told_and_the_image_may_come_again(make):
    sent = Sent(failures=2)
    reader = make(sent, pauses=(0.0,))
    reader.process(image())
    assert (reader.tally["read, results lost"], reader.tally["results failed"]) == (1, 2)
    reader.process(image())
    assert reader.tally["answered"] == 1


def test_no_further_attempt_once_it_stops(make):
    sent = Sent(failures=9)
    reader = make(sent, pauses=(60.0,))
    reader.stopping.set()
    reader.process(image())
    assert sent.attempts == 1


def test_the_log_knows_nobody(make, caplog, monkeypatch, recwarn):
    caplog.set_level(logging.DEBUG)
    study = "1.2.3.4711.4712"
    reader = make(Sent())
    reader.process(image(b"1", StudyInstanceUID=study, PatientName="Zwetschgenbaum"))
    reader.process(image(b"2", Modality=NAME))
    reader.process(image(b"3", StudyInstanceUID=NAME, PatientBirthDate=NAME))

    def quotes(*_):
        raise ValueError(NAME)

    monkeypatch.setattr("pneumo.exchange.reader.read", quotes)
    reader.process(image(b"4"))
    assert len([record for record in caplog.records if record.name == "pneumo.exchange.reader"]) == 4
    told = caplog.text + str(reader.tally) + "".join(str(w.message) for w in recwarn.list)
    for word in ("Zwetschgenbaum", study, "P-4711"):
        assert word not in told
