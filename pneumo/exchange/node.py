"""DICOM node (storage SCP): receives images with C-STORE, responds when their results are in the archive, answers C-ECHO."""

import logging
import threading
from dataclasses import dataclass, field
from typing import Any

from pydicom import uid
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.association import Association
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # defined at import

from pneumo.errors import ExchangeError
from pneumo.exchange.inbox import BUSY, SUCCESS, TOO_LARGE, Inbox, Received, Status
from pneumo.exchange.listener import Limits, Listener
from pneumo.exchange.reader import Reader
from pneumo.exchange.settings import AE_TITLE
from pneumo.exchange.source import IMAGES
from pneumo.exchange.tls import ServerTls
from pneumo.imaging.decoding.decode import MAX_BYTES

log = logging.getLogger(__name__)
# Not deflated: half a megabyte can unpack to a gigabyte.
SYNTAXES = [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.RLELossless]
SYNTAXES += [*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes, uid.JPEG2000Lossless, uid.JPEG2000]
_LAST_ANSWERS = 5.0  # seconds for sending the last answers


@dataclass(frozen=True)
class NodeSettings:
    host: str = "127.0.0.1"
    port: int = 11112  # 0: any free one
    ae_title: str = AE_TITLE
    callers: tuple[str, ...] = ()  # AE titles allowed to send; empty: all
    max_wait: float = 20.0  # seconds that an image waits in the inbox before it is refused
    tls: ServerTls | None = None
    limits: Limits = field(default_factory=Limits)


class Node:
    """Receives on pynetdicom's threads, reads on its own thread.

    Success is sent only after the results are stored: if an image is lost here for any reason, its sender still has it.
    """

    def __init__(self, settings: NodeSettings, reader: Reader, inbox: Inbox | None = None):
        """Start listening. Raises ExchangeError if the address cannot be used."""
        self._reader, self._inbox, self.tally = reader, Inbox() if inbox is None else inbox, reader.tally
        self._max_wait = settings.max_wait
        self._ended = threading.Event()
        self._unanswered: set[Association] = set()  # have sent an object and wait for the answer
        self._answered = threading.Condition()
        ae = AE(ae_title=settings.ae_title)
        for context in AllStoragePresentationContexts:
            if context.abstract_syntax:
                ae.add_supported_context(context.abstract_syntax, SYNTAXES)
        ae.add_supported_context(Verification)
        ae.require_calling_aet = list(settings.callers)
        ae.maximum_pdu_size = 2**18
        handlers: list[evt.EventHandlerType] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_PDU_SENT, self._sent),
            (evt.EVT_CONN_CLOSE, self._gone),
        ]
        try:
            self._listener = Listener(ae, (settings.host, settings.port), handlers, settings.tls, settings.limits)
        except OSError as error:
            address = f"{settings.host}:{settings.port}"
            raise ExchangeError(f"Cannot listen on {address}: {error.strerror}. Choose another --port or --host.") from None
        self.port = int(self._listener.server_address[1])
        self._worker = threading.Thread(target=self._work, name="reader")
        self._worker.start()

    def stop(self, grace: float = 8.0) -> int:
        """Accept no more images, read queued ones for at most `grace` seconds, and answer every sender.

        Returns the number of images left unread, which are answered with a failure.
        """
        self._inbox.close()
        self._listener.close()
        self._all_answered(grace)
        left = 0
        while unread := self._inbox.take(0):
            unread.status.set_result(BUSY)
            left += 1
        self._reader.stopping.set()
        self._ended.set()
        self._worker.join()
        self._all_answered(_LAST_ANSWERS)
        self._listener.end()
        return left

    def _all_answered(self, seconds: float) -> None:
        with self._answered:
            self._answered.wait_for(lambda: not self._unanswered, seconds)

    def _work(self) -> None:
        while not self._ended.is_set():
            if received := self._inbox.take(timeout=0.2):
                received.status.set_result(self._reader.process(received.data))

    def _store(self, event: evt.Event) -> Dataset:
        """Answer one C-STORE, on the thread of its association."""
        with self._answered:
            self._unanswered.add(event.assoc)
        self.tally.add("received")
        status = self._status(event)
        event.assoc.dul._idle_timer.restart()  # the library counts the reading as idle time and would abort after the answer
        return status.data_set

    def _status(self, event: evt.Event) -> Status:
        request: Any = event.request  # a C-STORE request
        if request.AffectedSOPClassUID not in IMAGES:
            self.tally.add("ignored")
            return SUCCESS
        received = Received(event.encoded_dataset())
        request.DataSet = None  # frees the second copy of the image
        if len(received.data) > MAX_BYTES:
            self.tally.add("too large")
            return TOO_LARGE
        if not self._inbox.offer(received):
            self.tally.add("refused, inbox full")
            log.warning("an image was refused: %d are waiting. Its sender has to try again.", len(self._inbox))
            return BUSY
        return self._awaited(received)

    def _awaited(self, received: Received) -> Status:
        try:
            return received.status.result(self._max_wait)
        except TimeoutError:
            if self._inbox.withdraw(received):
                self.tally.add("refused after waiting")
                log.warning("an image was refused after waiting for %.0f s. Its sender has to try again.", self._max_wait)
                return BUSY
            return received.status.result()  # it is being read: decoding and sending have their own time limits

    def _sent(self, event: evt.Event) -> None:
        if isinstance(event.pdu, P_DATA_TF):
            self._gone(event)

    def _gone(self, event: evt.Event) -> None:
        with self._answered:
            self._unanswered.discard(event.assoc)
            self._answered.notify_all()
