"""Fake archives for tests: a DIMSE archive, a silent port and a closed port."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, EncapsulatedPDFStorage, SecondaryCaptureImageStorage, SegmentationStorage
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, Verification

from pneumo.exchange.settings import Archive, SendSettings

PATIENT = SendSettings(timeout=300.0, confirm=0.0)  # long, so that a busy test machine does not look like a failing archive
QUICK = SendSettings(timeout=1.0, confirm=0.0)


@dataclass
class FakeArchive:
    """Stores objects and finds them with C-FIND. `on_store` may change that: it returns a status, or None to store as usual."""

    on_store: Callable[["FakeArchive", evt.Event], int | None] = lambda archive, event: None
    kinds: tuple[str, ...] = (
        ComprehensiveSRStorage,
        SecondaryCaptureImageStorage,
        EncapsulatedPDFStorage,
        SegmentationStorage,
    )
    query: bool = True
    find_status: int = 0x0000
    known_callers: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    stored: dict[str, Dataset] = field(default_factory=dict)
    asked: int = 0  # number of C-STORE requests

    def _store(self, event: evt.Event) -> int:
        self.asked += 1
        if (status := self.on_store(self, event)) is not None:
            return status
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        self.stored[dataset.SOPInstanceUID] = dataset
        return 0x0000

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        if self.find_status:
            yield self.find_status, None
        elif event.identifier.SOPInstanceUID in self.stored:
            yield 0xFF00, event.identifier

    @contextmanager
    def listening(self) -> Iterator[Archive]:
        ae = AE(ae_title="ARCHIVE")
        for kind in (*self.kinds, Verification, *([StudyRootQueryRetrieveInformationModelFind] if self.query else [])):
            ae.add_supported_context(kind)
        ae.require_calling_aet = list(self.known_callers)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_C_FIND, self._find)]
        server = ae.start_server(("127.0.0.1", 0), block=False, ssl_context=self.tls, evt_handlers=handlers)
        try:
            yield Archive("127.0.0.1", server.socket.getsockname()[1], "ARCHIVE")
        finally:
            ae.shutdown()


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def closed_port() -> int:
    """A free port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
