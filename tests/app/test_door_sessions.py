"""What happens to an open page when its login ends; when the app refuses to start."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from door_calls import ENDED, LOGIN, SECRET, answers, call, cookie, said

from pneumo.access import AccessSettings
from pneumo.errors import ConfigError
from pneumo.ui.shell import auth_middleware, streamlit_internals

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setattr(streamlit_internals, "get_cookie_secret", lambda: SECRET)


def page(scopes, heard):
    """A page's connection as Streamlit keeps it: open until it receives the disconnect."""

    async def run(scope, receive, send):
        scopes.append(scope)
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            heard.append((len(scopes), message["bytes"]))
            await send({"type": "websocket.send", "bytes": f"for {len(scopes)}".encode()})
        await send({"type": "websocket.send", "bytes": b"a run that goes on"})

    return run


def stream(settings, cookies, heard):
    """(headers of each connection that the page's server saw, what each received, what was sent) of one websocket."""
    scopes, said = [], []
    sent = answers(
        "/_stcore/stream",
        settings,
        cookies,
        kind="websocket",
        app=page(scopes, said),
        heard=[{"type": "websocket.connect"}, *heard],
    )
    return [dict(scope["headers"]) for scope in scopes], said, sent


LEFT = {"type": "websocket.disconnect", "code": 1001}


def test_an_open_page_loses_its_user_once_its_login_ends():
    told = [LOGIN]

    def ended():
        told[0] = ENDED
        return said(b"2")

    headers, heard, sent = stream(lambda: told[0], cookie(sub="ada"), [said(b"1"), ended, said(b"3"), LEFT])
    assert heard == [(1, b"1"), (2, b"2"), (2, b"3")]
    assert [set(names) for names in headers] == [{b"host", b"cookie"}, {b"host"}]
    assert [message.get("bytes") for message in sent] == [None, b"for 1", b"for 2", b"for 2", b"a run that goes on"]
    assert [message["type"] for message in sent].count("websocket.accept") == 1


@pytest.mark.parametrize("cookies", [cookie(sub="eve"), ""])
def test_another_page_stays_open(cookies):
    headers, heard, _ = stream(ENDED, cookies, [said(b"1"), said(b"2"), LEFT])
    assert heard == [(1, b"1"), (1, b"2")]
    assert (b"cookie" in headers[0]) is bool(cookies)


@pytest.mark.parametrize("claims", [{"sub": "ada"}, {"sub": "eve", "iat": time.time() - 86400}])
def test_a_page_opened_with_an_ended_login_has_no_user(claims):
    headers, heard, _ = stream(ENDED, cookie(**claims), [said(b"1"), LEFT])
    assert [set(names) for names in headers] == [{b"host"}]
    assert heard == [(1, b"1")]  # so that it can ask to log in


def test_without_a_login_a_stray_cookie_changes_nothing():
    headers, _, _ = stream(AccessSettings(), cookie(iat=0), [said(b"1"), LEFT])
    assert [b"cookie" in names for names in headers] == [True]


def test_with_unreadable_settings_nobody_gets_in():
    told = [LOGIN]

    def settings():
        if not told:
            raise ConfigError("PNEUMO_ENDED_LOGINS: line 1")
        return told[0]

    def broken():
        told.clear()
        return said(b"2")

    headers, _, _ = stream(settings, cookie(), [said(b"1"), broken, LEFT])
    assert [b"cookie" in names for names in headers] == [True, False]
    assert call("/", settings) == 503


def start(tmp_path, *flags, secrets="", **settings):
    """(exit status, standard error) of a start of the app."""
    (tmp_path / ".streamlit").mkdir(exist_ok=True)
    if secrets:
        (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMO_")}
    environment = {**kept, "HOME": str(tmp_path), **settings}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0", *flags]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False)
    return result.returncode, result.stderr


def test_the_app_does_not_start_on_all_interfaces_without_a_login(tmp_path):
    status, said = start(tmp_path, "--server.address", "0.0.0.0")
    assert status == 1
    assert "Pneumo does not start on 0.0.0.0" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("address", "settings", "secrets", "said"),
    [
        ("", AccessSettings(), "", "every network interface"),
        ("::", AccessSettings(), "", "does not start on ::"),
        ("127.0.0.1", LOGIN, "", "docs/access.md"),
        ("127.0.0.1", LOGIN, "short", "at least 32 characters"),
        ("127.0.0.1", AccessSettings(), "short", "PNEUMO_LOGIN is not set"),
    ],
)
def test_reasons_not_to_start(monkeypatch, address, settings, secrets, said):
    section = {"cookie_secret": secrets} if secrets else {}
    monkeypatch.setattr(auth_middleware.AccessSettings, "from_environment", lambda: settings)
    monkeypatch.setattr(auth_middleware.config, "get_option", lambda name: address)
    monkeypatch.setattr(auth_middleware.auth_util, "get_secrets_auth_section", lambda: section)
    if secrets:
        monkeypatch.setattr(auth_middleware.auth_util, "validate_auth_credentials", lambda provider: None)
        monkeypatch.setattr(auth_middleware.auth_util, "get_signing_secret", lambda: secrets)
    with pytest.raises(SystemExit, match=said):
        auth_middleware.entrance()


def test_streamlit_does_not_ask_the_internet_for_its_address():
    from streamlit import net_util
    from streamlit.web.server.server_util import is_url_from_allowed_origins

    before = net_util._internal_ip, net_util._external_ip
    try:
        auth_middleware.entrance()
        assert not is_url_from_allowed_origins("http://elsewhere.example")
        assert (net_util.get_internal_ip(), net_util.get_external_ip()) == ("127.0.0.1", "127.0.0.1")
    finally:
        net_util._internal_ip, net_util._external_ip = before
