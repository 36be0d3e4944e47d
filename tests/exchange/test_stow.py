"""STOW-RS to a small configurable server."""

import io
import json
import threading
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pydicom
import pytest
from exchange.dx import dx_bytes
from exchange.fakes import PATIENT, QUICK, closed_port, silent_port

from pneumo.exchange.outcome import CONFIRMED, FAILED, UNCONFIRMED
from pneumo.exchange.settings import WebArchive
from pneumo.exchange.stow import store


@pytest.fixture(scope="module")
def both(results_of):
    return list(results_of(dx_bytes(gamma=0.4, side=64)))


class Server:
    """Stores what it receives. `post` and `get` may change that: they return (status, JSON), "hang up", or None as usual."""

    def __init__(self, post=lambda server: None, get=lambda server, uid: None):
        self.post, self.get = post, get
        self.stored, self.headers, self.paths = {}, [], []

    def take(self, kind: str, body: bytes) -> None:
        message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        for part in message.get_payload():
            assert part.get_content_type() == "application/dicom"
            dataset = pydicom.dcmread(io.BytesIO(part.get_payload(decode=True)))
            self.stored[dataset.SOPInstanceUID] = dataset

    @contextmanager
    def listening(self, **credentials):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.headers.append(self.headers)
                server.paths.append(self.path)
                if (answer := server.post(server)) is None:
                    server.take(self.headers["Content-Type"], body)
                    answer = 200, references("00081199", *server.stored)
                self.say(answer)

            def do_GET(self):
                uid = self.path.rpartition("=")[2]
                server.paths.append(self.path)
                matches = [{"00080018": {"vr": "UI", "Value": [uid]}}] if uid in server.stored else []
                self.say(server.get(server, uid) or (200, matches))

            def say(self, answer):
                if answer == "hang up":
                    self.close_connection = True
                    return
                status, content = answer
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield WebArchive(f"http://127.0.0.1:{listener.server_port}/dicom-web/", **credentials)
        finally:
            listener.shutdown()
            thread.join()
            listener.server_close()


def references(sequence: str, *uids: str, reason: int = 0xA700) -> dict:
    items = [{"00081155": {"vr": "UI", "Value": [uid]}, "00081197": {"vr": "US", "Value": [reason]}} for uid in uids]
    return {sequence: {"vr": "SQ", "Value": items}}


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def test_sent_objects_arrive(both):
    server = Server()
    with server.listening() as web:
        outcomes = store(both, web, PATIENT)
    assert [(outcome.kind, outcome.state) for outcome in outcomes] == [("SR", CONFIRMED), ("OT", CONFIRMED)]
    assert set(server.stored) == {result.SOPInstanceUID for result in both}
    assert (server.stored[both[1].SOPInstanceUID].pixel_array == both[1].pixel_array).all()
    study, series = both[0].StudyInstanceUID, both[0].SeriesInstanceUID
    place = f"/dicom-web/studies/{study}/series/{series}/instances?SOPInstanceUID={both[0].SOPInstanceUID}"
    assert server.paths[:2] == ["/dicom-web/studies", place]
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize(
    ("credentials", "header"),
    [({"user": "ward", "password": "secret"}, "Basic d2FyZDpzZWNyZXQ="), ({"token": "abc", "user": "ward"}, "Bearer abc")],
)
def test_credentials(both, credentials, header):
    server = Server()
    with server.listening(**credentials) as web:
        store(both, web, PATIENT)
    assert server.headers[0]["Authorization"] == header
    assert "secret" not in repr(web)
    assert "abc" not in repr(web)


def test_no_netrc_password_and_no_proxy_without_encryption(both, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ward password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    server = Server()
    with server.listening() as web:
        assert states(store(both, web, PATIENT)) == [CONFIRMED, CONFIRMED]
    assert "Authorization" not in server.headers[0]


def test_a_duplicate_counts_as_arrived(both):
    server = Server(post=lambda s: (409, references("00081198", *(result.SOPInstanceUID for result in both), reason=0x0111)))
    server.stored = {result.SOPInstanceUID: result for result in both}
    with server.listening() as web:
        assert states(store(both, web, PATIENT)) == [CONFIRMED, CONFIRMED]


NOT_FOUND = {"get": lambda server, uid: (404, b"no such service")}


@pytest.mark.parametrize(
    ("server", "expected", "detail"),
    [
        pytest.param(Server(post=lambda server: (200, {})), FAILED, "does not have it", id="says 200, stores nothing"),
        pytest.param(Server(post=lambda s: (200, {}), get=lambda s, u: (204, b"")), FAILED, "does not have it", id="QIDO 204"),
        pytest.param(Server(**NOT_FOUND), UNCONFIRMED, "offers no query", id="no QIDO"),
        pytest.param(Server(get=lambda s, u: "hang up"), UNCONFIRMED, "offers no query", id="QIDO hangs up"),
        pytest.param(Server(get=lambda s, u: (200, b"<html>")), UNCONFIRMED, "offers no query", id="QIDO speaks HTML"),
        pytest.param(Server(post=lambda s: (200, b"<html>")), FAILED, "does not have it", id="200 and HTML"),
        pytest.param(Server(post=lambda s: (200, [["?"]]), **NOT_FOUND), UNCONFIRMED, "offers no query", id="200 and odd JSON"),
        pytest.param(Server(post=lambda s: (302, b"")), FAILED, "HTTP 302", id="redirect"),
        pytest.param(Server(post=lambda s: (401, b"")), FAILED, "user or token", id="not authorised"),
        pytest.param(Server(post=lambda s: (503, b"busy")), FAILED, "HTTP 503", id="busy"),
        pytest.param(Server(post=lambda s: (409, {})), FAILED, "HTTP 409", id="409 names none"),
        pytest.param(Server(post=lambda s: (202, {})), FAILED, "not in it", id="202 names none"),
        pytest.param(Server(post=lambda s: "hang up"), FAILED, "nothing counts as sent", id="hangs up"),
    ],
)
def test_faulty_archives(server, expected, detail, both):
    with server.listening() as web:
        outcomes = store(both, web, PATIENT)
    assert states(outcomes) == [expected, expected]
    assert detail in outcomes[0].detail


def test_one_of_two_is_refused(both):
    def half(server):
        server.stored[both[1].SOPInstanceUID] = both[1]
        return 202, references("00081199", both[1].SOPInstanceUID) | references("00081198", both[0].SOPInstanceUID)

    with Server(post=half).listening() as web:
        outcomes = store(both, web, PATIENT)
    assert states(outcomes) == [FAILED, CONFIRMED]
    assert "42752" in outcomes[0].detail


def test_no_archive_at_the_address(both):
    outcomes = store(both, WebArchive(f"http://127.0.0.1:{closed_port()}"), PATIENT)
    assert states(outcomes) == [FAILED, FAILED]


def test_an_archive_that_never_answers(both):
    with silent_port() as port:
        outcomes = store(both, WebArchive(f"http://127.0.0.1:{port}"), QUICK)
    assert states(outcomes) == [FAILED, FAILED]
