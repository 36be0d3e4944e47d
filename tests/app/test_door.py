"""The server's door, called as a server calls it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from pneumo.access import AccessSettings
from pneumo.ui import door

ROOT = Path(__file__).parent.parent.parent
SECRET = "s" * 40
LOGIN = AccessSettings(login=True)


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setattr(door, "get_cookie_secret", lambda: SECRET)


def cookie(secret=SECRET, name="_streamlit_user", **more):
    claims = {"is_logged_in": True, "iat": time.time(), "roles": ["pneumo-reader"], **more}
    return f"{name}={create_signed_value(secret, '_streamlit_user', json.dumps(claims)).decode()}"


def call(path, settings=LOGIN, cookies="", server="127.0.0.1", kind="http"):
    """The status that the door answers; 200: let through."""
    sent = []

    async def inside(scope, receive, send):
        sent.append({"status": 200})

    async def receive():
        return {}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "server": (server, 8501), "headers": [(b"cookie", cookies.encode())] if cookies else []}
    asyncio.run(door.Door(inside, settings)(scope, receive, send))
    return sent[0].get("status", sent[0].get("code"))


GUARDED = [
    "/media/abc.png",
    "/_stcore/upload_file/session/file",
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/component/x",
]


@pytest.mark.parametrize("path", GUARDED)
def test_pictures_and_uploads_need_a_login_with_a_role(path):
    assert call(path) == 401
    assert call(path, cookies=cookie()) == 200
    assert call(path, cookies=cookie(roles=[])) == 403
    assert call(path, cookies=cookie(iat=time.time() - 86400)) == 403
    assert call(path, cookies=cookie(secret="another")) == 401
    assert call(path, cookies=cookie(name="_streamlit_user_tokens")) == 401
    assert call(path, cookies="_streamlit_user=nonsense") == 401
    assert call(path, AccessSettings()) == 200  # no login is configured


@pytest.mark.parametrize("path", ["/", "/train", "/static/js/index.js", "/auth/login", "/oauth2callback", "/_stcore/health"])
def test_what_the_login_page_needs_is_open(path):
    assert call(path) == 200


def test_the_way_to_the_login_page_is_open():
    assert call("/_stcore/stream", kind="websocket") == 200


def test_below_another_path(monkeypatch):
    monkeypatch.setattr(door.config, "get_option", {"server.baseUrlPath": "/pneumo/"}.get)
    assert call("/pneumo/media/abc.png") == 401
    assert call("/pneumo/_stcore/health") == 200


@pytest.mark.parametrize("server", ["192.168.1.5", "fe80::1", "::ffff:10.0.0.7"])
def test_who_arrives_by_a_network_is_refused_without_a_login(server):
    assert call("/", AccessSettings(), server=server) == 403
    assert call("/_stcore/stream", AccessSettings(), server=server, kind="websocket") == 1008
    assert call("/", AccessSettings(open=True), server=server) == 200
    assert call("/", LOGIN, server=server) == 200


def start(tmp_path, *flags, secrets="", **settings):
    """(exit status, what it said) of a start; -1: it was still running after a while."""
    (tmp_path / ".streamlit").mkdir(exist_ok=True)
    if secrets:
        (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMO_")}
    environment = {**kept, "HOME": str(tmp_path), **settings}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0", *flags]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False)
    return result.returncode, result.stderr


def test_the_app_does_not_start_where_it_must_not(tmp_path):
    status, said = start(tmp_path, "--server.address", "0.0.0.0")
    assert status == 1
    assert "Pneumo is not started on 0.0.0.0" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("address", "settings", "secrets", "said"),
    [
        ("", AccessSettings(), "", "every network interface"),
        ("::", AccessSettings(), "", "not started on ::"),
        ("127.0.0.1", LOGIN, "", "docs/access.md"),
        ("127.0.0.1", LOGIN, "short", "at least 32 characters"),
        ("127.0.0.1", AccessSettings(), "short", "PNEUMO_LOGIN is not set"),
    ],
)
def test_why_it_does_not_start(monkeypatch, address, settings, secrets, said):
    section = {"cookie_secret": secrets} if secrets else {}
    monkeypatch.setattr(door.AccessSettings, "from_environment", lambda: settings)
    monkeypatch.setattr(door.config, "get_option", lambda name: address)
    monkeypatch.setattr(door.auth_util, "get_secrets_auth_section", lambda: section)
    if secrets:
        monkeypatch.setattr(door.auth_util, "validate_auth_credentials", lambda provider: None)
        monkeypatch.setattr(door.auth_util, "get_signing_secret", lambda: secrets)
    with pytest.raises(SystemExit, match=said):
        door.entrance()


def test_streamlit_does_not_ask_the_internet_for_its_address():
    from streamlit import net_util
    from streamlit.web.server.server_util import is_url_from_allowed_origins

    before = net_util._internal_ip, net_util._external_ip
    try:
        door.entrance()
        assert not is_url_from_allowed_origins("http://elsewhere.example")
        assert (net_util.get_internal_ip(), net_util.get_external_ip()) == ("127.0.0.1", "127.0.0.1")
    finally:
        net_util._internal_ip, net_util._external_ip = before
