"""Every private name of Streamlit and Starlette that Pneumo relies on, in one place.

tests/app/test_streamlit_internals.py says which of them an upgrade took away.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.types import Scope
from streamlit import auth_util, net_util, runtime
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.session_manager import ActiveSessionInfo, SessionManager
from streamlit.runtime.state import SessionState
from streamlit.web.server.server_util import AUTH_COOKIE_NAME, get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value


def session_manager() -> SessionManager:
    return runtime.get_instance()._session_mgr


def is_of_connection(active: ActiveSessionInfo, scope: Scope) -> bool:
    """Whether the session speaks over this websocket."""
    return bool(active.client._websocket.scope is scope)  # type: ignore[attr-defined]


def uploaded_bytes(session_id: str) -> int:
    files = runtime.get_instance().uploaded_file_mgr.file_storage.get(session_id, {})  # type: ignore[attr-defined]
    return sum(len(file.data) for file in list(files.values()))


def is_running(session: AppSession) -> bool:
    """Whether a run of its page has not ended."""
    return session._scriptrunner is not None


def expire_stored_sessions() -> None:
    """Shut down what was left too long ago. Streamlit's own cache of such sessions looks at the time only when it is asked."""
    stored = session_manager()._session_storage._cache  # type: ignore[attr-defined]
    before = dict(stored._data)
    stored.expire()
    for name in before.keys() - stored._data.keys():
        before[name].session.shutdown()


def forget(session: AppSession) -> None:
    """Take files and answers out of a session that ended: Streamlit's own loop may hold on to the object for long."""
    session._session_state = SessionState()  # its own `clear` leaves the callbacks of widgets, and what they were to be given
    session._client_state = ClientState()
    session._fragment_storage = MemoryFragmentStorage()
    session._browser_queue.clear()


def hook_sessions(on_end: Callable[[AppSession], None]) -> Callable[[], None]:
    """Call `on_end` at the first shutdown of each session, and let no message outlive its sending. Returns what undoes both."""
    shutdown, flush, send = AppSession.shutdown, AppSession.flush_browser_queue, Runtime._send_message

    def first_shutdown(session: AppSession) -> None:
        """Streamlit calls `shutdown` again when the object goes."""
        is_first = session._state != session._state.SHUTDOWN_REQUESTED
        shutdown(session)  # /media and uploads
        if is_first:
            on_end(session)

    # Streamlit's loop holds the messages it sent last for as long as nobody comes: it is given each in a list that is emptied.
    AppSession.shutdown = first_shutdown  # type: ignore[assignment,method-assign]
    AppSession.flush_browser_queue = lambda session: [[message] for message in flush(session)]  # type: ignore
    Runtime._send_message = lambda server, to, parcel: send(server, to, parcel.pop())  # type: ignore

    def undo() -> None:
        AppSession.shutdown, AppSession.flush_browser_queue = shutdown, flush  # type: ignore[method-assign]
        Runtime._send_message = send  # type: ignore[method-assign]

    return undo


def know_own_address() -> None:
    """Or Streamlit asks a computer on the internet for it whenever a page of an unknown host calls."""
    net_util._internal_ip = net_util._external_ip = "127.0.0.1"


def login_cookie(cookies: Mapping[str, str]) -> bytes | None:
    """JSON of what Streamlit's signed cookie says; None where there is none that can be believed."""

    def signed(name: str) -> bytes | None:
        if name not in cookies:
            return None
        return decode_signed_value(get_cookie_secret(), name, cookies[name].encode("latin-1"))

    return auth_util.get_cookie_with_chunks(signed, AUTH_COOKIE_NAME)


def serve_component(package: str, name: str, folder: Path) -> None:
    """Let the component `package.name` take its script from `folder`, as Streamlit does by itself for packages that pip installed.

    Script that is given as a string would be run from a blob: address, which the Content-Security-Policy forbids.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(f"{package}.{name}") is None:
        manager.register_from_manifest(ComponentManifest(package, "", [ComponentConfig(name, folder.name)]), folder.parent)
