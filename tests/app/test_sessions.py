"""The end of a session, with Streamlit's own objects where they work without a server."""

import asyncio
import gc
from types import SimpleNamespace
from weakref import ref

import pytest
from opened_app import open_app
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.common import WidgetMetadata
from tiny_model import make_registry

from pneumo import memory
from pneumo.ui.shell import models, sessions, streamlit_internals


class Xray:
    """An object whose deletion a weak reference shows."""


class Manager:
    """Stands in for Streamlit's session manager."""

    def __init__(self, *active):
        self.active, self.ended = active, []
        self._session_storage = MemorySessionStorage(ttl_seconds=60)

    def list_active_sessions(self):
        return self.active

    def mark_session_nonresumable(self, name):
        self.ended.append(name)


@pytest.fixture
def server(monkeypatch):
    """A stand-in for Streamlit's server; tests set its session manager."""
    made = SimpleNamespace(
        _session_mgr=Manager(), media_file_mgr=SimpleNamespace(remove_orphaned_files=lambda: made.tidied.append(1))
    )
    made.tidied = []
    monkeypatch.setattr(streamlit_internals.runtime, "get_instance", lambda: made)
    return made


def connected(name: str, scope: dict):
    return SimpleNamespace(session=SimpleNamespace(id=name), client=SimpleNamespace(_websocket=SimpleNamespace(scope=scope)))


@pytest.mark.parametrize(
    ("message", "ended"),
    [
        ({"type": "websocket.disconnect", "code": 1001}, ["closed"]),
        ({"type": "websocket.disconnect", "code": 1006}, []),  # the connection was lost
        ({"type": "websocket.disconnect", "code": 1005}, []),  # the page's own code reconnects
        ({"type": "websocket.receive", "bytes": b""}, []),
    ],
)
def test_closing_a_page_ends_its_session_and_no_other(server, message, ended):
    async def receive():
        return message

    async def inside(scope, receive, send):
        assert await receive() is message

    scope = {"type": "websocket", "path": "/_stcore/stream"}
    server._session_mgr = Manager(connected("other", dict(scope)), connected("closed", scope))
    asyncio.run(sessions.leaving(inside)(scope, receive, None))
    assert server._session_mgr.ended == ended


def test_a_session_left_too_long_ago_is_shut_down(server):
    manager, shut = Manager(), []
    clock = SimpleNamespace(now=0.0)
    manager._session_storage._cache = type(manager._session_storage._cache)(128, 60, timer=lambda: clock.now)
    server._session_mgr = manager
    for name in ("one", "two"):
        session = SimpleNamespace(id=name, shutdown=lambda name=name: shut.append(name))
        manager._session_storage.save(SimpleNamespace(session=session))
        clock.now += 30
    streamlit_internals.expire_stored_sessions()
    assert shut == ["one"]
    clock.now += 30
    streamlit_internals.expire_stored_sessions()
    assert shut == ["one", "two"]


def held_by_streamlit(xray: Xray, running: bool = False):
    """An ended session that Streamlit still refers to, with an X-ray in each place where it keeps one."""
    state = SessionState()
    state["cases"] = [xray]
    meant = WidgetMetadata(id="button", deserializer=bool, serializer=bool, value_type="trigger_value", callback_args=(xray,))
    state._new_widget_state.set_widget_metadata(meant)
    state._new_widget_state.set_from_value("button", True)
    fragments = MemoryFragmentStorage()
    fragments._fragments["fragment"] = lambda: xray
    return SimpleNamespace(
        _session_state=state,
        _client_state=ClientState(query_string="name"),
        _fragment_storage=fragments,
        _browser_queue=ForwardMsgQueue(),
        _scriptrunner=object() if running else None,
    )


def test_nothing_is_left_in_a_session_that_ended(server):
    xray = Xray()
    session, gone = held_by_streamlit(xray), ref(xray)
    del xray
    ended = [session]
    assert sessions._empty(ended)
    gc.collect()
    assert gone() is None
    assert session._client_state == ClientState()
    assert ended == []
    assert server.tidied == [1]
    assert not sessions._empty(ended)


def test_a_session_whose_page_still_runs_waits(server):
    xray = Xray()
    session = held_by_streamlit(xray, running=True)
    ended = [session]
    assert not sessions._empty(ended)
    assert session._session_state["cases"] == [xray]
    assert ended == [session]
    session._scriptrunner = None
    assert sessions._empty(ended)


def test_each_session_that_shuts_down_is_noted_once(monkeypatch):
    ended, told = [], []
    session = SimpleNamespace(_state=AppSessionState.APP_NOT_RUNNING)

    def shutdown(session):
        told.append(session)
        session._state = AppSessionState.SHUTDOWN_REQUESTED

    monkeypatch.setattr(streamlit_internals.AppSession, "shutdown", shutdown)
    undo = streamlit_internals.hook_sessions(ended.append)
    streamlit_internals.AppSession.shutdown(session)
    streamlit_internals.AppSession.shutdown(session)  # called again when the object is deleted
    assert (len(told), ended) == (2, [session])
    undo()
    assert streamlit_internals.AppSession.shutdown is shutdown


def test_the_server_loop_keeps_no_sent_message(monkeypatch):
    sent = []
    for name in ("limit_malloc", "freeze_garbage_collector"):
        monkeypatch.setattr(sessions, name, lambda: None)
    monkeypatch.setattr(sessions.pyarrow, "set_memory_pool", lambda pool: None)
    monkeypatch.setattr(streamlit_internals.AppSession, "shutdown", None)
    monkeypatch.setattr(streamlit_internals.AppSession, "flush_browser_queue", lambda session: session.messages)
    monkeypatch.setattr(streamlit_internals.Runtime, "_send_message", lambda server, to, message: sent.append((to, message)))

    async def serve():
        async with sessions.end_sessions(None):
            given = streamlit_internals.AppSession.flush_browser_queue(SimpleNamespace(messages=["name", "picture"]))
            for each in given:
                streamlit_internals.Runtime._send_message(None, "page", each)
            return given

    assert asyncio.run(serve()) == [[], []]
    assert sent == [("page", "name"), ("page", "picture")]


def test_the_garbage_collector_is_not_frozen_while_sessions_exist(tmp_path, monkeypatch):
    """Reference cycles of a session that are frozen would never be collected."""
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    models._load.clear()
    memory.freeze_garbage_collector.cache_clear()
    before = gc.get_freeze_count()
    assert not open_app().exception
    assert gc.get_freeze_count() == before
