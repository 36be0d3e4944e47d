"""The listening side of the node: TLS, and limits by which nobody who is silent, slow or many keeps others out."""

import logging
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.transport import ThreadedAssociationServer

from pneumo.exchange import quiet  # noqa: F401
from pneumo.exchange.tls import ServerTls
from pneumo.imaging.decoding.decode import MAX_BYTES

log = logging.getLogger(__name__)
_MAX_MESSAGE, _CHUNK = MAX_BYTES + 2**20, 65536
_SILENT_DELAY, _DELAY = 0.02, 0.001  # seconds between two looks; the library's own for all would keep a processor busy
_LIMIT_EXCEEDED, _UNKNOWN_CALLER = (0x02, 0x03, 0x02), (0x01, 0x01, 0x03)  # result, source, reason (PS3.8 table 9-21)


@dataclass(frozen=True)
class Limits:
    silent: int = 32  # connections that have not said who they are; one more ends the oldest of them
    associations: int = 16
    of_one_address: int = 8  # associations
    introduction: float = 15.0  # seconds to say who one is
    idle: float = 30.0  # seconds for one unit of data, and between two


class Listener(ThreadedAssociationServer):
    """Accepts connections on a thread of its own. A connection is silent until it asks for an association."""

    def __init__(
        self, ae: AE, address: tuple[str, int], handlers: list[evt.EventHandlerType], tls: ServerTls | None, limits: Limits
    ):
        """Raises OSError when the address cannot be used."""
        self._limits, self._certificates = limits, tls.callers if tls else {}
        self._silent: dict[socket.socket, Association | None] = {}  # oldest first
        self._introduced: list[tuple[Association, str]] = []  # with their addresses
        self._lock = threading.Lock()
        ae.maximum_associations = 10_000  # the library counts silent connections as well
        ae.acse_timeout = limits.introduction
        ae.network_timeout = ae.dimse_timeout = limits.idle
        own: list[evt.EventHandlerType] = [
            (evt.EVT_CONN_OPEN, self._opened), (evt.EVT_REQUESTED, self._requested), (evt.EVT_CONN_CLOSE, self._closed),
        ]  # fmt: skip
        context = tls.context if tls else None
        super().__init__(ae, address, ae.ae_title, ae.supported_contexts, context, own + handlers)
        self.daemon_threads = True
        threading.Thread(target=self.serve_forever, args=(0.1,), name="listener", daemon=True).start()

    def close(self) -> None:
        """Accept no more connections; those that are there go on."""
        socketserver.BaseServer.shutdown(self)  # the library's own also takes the server out of a list that it is not in
        self.server_close()

    def end(self) -> None:
        """End all connections."""
        with self._lock:
            while self._silent:
                self._cut_oldest()
            introduced = [association for association, _ in self._introduced]
        for association in introduced:
            if association.is_alive():
                association.abort()

    def get_request(self) -> tuple[socket.socket, Any]:
        assert self.socket is not None, "it is open"
        client, address = self.socket.accept()
        client.settimeout(self._limits.introduction)
        if self.ssl_context:  # its handshake is not done here: who does not answer it would keep all others waiting
            client = self.ssl_context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            while len(self._silent) >= self._limits.silent:
                self._cut_oldest()
            self._silent[client] = None
        return client, address

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            if isinstance(request, ssl.SSLSocket):
                request.do_handshake()
        except OSError:
            log.warning("a connection was broken off: no TLS, or not with a certificate that is known here.")
            with self._lock:
                self._silent.pop(request, None)
            self.shutdown_request(request)
            return
        super().process_request_thread(request, client_address)

    def _cut_oldest(self) -> None:
        """End the silent connection that has been there longest."""
        oldest = next(iter(self._silent))
        association = self._silent.pop(oldest)
        with suppress(OSError):
            socket.socket.shutdown(oldest, socket.SHUT_RDWR)  # not an encrypted socket's own, which is for its reading thread
        if association:
            _wake(association)

    def _opened(self, event: evt.Event) -> None:
        connection: Any = event.assoc.dul.socket  # one of its methods is replaced
        with self._lock:
            if connection.socket in self._silent:
                self._silent[connection.socket] = event.assoc
        event.assoc.dul._run_loop_delay = _SILENT_DELAY
        connection.recv, complete = self._bounded(connection.socket)
        event.assoc.bind(evt.EVT_DIMSE_RECV, complete)

    def _closed(self, event: evt.Event) -> None:
        with self._lock:
            for one in [one for one, association in self._silent.items() if association is event.assoc]:
                del self._silent[one]
                _wake(event.assoc)

    def _requested(self, event: evt.Event) -> None:
        """Refuse an association before it is negotiated: a certificate of another caller, or too many."""
        association: Any = event.assoc
        association.dul._run_loop_delay = _DELAY
        connection, address = association.dul.socket.socket, association.requestor.address_info.address
        title = association.requestor.primitive.calling_ae_title
        with self._lock:
            self._silent.pop(connection, None)
            self._introduced = [(one, where) for one, where in self._introduced if one.is_alive()]
            full = len(self._introduced) >= self._limits.associations
            many = sum(where == address for _, where in self._introduced) >= self._limits.of_one_address
            shown = connection.getpeercert(binary_form=True) if self._certificates and connection else None
            known = not self._certificates or shown in self._certificates.get(title, ())
            if known and not (full or many):
                self._introduced.append((association, address))
                return
        log.warning("an association was refused: %s.", "too many at once" if known else "not the certificate of that caller")
        association.acse.send_reject(*(_LIMIT_EXCEEDED if known else _UNKNOWN_CALLER))
        association.kill()

    def _bounded(self, connection: socket.socket) -> tuple[Callable[[int], bytearray], Callable[[evt.Event], None]]:
        """Reading that breaks off who is too slow, or sends a larger unit or object than is read; and what to do after each object.

        The library itself would gather it whole, and wait for each byte anew.
        """
        introduction, gathered = time.monotonic() + self._limits.introduction, 0

        def recv(count: int) -> bytearray:
            nonlocal gathered
            gathered += count
            if gathered > _MAX_MESSAGE:
                log.warning("a connection was broken off: more than %d MB in one object.", MAX_BYTES // 2**20)
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
                raise OSError("too large")
            end = introduction if connection in self._silent else time.monotonic() + self._limits.idle
            read = bytearray()
            while len(read) < count:
                connection.settimeout(max(end - time.monotonic(), 0.001))
                if not (part := connection.recv(min(count - len(read), _CHUNK))):
                    break
                read += part
            connection.settimeout(self._limits.idle)  # for what is sent
            return read

        def complete(_: evt.Event) -> None:
            nonlocal gathered
            gathered = 0

        return recv, complete


def _wake(association: Association) -> None:
    """The thread of a connection that ended without a word would go on waiting for one."""
    association.dul.to_user_queue.put(None)  # type: ignore[arg-type]  # as if its time was up
