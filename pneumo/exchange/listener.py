"""Network listener of the node: TLS, and limits so that silent, slow or too many connections cannot block others."""

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
_SILENT_DELAY, _DELAY = 0.02, 0.001  # polling intervals in seconds; with the library's default, silent connections load a processor
_LIMIT_EXCEEDED, _UNKNOWN_CALLER = (0x02, 0x03, 0x02), (0x01, 0x01, 0x03)  # result, source, reason (PS3.8 table 9-21)


@dataclass(frozen=True)
class Limits:
    silent: int = 32  # connections that have not requested an association; one more closes the oldest
    associations: int = 16
    per_address: int = 8  # associations from one address
    request_timeout: float = 15.0  # seconds from connecting to requesting an association
    idle: float = 30.0  # seconds for receiving one PDU, and between two


class Listener(ThreadedAssociationServer):
    """Accepts connections on its own thread. A connection counts as silent until it requests an association."""

    def __init__(
        self, ae: AE, address: tuple[str, int], handlers: list[evt.EventHandlerType], tls: ServerTls | None, limits: Limits
    ):
        """Raises OSError if the address cannot be used."""
        self._limits, self._certificates = limits, tls.callers if tls else {}
        self._silent: dict[socket.socket, Association | None] = {}  # oldest first
        self._active: list[tuple[Association, str]] = []  # with their addresses
        self._lock = threading.Lock()
        ae.maximum_associations = 10_000  # no limit here: the library would count silent connections, too
        ae.acse_timeout = limits.request_timeout
        ae.network_timeout = ae.dimse_timeout = limits.idle
        own: list[evt.EventHandlerType] = [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]
        context = tls.context if tls else None
        super().__init__(ae, address, ae.ae_title, ae.supported_contexts, context, own + handlers)
        self.daemon_threads = True
        threading.Thread(target=self.serve_forever, args=(0.1,), name="listener", daemon=True).start()

    def close(self) -> None:
        """Accept no more connections; existing ones continue."""
        socketserver.BaseServer.shutdown(self)  # the library's own fails: it removes the server from a list that does not hold it
        self.server_close()

    def end(self) -> None:
        """End all connections."""
        with self._lock:
            while self._silent:
                self._cut_oldest()
            active = [association for association, _ in self._active]
        for association in active:
            if association.is_alive():
                association.abort()

    def get_request(self) -> tuple[socket.socket, Any]:
        assert self.socket is not None, "expected an open socket"
        client, address = self.socket.accept()
        client.settimeout(self._limits.request_timeout)
        if self.ssl_context:  # no handshake here: a client that does not respond would block all others
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
            log.warning("a connection was closed: no TLS, or an unknown certificate.")
            with self._lock:
                self._silent.pop(request, None)
            self.shutdown_request(request)
            return
        super().process_request_thread(request, client_address)

    def _cut_oldest(self) -> None:
        """Close the oldest silent connection."""
        oldest = next(iter(self._silent))
        association = self._silent.pop(oldest)
        with suppress(OSError):
            socket.socket.shutdown(oldest, socket.SHUT_RDWR)  # not SSLSocket.shutdown, which only its reading thread may call
        if association:
            _wake(association)

    def _opened(self, event: evt.Event) -> None:
        connection: Any = event.assoc.dul.socket  # Any: its method `recv` is replaced
        with self._lock:
            if connection.socket in self._silent:
                self._silent[connection.socket] = event.assoc
        event.assoc.dul._run_loop_delay = _SILENT_DELAY
        connection.recv, on_message = self._bounded(connection.socket)
        event.assoc.bind(evt.EVT_DIMSE_RECV, on_message)

    def _closed(self, event: evt.Event) -> None:
        with self._lock:
            for connection in [client for client, association in self._silent.items() if association is event.assoc]:
                del self._silent[connection]
                _wake(event.assoc)

    def _requested(self, event: evt.Event) -> None:
        """Reject an association before it is negotiated if the certificate is not the caller's, or there are too many."""
        association: Any = event.assoc
        association.dul._run_loop_delay = _DELAY
        connection, address = association.dul.socket.socket, association.requestor.address_info.address
        title = association.requestor.primitive.calling_ae_title
        with self._lock:
            self._silent.pop(connection, None)
            self._active = [(other, origin) for other, origin in self._active if other.is_alive()]
            full = len(self._active) >= self._limits.associations
            address_full = sum(origin == address for _, origin in self._active) >= self._limits.per_address
            certificate = connection.getpeercert(binary_form=True) if self._certificates and connection else None
            known = not self._certificates or certificate in self._certificates.get(title, ())
            if known and not (full or address_full):
                self._active.append((association, address))
                return
        log.warning("an association was refused: %s.", "too many at once" if known else "not the certificate of that caller")
        association.acse.send_reject(*(_LIMIT_EXCEEDED if known else _UNKNOWN_CALLER))
        association.kill()

    def _bounded(self, connection: socket.socket) -> tuple[Callable[[int], bytearray], Callable[[evt.Event], None]]:
        """(recv, on_message): a `recv` that fails if a connection is too slow or sends too much; a reset after each object.

        The library's own reads objects of any size, and its timeout starts anew with each byte.
        """
        request_deadline, received = time.monotonic() + self._limits.request_timeout, 0

        def recv(count: int) -> bytearray:
            nonlocal received
            received += count
            if received > _MAX_MESSAGE:
                log.warning("a connection was closed: more than %d MB in one object.", MAX_BYTES // 2**20)
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
                raise OSError("too large")
            deadline = request_deadline if connection in self._silent else time.monotonic() + self._limits.idle
            read = bytearray()
            while len(read) < count:
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                if not (chunk := connection.recv(min(count - len(read), _CHUNK))):
                    break
                read += chunk
            connection.settimeout(self._limits.idle)  # for sending
            return read

        def on_message(_: evt.Event) -> None:
            nonlocal received
            received = 0

        return recv, on_message


def _wake(association: Association) -> None:
    """End the thread of a closed connection, which would otherwise wait for a request."""
    association.dul.to_user_queue.put(None)  # type: ignore[arg-type]  # None: like a timeout
