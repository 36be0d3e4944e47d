"""Every private name of Streamlit, Starlette and Uvicorn that Pneumo uses; tests/app/test_streamlit_internals.py checks them."""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from socket import socket

from starlette.types import Scope
from streamlit import auth_util, net_util, runtime
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.session_manager import ActiveSessionInfo, SessionManager
from streamlit.runtime.state import SessionState
from streamlit.web.server.server_util import AUTH_COOKIE_NAME, get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from uvicorn import Server


def session_manager() -> SessionManager:
    return runtime.get_instance()._session_mgr


def is_of_connection(active: ActiveSessionInfo, scope: Scope) -> bool:
    """Whether the session uses this websocket."""
    return bool(active.client._websocket.scope is scope)  # type: ignore[attr-defined]


def uploaded_bytes(session_id: str) -> int:
    files = runtime.get_instance().uploaded_file_mgr.file_storage.get(session_id, {})  # type: ignore[attr-defined]
    return sum(len(file.data) for file in list(files.values()))


def is_running(session: AppSession) -> bool:
    """Whether its page is running."""
    return session._scriptrunner is not None


def expire_stored_sessions() -> None:
    """Shut down disconnected sessions past their time. Streamlit's own cache checks the time only when it is used."""
    stored = session_manager()._session_storage._cache  # type: ignore[attr-defined]
    before = dict(stored._data)
    stored.expire()
    for name in before.keys() - stored._data.keys():
        before[name].session.shutdown()


def forget(session: AppSession) -> None:
    """Empty a session that ended, as Streamlit's loop may keep the object for long."""
    session._session_state = SessionState()  # its `clear` keeps the callbacks of widgets and their arguments
    session._client_state = ClientState()
    session._fragment_storage = MemoryFragmentStorage()
    session._browser_queue.clear()


def hook_sessions(on_end: Callable[[AppSession], None]) -> Callable[[], None]:
    """Call `on_end` at the first shutdown of each session, and drop each message once it is sent. Returns what undoes both."""
    shutdown, flush, send = AppSession.shutdown, AppSession.flush_browser_queue, Runtime._send_message

    def first_shutdown(session: AppSession) -> None:
        """Streamlit calls `shutdown` again when the object is deleted."""
        is_first = session._state != session._state.SHUTDOWN_REQUESTED
        shutdown(session)  # /media and uploads
        if is_first:
            on_end(session)

    # Streamlit's loop keeps the messages it sent last until the next ones. So each comes in a list that sending empties.
    AppSession.shutdown = first_shutdown  # type: ignore[assignment,method-assign]
    AppSession.flush_browser_queue = lambda session: [[message] for message in flush(session)]  # type: ignore
    Runtime._send_message = lambda server, to, parcel: send(server, to, parcel.pop())  # type: ignore

    def undo() -> None:
        AppSession.shutdown, AppSession.flush_browser_queue = shutdown, flush  # type: ignore[method-assign]
        Runtime._send_message = send  # type: ignore[method-assign]

    return undo


def keep_downloads() -> Callable[[], None]:
    """Keep a file made for a download until its session's page runs again or ends. Returns what undoes this.

    Streamlit deletes it when two pages, of any sessions, have run to their end, whether the browser has fetched it or not.
    """
    execute = MediaFileManager.execute_deferred

    def execute_and_keep(manager: MediaFileManager, file_id: str) -> str:
        click = manager._deferred_callables.get(file_id)
        url = execute(manager, file_id)
        with manager._lock:
            if click and (files := manager._files_by_session_and_coord.get(click["session_id"])):  # the session still runs
                files[f"{click['coordinates']} download"] = PurePosixPath(url).stem
        return url

    MediaFileManager.execute_deferred = execute_and_keep  # type: ignore[assignment,method-assign]

    def undo() -> None:
        MediaFileManager.execute_deferred = execute  # type: ignore[method-assign]

    return undo


def know_own_address() -> None:
    """Otherwise Streamlit asks a server on the internet for it when a page is opened under an unknown host name."""
    net_util._internal_ip = net_util._external_ip = "127.0.0.1"


def bound_shutdown(seconds: int) -> None:
    """Otherwise one client that keeps its connection open keeps the server from ending, for as long as it likes."""
    shutdown = Server.shutdown

    async def bounded(server: Server, sockets: list[socket] | None = None) -> None:
        server.config.timeout_graceful_shutdown = seconds  # Streamlit takes no setting for it
        await shutdown(server, sockets)

    Server.shutdown = bounded  # type: ignore[assignment,method-assign]


def login_cookie(cookies: Mapping[str, str]) -> bytes | None:
    """The JSON in Streamlit's signed cookie; None without a valid one."""

    def signed(name: str) -> bytes | None:
        if name not in cookies:
            return None
        return decode_signed_value(get_cookie_secret(), name, cookies[name].encode("latin-1"))

    return auth_util.get_cookie_with_chunks(signed, AUTH_COOKIE_NAME)


def serve_component(package: str, name: str, folder: Path) -> None:
    """Serve the script of the component `package.name` from `folder`, as Streamlit does for packages installed by pip.

    A script given as a string would run from a blob: URL, which the Content-Security-Policy forbids.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(f"{package}.{name}") is None:
        manager.register_from_manifest(ComponentManifest(package, "", [ComponentConfig(name, folder.name)]), folder.parent)
