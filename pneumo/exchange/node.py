"""A storage SCP: receives studies over C-STORE, keeps the images in memory until they are read, answers C-ECHO."""

import hashlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # a name that it makes at import

from pneumo.errors import ExchangeError
from pneumo.exchange import quiet  # noqa: F401
from pneumo.exchange.inbox import Inbox, Received
from pneumo.exchange.reader import Reader
from pneumo.exchange.settings import AE_TITLE
from pneumo.exchange.source import IMAGES
from pneumo.imaging.decode import MAX_BYTES

log = logging.getLogger(__name__)
SYNTAXES = [  # not the deflated one: half a megabyte of it can unpack to a gigabyte
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless,
    JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1,
    JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000,
]  # fmt: skip
_SUCCESS, _NO_ROOM, _CANNOT_READ = 0x0000, 0xA700, 0xC000  # PS3.4 B.2.3
_MAX_MESSAGE = MAX_BYTES + 2**20
_IDLE = 60.0  # seconds without a byte before a connection is dropped


@dataclass(frozen=True)
class NodeSettings:
    host: str = "127.0.0.1"
    port: int = 11112  # 0: any free one
    ae_title: str = AE_TITLE
    callers: tuple[str, ...] = ()  # AE titles that may send; empty: all


class Node:
    """Receives on threads of pynetdicom's, reads on one of its own."""

    def __init__(self, settings: NodeSettings, reader: Reader, inbox: Inbox | None = None):
        """Start listening. Raises ExchangeError when the address cannot be used."""
        self._reader, self._inbox, self.tally = reader, Inbox() if inbox is None else inbox, reader.tally
        self._ended = threading.Event()
        ae = AE(ae_title=settings.ae_title)
        for context in AllStoragePresentationContexts:
            if context.abstract_syntax:
                ae.add_supported_context(context.abstract_syntax, SYNTAXES)
        ae.add_supported_context(Verification)
        ae.require_calling_aet = list(settings.callers)
        ae.maximum_pdu_size, ae.maximum_associations = 2**18, 8
        ae.network_timeout = ae.dimse_timeout = _IDLE
        handlers: list[evt.EventHandlerType] = [(evt.EVT_CONN_OPEN, _bound), (evt.EVT_C_STORE, self._store)]
        try:
            server = ae.start_server((settings.host, settings.port), block=False, evt_handlers=handlers)
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise ExchangeError(f"Cannot listen on {where}: {error.strerror}. Choose another --port or --host.") from None
        assert server is not None, "only a blocking one is None"
        assert server.socket is not None, "it is open"
        self._ae, self.port = ae, server.socket.getsockname()[1]
        self._worker = threading.Thread(target=self._work, name="reader")
        self._worker.start()

    def stop(self, grace: float = 8.0) -> int:
        """Listen no more, read what waits for at most `grace` seconds; return the number of images left unread."""
        self._ae.shutdown()
        end = time.monotonic() + grace
        while len(self._inbox) and time.monotonic() < end:
            time.sleep(0.05)
        self._reader.stopping.set()
        self._ended.set()
        self._worker.join()
        return len(self._inbox)

    def _work(self) -> None:
        while not self._ended.is_set():
            if received := self._inbox.take(timeout=0.2):
                self._reader.process(received)

    def _store(self, event: evt.Event) -> int:
        """Status of one C-STORE: taken in, ignored with success, or left with the sender."""
        self.tally.add("received")
        request: Any = event.request  # C-STORE's
        if request.AffectedSOPClassUID not in IMAGES:
            self.tally.add("ignored")
            return _SUCCESS
        data = event.encoded_dataset()
        if len(data) > MAX_BYTES:
            self.tally.add("too large")
            return _CANNOT_READ
        key = hashlib.sha256(str(request.AffectedSOPInstanceUID).encode()).digest()
        if not self._inbox.offer(Received(data, key)):
            self.tally.add("refused for want of room")
            log.warning("an image was refused: %d are waiting. Its sender has to try again.", len(self._inbox))
            return _NO_ROOM
        return _SUCCESS


def _bound(event: evt.Event) -> None:
    """Break a connection off that sends a larger unit or object than is read: the library itself would gather it whole."""
    connection: Any = event.assoc.dul.socket  # one of its methods is replaced
    connection.socket.settimeout(_IDLE)
    plain: Callable[[int], bytearray] = connection.recv
    gathered = 0

    def recv(count: int) -> bytearray:
        nonlocal gathered
        gathered += count
        if gathered > _MAX_MESSAGE:
            log.warning("a connection was broken off: more than %d MB in one object.", MAX_BYTES // 2**20)
            connection.socket.shutdown(socket.SHUT_RDWR)
            raise OSError("too large")
        return plain(count)

    def complete(_: evt.Event) -> None:
        nonlocal gathered
        gathered = 0

    connection.recv = recv
    event.assoc.bind(evt.EVT_DIMSE_RECV, complete)
