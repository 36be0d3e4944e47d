"""Silent, slow or too many connections do not block others."""

import socket
import struct
from contextlib import ExitStack, contextmanager

import pytest
from exchange.running import waited
from exchange.test_node import connection, node

from pneumo.exchange.listener import Limits

pytestmark = pytest.mark.long


@contextmanager
def silent(running, number):
    """Connections that never send anything."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=600)) for _ in range(number)]


@pytest.mark.parametrize("number", [8, 40])
def test_silent_connections_block_nobody(predictor, number):
    with node(predictor, None) as running, silent(running, number):
        for _ in range(3):
            with connection(running) as association:
                assert association.is_established


def test_one_silent_connection_too_many_closes_the_oldest(predictor):
    with node(predictor, None, limits=Limits(silent=2, request_timeout=600)) as running, silent(running, 3) as raw:
        assert raw[0].recv(1) == b""
        raw[1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            raw[1].recv(1)


def test_a_silent_connection_is_closed_after_the_timeout(predictor):
    with node(predictor, None, limits=Limits(request_timeout=0.2)) as running, silent(running, 1) as (raw,):
        assert raw.recv(1) == b""


def test_a_request_sent_byte_by_byte_is_closed_after_the_timeout(predictor):
    """Even though each single byte comes within the timeout."""
    with node(predictor, None, limits=Limits(request_timeout=1.0)) as running, silent(running, 1) as (raw,):
        raw.sendall(struct.pack(">BBL", 1, 0, 100_000))

        def ended():
            try:
                raw.sendall(b"\0")
            except OSError:
                return True
            return False

        assert waited(ended)


def test_closed_connections_leave_no_thread(predictor):
    with node(predictor, None, limits=Limits(request_timeout=600)) as running:
        with silent(running, 20):
            assert waited(lambda: len(running._listener.active_associations) == 20)
        assert waited(lambda: not running._listener.active_associations)


def test_association_limit_per_address(predictor):
    with node(predictor, None, limits=Limits(per_address=2)) as running:
        with connection(running) as first, connection(running) as second, connection(running) as third:
            assert (first.is_established, second.is_established, third.is_rejected) == (True, True, True)
            with connection(running, address="127.0.0.2") as other:
                assert other.is_established
        assert waited(lambda: not running._listener.active_associations)
        with connection(running) as again:
            assert again.is_established


def test_association_limit(predictor):
    with (
        node(predictor, None, limits=Limits(associations=1)) as running,
        connection(running) as first,
        connection(running, address="127.0.0.2") as second,
    ):
        assert (first.is_established, second.is_rejected) == (True, True)
