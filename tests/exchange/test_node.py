"""The node on a free port, with modalities that send to it and an archive."""

import socket
import struct
from contextlib import contextmanager

import pytest
from exchange.dx import dx_dataset
from exchange.fakes import PATIENT, FakeArchive
from exchange.running import waited
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, DigitalXRayImageStorageForPresentation, JPEG2000Lossless
from pynetdicom import AE, build_context

from pneumo.errors import ExchangeError
from pneumo.exchange import dimse
from pneumo.exchange.inbox import Inbox
from pneumo.exchange.listener import Limits
from pneumo.exchange.node import Node, NodeSettings
from pneumo.exchange.reader import Reader
from pneumo.exchange.settings import Archive
from pneumo.inference.finding import Terms

CALM = Limits(request_timeout=600, idle=600)  # long, so that a busy test machine does not look like a silent caller
DX = DigitalXRayImageStorageForPresentation


@contextmanager
def node(predictor, send, inbox=None, **settings):
    running = Node(
        NodeSettings(**{"port": 0, "max_wait": 600, "limits": CALM, **settings}),
        Reader(predictor, Terms(), send, pauses=()),
        inbox,
    )
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def connection(running, calling="MODALITY", contexts=None, tls=None, address="127.0.0.1"):
    ae = AE(ae_title=calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 600
    contexts = contexts or [build_context(DX), build_context(CTImageStorage)]
    association = ae.associate("127.0.0.1", running.port, contexts=contexts, tls_args=tls, bind_address=(address, 0))
    try:
        yield association
    finally:
        if association.is_established:
            association.acse_timeout = 10  # a stopped node does not answer the release
            association.release()


def image(**elements):
    return dx_dataset(**{"gamma": 0.4, "side": 64, **elements})


def test_results_of_a_received_study_reach_the_archive(predictor):
    archive = FakeArchive()
    with archive.listening() as address, node(predictor, lambda objects: dimse.store(objects, address, PATIENT)) as running:
        first, other = image(), image(SOPClassUID=CTImageStorage, Modality="CT")
        with connection(running) as association:
            assert association.send_c_store(first).Status == 0x0000
            assert association.send_c_store(other).Status == 0x0000
        assert waited(lambda: running.tally["answered"])
        assert (running.tally["received"], running.tally["ignored"], running.tally["results arrived"]) == (2, 1, 2)
    assert sorted(result.Modality for result in archive.stored.values()) == ["OT", "SR"]
    assert {result.StudyInstanceUID for result in archive.stored.values()} == {first.StudyInstanceUID}
    assert {result.PatientID for result in archive.stored.values()} == {"P-4711"}


def test_compressed_images_are_accepted_and_deflated_ones_refused(predictor):
    sent = []
    with node(predictor, lambda objects: sent.extend(objects) or ()) as running:
        packed = image()
        packed.compress(JPEG2000Lossless)
        contexts = [build_context(DX, JPEG2000Lossless), build_context(CTImageStorage, DeflatedExplicitVRLittleEndian)]
        with connection(running, contexts=contexts) as association:
            assert [context.abstract_syntax for context in association.accepted_contexts] == [DX]
            assert association.send_c_store(packed).Status == 0x0000
        assert waited(lambda: len(sent) == 2)


def test_echo(predictor):
    with node(predictor, None) as running:
        dimse.echo(Archive("127.0.0.1", running.port, "PNEUMO"), PATIENT)


def test_only_listed_callers_are_accepted(predictor):
    with node(predictor, None, callers=("PACS",)) as running:
        with connection(running, "STRANGER") as association:
            assert association.is_rejected
        with connection(running, "PACS") as association:
            assert association.is_established


def test_a_full_inbox_leaves_the_image_with_its_sender(predictor):
    with node(predictor, None, inbox=Inbox(max_objects=0)) as running, connection(running) as association:
        assert association.send_c_store(image()).Status == 0xA700
        assert running.tally["refused, inbox full"] == 1


def test_an_image_over_the_limit_is_refused(predictor, monkeypatch):
    monkeypatch.setattr("pneumo.exchange.node.MAX_BYTES", 5000)
    with node(predictor, None) as running, connection(running) as association:
        assert association.send_c_store(image()).Status == 0xC000
        assert running.tally["too large"] == 1


def test_an_endless_object_closes_the_connection(predictor, monkeypatch):
    monkeypatch.setattr("pneumo.exchange.listener._MAX_MESSAGE", 100_000)
    sent = []
    with node(predictor, lambda objects: sent.extend(objects) or ()) as running:
        with connection(running) as association:
            for _ in range(12):  # each one is below the limit
                assert association.send_c_store(image()).Status == 0x0000
            status = association.send_c_store(image(side=300))
            assert "Status" not in status
        with connection(running) as association:  # others are not affected
            assert association.send_c_store(image()).Status == 0x0000
        assert waited(lambda: len(sent) == 26)


def test_a_pdu_of_gigabytes_closes_the_connection(predictor):
    with node(predictor, None) as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=30) as raw:
            raw.sendall(struct.pack(">BBL", 1, 0, 4 * 10**9) + bytes(1000))
            assert raw.recv(100) == b""  # closed at once
        with connection(running) as association:
            assert association.is_established


def test_malformed_data_does_not_stop_the_node(predictor):
    with node(predictor, None) as running:
        for junk in (b"GET / HTTP/1.0\r\n\r\n", struct.pack(">BBL", 1, 0, 60) + bytes(60), b"\x01"):
            with socket.create_connection(("127.0.0.1", running.port), timeout=30) as raw:
                raw.sendall(junk)
        with connection(running) as association:
            assert association.is_established


def test_queued_images_are_read_before_stopping(predictor):
    sent = []
    with node(predictor, lambda objects: sent.extend(objects) or ()) as running, connection(running) as association:
        for _ in range(5):
            association.send_c_store(image())
    assert len(sent) == 10


def test_a_port_in_use_is_an_error(predictor):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = NodeSettings(port=taken.getsockname()[1])
        with pytest.raises(ExchangeError, match=r"Cannot listen on 127\.0\.0\.1"):
            Node(settings, Reader(predictor, Terms(), None))
