"""How much one session may hold. Uploads are made as the server makes them."""

import asyncio
import io
import zipfile
from types import SimpleNamespace

import pytest
from makers import png_bytes, ramp
from opened_app import open_app
from starlette.datastructures import UploadFile
from starlette.requests import Request
from tiny_model import make_registry

from pneumo.errors import ConfigError
from pneumo.ui.shell import quota, streamlit_internals, uploads
from pneumo.ui.shell.quota import NOT_TAKEN
from pneumo.ui.worklist import walk
from pneumo.ui.worklist.intake import Intake

PATH, MB = "/_stcore/upload_file/someone/file", 1 << 20
PICTURE = png_bytes(ramp(200, 240))


@pytest.fixture
def server(monkeypatch) -> SimpleNamespace:
    """A stand-in for Streamlit's server with one session: the `files` it uploaded, and its `state`."""
    made = SimpleNamespace(files={}, state={})
    manager = SimpleNamespace(file_storage={"someone": made.files})
    active = SimpleNamespace(session=SimpleNamespace(session_state=made.state))
    sessions = SimpleNamespace(get_active_session_info={"someone": active}.get)
    running = SimpleNamespace(uploaded_file_mgr=manager, _session_mgr=sessions)
    monkeypatch.setattr(streamlit_internals.runtime, "get_instance", lambda: running)
    return made


def body_of(data: bytes, name: str = "a.zip") -> bytes:
    return (
        f'------part\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/zip\r\n\r\n".encode()
        + data
        + b"\r\n------part--\r\n"
    )


class Upload:
    """One request, its body in pieces; `arrived`: the (name, data) that Streamlit would receive."""

    def __init__(self, bound: uploads.Bounded, data: bytes, path: str = PATH, announced: bool = True):
        self.bound, self.body, self.arrived = bound, body_of(data), None
        headers = [(b"content-type", b"multipart/form-data; boundary=----part")]
        if announced:
            headers.append((b"content-length", str(len(self.body)).encode()))
        self.scope = {"type": "http", "method": "PUT", "path": path, "headers": headers, "query_string": b""}
        self.bound._app = self._app

    async def send(self, meanwhile: "Upload | None" = None) -> tuple[str, bytes]:
        self.meanwhile, self.at = meanwhile, 0
        await self.bound(self.scope, self._receive, None)
        return self.arrived

    async def _receive(self):
        piece = self.body[self.at : self.at + 1000]
        self.at += 1000
        return {"type": "http.request", "body": piece, "more_body": self.at < len(self.body)}

    async def _app(self, scope, receive, send):
        if self.meanwhile:
            self.bound._app = self.meanwhile._app
            await self.meanwhile.send()
        form = await Request(scope, receive).form()
        (part,) = [value for value in form.values() if isinstance(value, UploadFile)]
        self.arrived = part.filename, await part.read()


def sent(*arguments, **options) -> bytes:
    name, data = asyncio.run(Upload(*arguments, **options).send())
    assert name == "a.zip"  # whether it is taken or not
    return data


def test_a_file_that_fits_arrives_unchanged(server):
    assert sent(uploads.Bounded(None, most=100_000), bytes(50_000)) == bytes(50_000)


def test_of_a_file_too_many_only_the_name_arrives(server):
    bound = uploads.Bounded(None, most=100_000)
    server.files["first"] = SimpleNamespace(data=bytes(60_000))
    assert sent(bound, bytes(50_000)) == NOT_TAKEN
    assert sent(bound, bytes(30_000)) == bytes(30_000)  # a smaller one still has room
    server.files.clear()
    assert sent(bound, bytes(50_000)) == bytes(50_000)


def test_files_waiting_to_be_read_count(server):
    bound = uploads.Bounded(None, most=100_000)
    queue = Intake()
    queue.add([("a.dat", bytes(60_000))])
    server.state[quota.INTAKE] = queue
    assert sent(bound, bytes(50_000)) == NOT_TAKEN
    queue.done()
    assert sent(bound, bytes(50_000)) == bytes(50_000)
    server.state[quota.PENDING] = [(member, None) for member in quota.offered("b.dat", bytes(60_000)).members]
    assert sent(bound, bytes(50_000)) == NOT_TAKEN


def test_uploads_under_way_count_until_they_arrive(server):
    bound = uploads.Bounded(None, most=100_000)
    second = Upload(bound, bytes(50_000))
    assert asyncio.run(Upload(bound, bytes(60_000)).send(meanwhile=second)) == ("a.zip", bytes(60_000))
    assert second.arrived == ("a.zip", NOT_TAKEN)
    assert bound._coming == {}
    assert sent(bound, bytes(50_000)) == bytes(50_000)


def test_an_unknown_length_counts_as_the_longest_upload(server):
    bound = uploads.Bounded(None, most=uploads.config.get_option("server.maxUploadSize") * MB - 1)
    assert sent(bound, bytes(10), announced=False) == NOT_TAKEN


def test_other_sessions_and_other_requests_are_not_limited(server):
    bound = uploads.Bounded(None, most=100_000)
    server.files["first"] = SimpleNamespace(data=bytes(99_000))
    assert sent(bound, bytes(50_000), path="/pneumo/_stcore/upload_file/another/file") == bytes(50_000)
    assert sent(bound, bytes(50_000), path="/_stcore/elsewhere") == bytes(50_000)


def test_a_disconnect_is_passed_on(server):
    async def receive():
        return {"type": "http.disconnect"}

    assert asyncio.run(uploads._named_only(receive)()) == {"type": "http.disconnect"}


# --- files waiting to be read


def test_an_archive_counts_until_its_last_image_was_read():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("1.png", PICTURE)
        bundle.writestr("2.png", PICTURE)
    queue = Intake()
    queue.add([("study.zip", buffer.getvalue()), ("a.png", PICTURE), ("bad.zip", buffer.getvalue()[:90])])
    held = []
    while queue.head:
        held.append(queue.holds)
        queue.done()
    whole = len(buffer.getvalue()) + len(PICTURE)
    assert held == [whole, whole, len(PICTURE), 0]


@pytest.mark.parametrize("told", ["none", "0", "-5", "1.5", "٣"])
def test_an_invalid_limit_is_refused(monkeypatch, told):
    monkeypatch.setenv(quota.SETTING, told)
    with pytest.raises(ConfigError, match="expected a whole number of megabytes"):
        quota.limit()
    with pytest.raises(SystemExit, match=quota.SETTING):
        uploads.bounded()


def test_the_largest_upload_has_room_in_an_empty_session(monkeypatch):
    monkeypatch.delenv(quota.SETTING, raising=False)
    assert quota.limit() == 512 * MB > (uploads.config.get_option("server.maxUploadSize") + 1) * MB


# --- the pages


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    return open_app()


def drop(app, *files):
    app.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files]).run()
    assert not app.exception
    return app


def said(app) -> str:
    return "\n".join(element.value for element in app.warning)


def test_diagnose_lists_a_file_that_was_not_taken(app):
    drop(app, ("one.png", PICTURE), ("two.png", NOT_TAKEN))
    cases = app.session_state["cases"]
    assert [(case.name, case.finding.status) for case in cases] == [("one.png", "ok"), ("two.png", "error")]
    assert cases[1].finding.reasons == (quota.not_taken(),)
    assert said(app) == (
        "1 of the files left out. No room: at most 512 MB of a session's files may wait to be read. "
        "Drop it again when the others are read."
    )


def test_a_full_session_keeps_what_diagnose_read(app, monkeypatch):
    monkeypatch.setattr(quota, "limit", lambda: 180_000)  # two pictures of 200 x 240 bytes and their small copies
    drop(app, *((f"{n}.png", PICTURE) for n in range(4)))
    cases = app.session_state["cases"]
    assert [case.finding.status for case in cases] == ["ok", "ok", "error", "error"]
    assert cases[0].nbytes > 200 * 240 + 224 * 224
    assert cases[3].nbytes == 0
    assert "2 of the files left out. No room: this session holds" in said(app)
    next(button for button in app.button if button.label == "Clear all").click().run()
    drop(app, ("again.png", PICTURE))
    assert [case.finding.status for case in app.session_state["cases"]] == ["ok"]
    assert said(app) == ""


def test_the_worklist_lists_each_file_that_had_no_room(app, monkeypatch):
    app.switch_page("pages/worklist.py").run()
    drop(app, ("one.png", PICTURE), ("two.png", NOT_TAKEN))
    monkeypatch.setattr(quota, "limit", lambda: app.session_state["worklist_rows"][0].nbytes)
    drop(app, ("three.png", png_bytes(ramp(240, 200))))
    rows = app.session_state["worklist_rows"]
    assert [row.name for row in rows] == ["one.png", "two.png", "three.png"]
    reasons = [next(iter(row.findings.values())).reasons for row in rows]
    assert reasons[0] == ()
    assert reasons[1][0].startswith("No room: at most")
    assert reasons[2] == (quota.full(),)
    page = "".join(element.proto.body for element in app.get("html"))
    assert "two.png" in page
    assert "three.png" in page
    assert "1 of the files left out. No room: this session holds" in said(app)


def test_from_a_folder_a_file_that_was_not_taken_is_listed(app):
    queue = Intake()
    queue.add([("d/1", NOT_TAKEN), ("d/note.txt", b"Dear colleague")], from_folder=True)
    assert (queue.head.name, queue.skipped) == ("d/1", 1)


def test_without_room_no_row_is_opened(app, monkeypatch):
    app.switch_page("pages/worklist.py").run()
    drop(app, ("one.png", PICTURE))
    (row,) = app.session_state["worklist_rows"]
    state = {quota.ROWS: [row], quota.CASES: []}
    toasts = []
    monkeypatch.setattr(walk.st, "session_state", state)
    monkeypatch.setattr(walk.st, "toast", lambda text, icon: toasts.append(text))
    monkeypatch.setattr(quota, "limit", lambda: row.nbytes)
    walk.open_row(row, [row])
    assert (state[quota.CASES], len(toasts)) == ([], 1)
    monkeypatch.setattr(quota, "limit", lambda: row.nbytes + 1)
    walk.open_row(row, [row])
    assert [case.name for case in state[quota.CASES]] == ["one.png"]
