"""The server's door, called as a server calls it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from pneumo.access import AccessSettings
from pneumo.ended_logins import EndedLogin
from pneumo.errors import ConfigError
from pneumo.ui.shell import auth_middleware, streamlit_internals
from pneumo.ui.shell.response_headers import HEADERS

ROOT = Path(__file__).parent.parent.parent
SECRET = "s" * 40
LOGIN = AccessSettings(login=True)


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setattr(streamlit_internals, "get_cookie_secret", lambda: SECRET)


def cookie(secret=SECRET, name="_streamlit_user", **more):
    claims = {"is_logged_in": True, "iat": time.time(), "roles": ["pneumo-reader"], **more}
    return f"{name}={create_signed_value(secret, '_streamlit_user', json.dumps(claims)).decode()}"


async def inside(scope, receive, send):
    """What stands behind the door: sets cookies, as Streamlit would."""
    if scope["type"] == "http":
        cookies = [(b"set-cookie", b"a=b; Path=/; secure"), (b"set-cookie", b"secure=c; Path=/")]
        await send({"type": "http.response.start", "status": 200, "headers": cookies})
    else:
        await send({"type": "websocket.accept"})


def answers(
    path, settings=LOGIN, cookies="", server="127.0.0.1", kind="http", hosts=("127.0.0.1:8501",), app=inside, heard=(), **more
):
    """What a server would send. `heard`: what the browser says on a websocket."""
    sent, waiting = [], list(heard)

    async def receive():
        said = waiting.pop(0) if waiting else {}
        return said() if callable(said) else said

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode()) for host in hosts] + ([(b"cookie", cookies.encode())] if cookies else [])
    scope = {"type": kind, "path": path, "server": (server, 8501), "headers": headers, **more}
    told = settings if callable(settings) else lambda: settings
    asyncio.run(auth_middleware.AccessControl(app, told)(scope, receive, send))
    return sent


def call(path, settings=LOGIN, **more):
    """The status that the door answers; 200: let through; 1008: a connection refused."""
    first = answers(path, settings, **more)[0]
    return 200 if first["type"] == "websocket.accept" else first.get("status", first.get("code"))


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


@pytest.mark.parametrize("path", GUARDED)
def test_behind_a_prefix(path):
    """As `uvicorn --root-path /pneumo` tells it."""
    assert call(f"/pneumo{path}", root_path="/pneumo") == 401
    assert call(f"/pneumo{path}", root_path="/pneumo", cookies=cookie()) == 200
    assert call("/pneumo/_stcore/health", root_path="/pneumo") == 200


def test_below_another_path(monkeypatch):
    monkeypatch.setattr(auth_middleware.config, "get_option", {"server.baseUrlPath": "/pneumo/"}.get)
    assert call("/pneumo/media/abc.png") == 401
    assert call("/pneumo/_stcore/health") == 200


@pytest.mark.parametrize("server", ["192.168.1.5", "fe80::1", "::ffff:10.0.0.7"])
def test_who_arrives_by_a_network_is_refused_without_a_login(server):
    assert call("/", AccessSettings(), server=server) == 403
    assert call("/_stcore/stream", AccessSettings(), server=server, kind="websocket") == 1008
    assert call("/", AccessSettings(open=True), server=server) == 200
    assert call("/", LOGIN, server=server) == 200


NAMED = AccessSettings(hosts=frozenset({"pneumo.example.org"}))


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8600", "LOCALHOST", "localhost.", "[::1]:8501"])
def test_this_computer_is_called_by_its_own_names(host):
    assert call("/", AccessSettings(), hosts=[host]) == 200
    assert call("/_stcore/stream", AccessSettings(), hosts=[host], kind="websocket") == 200


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example:8501"],
        ["localhost.evil.example"],
        ["evil.example@localhost"],
        ["localhost/evil.example"],
        ["localhost:8501:1"],
        ["10.0.0.7"],
        [""],
        [],
        ["localhost", "evil.example"],
    ],
)
@pytest.mark.parametrize("settings", [AccessSettings(), NAMED, LOGIN, AccessSettings(open=True)])
def test_by_another_name_nobody_is_let_in(hosts, settings):
    assert call("/history", settings, hosts=hosts) == 421
    assert call("/_stcore/stream", settings, hosts=hosts, kind="websocket") == 1008


def test_a_name_may_be_added():
    assert call("/", NAMED, hosts=["Pneumo.example.org:443"]) == 200
    assert call("/", NAMED, hosts=["localhost"]) == 200
    assert call("/", AccessSettings(), hosts=["pneumo.example.org"]) == 421


def test_each_answer_says_what_a_page_may_do():
    for first in (answers("/")[0], answers("/media/x.png")[0], answers("/", hosts=["evil.example"])[0]):
        told = dict(first["headers"])
        assert {name: told[name.lower().encode()].decode() for name in HEADERS} == HEADERS
        assert told[b"cache-control"] == b"no-store"  # where Streamlit says nothing: pictures, downloads
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in policy["script-src"]


@pytest.mark.parametrize(("scheme", "secure"), [("https", "; Secure"), ("http", "")])
def test_cookies_are_kept_to_tls_where_it_is(scheme, secure):
    (first,) = answers("/", scheme=scheme)
    found = [value.decode() for name, value in first["headers"] if name == b"set-cookie"]
    assert found == ["a=b; Path=/; secure", f"secure=c; Path=/{secure}"]


ENDED = replace(LOGIN, ended=(EndedLogin("ada", time.time() + 3600),))


def test_a_login_that_was_ended_opens_nothing():
    assert call("/media/abc.png", ENDED, cookies=cookie(sub="ada")) == 403
    assert call("/media/abc.png", ENDED, cookies=cookie(sub="eve")) == 200


def page(scopes, heard):
    """A page's connection as Streamlit keeps it: open until it is told that it ended."""

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
    """(headers of each connection that the page's server saw, what each heard, what was sent) of one websocket."""
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


def said(text):
    return {"type": "websocket.receive", "bytes": text}


LEFT = {"type": "websocket.disconnect", "code": 1001}


def test_an_open_page_is_nobodys_once_its_login_is_over():
    told = [LOGIN]

    def ended():
        told[0] = ENDED
        return said(b"2")

    headers, heard, sent = stream(lambda: told[0], cookie(sub="ada"), [said(b"1"), ended, said(b"3"), LEFT])
    assert heard == [(1, b"1"), (2, b"2"), (2, b"3")]
    assert [set(found) for found in headers] == [{b"host", b"cookie"}, {b"host"}]
    assert [message.get("bytes") for message in sent] == [None, b"for 1", b"for 2", b"for 2", b"a run that goes on"]
    assert [message["type"] for message in sent].count("websocket.accept") == 1


@pytest.mark.parametrize("cookies", [cookie(sub="eve"), ""])
def test_another_page_stays_open(cookies):
    headers, heard, _ = stream(ENDED, cookies, [said(b"1"), said(b"2"), LEFT])
    assert heard == [(1, b"1"), (1, b"2")]
    assert (b"cookie" in headers[0]) is bool(cookies)


@pytest.mark.parametrize("claims", [{"sub": "ada"}, {"sub": "eve", "iat": time.time() - 86400}])
def test_a_page_opened_with_a_login_that_is_over_is_nobodys(claims):
    headers, heard, _ = stream(ENDED, cookie(**claims), [said(b"1"), LEFT])
    assert [set(found) for found in headers] == [{b"host"}]
    assert heard == [(1, b"1")]  # it may ask to log in


def test_without_a_login_a_stray_cookie_changes_nothing():
    headers, _, _ = stream(AccessSettings(), cookie(iat=0), [said(b"1"), LEFT])
    assert [b"cookie" in found for found in headers] == [True]


def test_settings_that_cannot_be_read_close_the_door():
    told = [LOGIN]

    def settings():
        if not told:
            raise ConfigError("PNEUMO_ENDED_LOGINS: line 1")
        return told[0]

    def broken():
        told.clear()
        return said(b"2")

    headers, _, _ = stream(settings, cookie(), [said(b"1"), broken, LEFT])
    assert [b"cookie" in found for found in headers] == [True, False]
    assert call("/", settings) == 503


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
def test_why_it_does_not_start(monkeypatch, address, settings, secrets, said):
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
