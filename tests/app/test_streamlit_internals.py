"""Private names of Streamlit and Starlette that Pneumo relies on: after an upgrade, these tests name those that are gone."""

import inspect

import pytest
import starlette._utils
import streamlit
import uvicorn
from starlette.formparsers import MultiPartParser
from streamlit import auth_util, net_util
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.web.server.starlette import starlette_app_utils

NAMES = [
    (Runtime, "_send_message"),
    (AppSession, "shutdown"),
    (AppSession, "flush_browser_queue"),
    (AppSessionState, "SHUTDOWN_REQUESTED"),
    (BidiComponentManager, "get_component_asset_root"),
    (BidiComponentManager, "register_from_manifest"),
    (MediaFileManager, "execute_deferred"),
    (MultiPartParser, "spool_max_size"),
    (auth_util, "get_cookie_with_chunks"),
    (auth_util, "get_secrets_auth_section"),
    (auth_util, "get_signing_secret"),
    (net_util, "_internal_ip"),
    (net_util, "_external_ip"),
    (starlette._utils, "get_route_path"),
    (starlette_app_utils, "decode_signed_value"),
    (uvicorn.Server, "shutdown"),
]
# Set in the constructor.
ASSIGNED = [
    (uvicorn.Config, "timeout_graceful_shutdown"),
    (Runtime, "_session_mgr"),
    (AppSession, "_state"),
    (AppSession, "_session_state"),
    (AppSession, "_client_state"),
    (AppSession, "_fragment_storage"),
    (AppSession, "_browser_queue"),
    (AppSession, "_scriptrunner"),
    (MediaFileManager, "_deferred_callables"),
    (MediaFileManager, "_files_by_session_and_coord"),
    (MediaFileManager, "_lock"),
    (MemorySessionStorage, "_cache"),
    (MemoryUploadedFileManager, "file_storage"),
]
ADVICE = f"Streamlit {streamlit.__version__}: adapt pneumo/ui/shell/streamlit_internals.py"


@pytest.mark.parametrize(("owner", "name"), NAMES, ids=lambda each: getattr(each, "__name__", each))
def test_private_name_exists(owner, name):
    assert hasattr(owner, name), f"{owner.__name__}.{name} is gone. {ADVICE}"


@pytest.mark.parametrize(("owner", "name"), ASSIGNED, ids=lambda each: getattr(each, "__name__", each))
def test_attribute_is_assigned(owner, name):
    source = inspect.getsource(owner)
    assert f"self.{name} =" in source or f"self.{name}:" in source, f"{owner.__name__}.{name} is gone. {ADVICE}"
