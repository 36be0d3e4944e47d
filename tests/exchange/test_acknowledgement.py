"""An image is acknowledged only when its results are in the archive, so its sender still has any image that the node loses."""

import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from exchange.fakes import PATIENT, FakeArchive, closed_port
from exchange.running import node_process, waited
from exchange.test_node import CALM, connection, image, node
from pynetdicom import AE

from pneumo.exchange import dimse
from pneumo.exchange.inbox import BUSY, FAULT, NOT_STORED, SUCCESS, TOO_LARGE, UNREADABLE, Inbox
from pneumo.exchange.node import Node, NodeSettings
from pneumo.exchange.reader import Tally

SENT = 6


class SlowReader:
    """Waits for `gate` before it reads an image and puts the result in `archive`."""

    def __init__(self):
        self.tally, self.stopping = Tally(), threading.Event()
        self.begun, self.gate = threading.Event(), threading.Event()
        self.archive = []

    def process(self, data):
        self.begun.set()
        assert self.gate.wait(600)
        self.archive.append(data)
        return SUCCESS


@pytest.fixture
def slow():
    reader = SlowReader()
    yield reader
    reader.gate.set()


def answers(running, number):
    """Futures of the answers to `number` senders, each with its own image and association."""

    def send(_):
        with connection(running) as association:
            return association.send_c_store(image()).get("Status")

    pool = ThreadPoolExecutor(number)
    sent = [pool.submit(send, index) for index in range(number)]
    pool.shutdown(wait=False)
    return sent


def test_no_answer_before_the_results_are_stored(slow):
    running = Node(NodeSettings(port=0, max_wait=600, limits=CALM), slow)
    (answer,) = answers(running, 1)
    assert slow.begun.wait(600)
    assert not answer.done()
    slow.gate.set()
    assert answer.result(600) == 0x0000
    assert len(slow.archive) == 1
    assert running.stop() == 0


def test_stopping_reads_queued_images_first(slow):
    running = Node(NodeSettings(port=0, max_wait=600, limits=CALM), slow)
    sent = answers(running, SENT)
    assert waited(lambda: running.tally["received"] == SENT and len(running._inbox) == SENT - 1)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(running.stop, 600)
        assert waited(lambda: running._inbox._closed)
        slow.gate.set()
        assert [answer.result(600) for answer in sent] == [0x0000] * SENT
        assert ended.result(600) == 0
    assert len(slow.archive) == SENT


def test_stopping_without_grace_refuses_queued_images(slow):
    """The image that is being read is finished and acknowledged; the others are answered with a failure."""
    running = Node(NodeSettings(port=0, max_wait=600, limits=CALM), slow)
    sent = answers(running, SENT)
    assert waited(lambda: running.tally["received"] == SENT and len(running._inbox) == SENT - 1)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(running.stop, 0)
        assert waited(lambda: sum(answer.done() for answer in sent) == SENT - 1)
        slow.gate.set()
        assert ended.result(600) == SENT - 1
    assert Counter(answer.result(600) for answer in sent) == {0x0000: len(slow.archive), 0xA700: SENT - 1}


def test_a_full_inbox_refuses_images_until_there_is_room(slow):
    running = Node(NodeSettings(port=0, max_wait=600, limits=CALM), slow, Inbox(max_objects=1))
    first = answers(running, 1)
    assert slow.begun.wait(600)
    second = answers(running, 1)
    assert waited(lambda: len(running._inbox) == 1)
    with connection(running) as association:
        refused = association.send_c_store(image())
        assert (refused.Status, refused.ErrorComment) == (0xA700, BUSY.comment)
        slow.gate.set()
        assert [answer.result(600) for answer in first + second] == [0x0000, 0x0000]
        assert association.send_c_store(image()).Status == 0x0000
    assert len(slow.archive) == 3
    running.stop()


def test_an_image_that_waits_too_long_is_refused_and_not_read(slow):
    running = Node(NodeSettings(port=0, max_wait=0.05, limits=CALM), slow)
    first = answers(running, 1)
    assert slow.begun.wait(600)
    with connection(running) as association:
        assert association.send_c_store(image()).Status == 0xA700
    slow.gate.set()
    assert first[0].result(600) == 0x0000  # already being read, so it is not refused
    assert running.stop() == 0
    assert len(slow.archive) == 1


def test_reading_time_does_not_count_as_idle_time(slow, monkeypatch):
    """The library checks the idle time after the answer, counted from the last byte received, before the reading."""

    class Clock:
        now = 0.0

        def time(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr("pynetdicom.timer.time", clock)
    running = Node(NodeSettings(port=0, max_wait=600, limits=CALM), slow)
    association = AE(ae_title="CT01")
    association.dimse_timeout, association.network_timeout = 600, None
    association.add_requested_context(image().SOPClassUID)
    association = association.associate("127.0.0.1", running.port)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(association.send_c_store, image())
        assert slow.begun.wait(600)
        clock.now += 600
        slow.gate.set()
        assert answer.result(600).Status == 0x0000
    assert association.send_c_store(image()).Status == 0x0000
    association.release()
    running.stop()


def test_failure_while_the_archive_is_down_success_on_retry(predictor):
    up = threading.Event()
    fake = FakeArchive(on_store=lambda *_: None if up.is_set() else 0xA700)
    with (
        fake.listening() as archive,
        node(predictor, lambda objects: dimse.store(objects, archive, PATIENT)) as running,
        connection(running) as association,
    ):
        dataset = image()
        refused = association.send_c_store(dataset)
        assert (refused.Status, refused.ErrorComment) == (0xA700, NOT_STORED.comment)
        up.set()
        assert association.send_c_store(dataset).Status == 0x0000
        assert len(fake.stored) == 2
        unread = association.send_c_store(image(StudyInstanceUID=None))
        assert (unread.Status, unread.ErrorComment) == (0xC000, UNREADABLE.comment)


@pytest.mark.parametrize("status", [BUSY, NOT_STORED, TOO_LARGE, UNREADABLE, FAULT])
def test_comments_fit_their_dicom_element(status):
    assert 0 < len(status.comment) <= 64
    assert status.comment.isascii()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.long
def test_after_a_kill_every_acknowledged_image_has_its_results(models, tmp_path, end):
    """Twelve images on four associations. The archive stores the first image's results, then blocks until the signal is sent."""
    free, port, acknowledged = threading.Event(), closed_port(), []

    def slow(archive, _):
        if archive.asked > 2:
            free.wait(600)

    def send(_):
        modality = AE(ae_title="CT01")
        modality.acse_timeout = modality.dimse_timeout = modality.network_timeout = 600
        modality.add_requested_context(image().SOPClassUID)
        association = modality.associate("127.0.0.1", port)
        for _ in range(3):
            dataset = image()
            if not association.is_established or association.send_c_store(dataset).get("Status") != 0x0000:
                break
            acknowledged.append(dataset.SOPInstanceUID)

    fake = FakeArchive(on_store=slow)
    with fake.listening() as archive, node_process(models, tmp_path / "log", archive, port, "--grace", "0") as process:
        with ThreadPoolExecutor(4) as pool:
            senders = [pool.submit(send, index) for index in range(4)]
            assert waited(lambda: fake.asked > 2 and acknowledged)
            process.send_signal(end)
            assert waited(lambda: sum(sender.done() for sender in senders) >= 3)  # one may still wait for the archive
            free.set()
            for sender in senders:
                sender.result(600)
        assert process.wait(600) in ((0, 1) if end == signal.SIGTERM else (-signal.SIGKILL,))
    captures = [dataset for dataset in fake.stored.values() if dataset.Modality == "OT"]
    assert set(acknowledged) <= {dataset.SourceImageSequence[0].ReferencedSOPInstanceUID for dataset in captures}
    assert 1 <= len(acknowledged) <= 2
