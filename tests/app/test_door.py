"""The access control, called as a server calls it."""

import time

import pytest
from door_calls import ENDED, LOGIN, SECRET, answers, call, cookie

from pneumo.access import AccessSettings
from pneumo.ui.shell import auth_middleware, streamlit_internals
from pneumo.ui.shell.response_headers import HEADERS


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setattr(streamlit_internals, "get_cookie_secret", lambda: SECRET)


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


@pytest.mark.parametrize(
    "path", ["/", "/train", "/static/js/index.js", "/auth/login", "/oauth2callback", "/_stcore/health", "/health"]
)
def test_what_the_login_page_needs_is_served_without_a_login(path):
    assert call(path) == 200


def test_the_websocket_of_the_login_page_is_open():
    assert call("/_stcore/stream", kind="websocket") == 200


@pytest.mark.parametrize("path", GUARDED)
def test_behind_a_prefix(path):
    """With the root path as `uvicorn --root-path /pneumo` sets it."""
    assert call(f"/pneumo{path}", root_path="/pneumo") == 401
    assert call(f"/pneumo{path}", root_path="/pneumo", cookies=cookie()) == 200
    assert call("/pneumo/_stcore/health", root_path="/pneumo") == 200


def test_below_another_path(monkeypatch):
    monkeypatch.setattr(auth_middleware.config, "get_option", {"server.baseUrlPath": "/pneumo/"}.get)
    assert call("/pneumo/media/abc.png") == 401
    assert call("/pneumo/_stcore/health") == 200


@pytest.mark.parametrize("server", ["192.168.1.5", "fe80::1", "::ffff:10.0.0.7"])
def test_over_a_network_nobody_gets_in_without_a_login(server):
    assert call("/", AccessSettings(), server=server) == 403
    assert call("/_stcore/stream", AccessSettings(), server=server, kind="websocket") == 1008
    assert call("/", AccessSettings(open=True), server=server) == 200
    assert call("/", LOGIN, server=server) == 200


NAMED = AccessSettings(hosts=frozenset({"pneumo.example.org"}))


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8600", "LOCALHOST", "localhost.", "[::1]:8501"])
def test_names_of_this_computer_are_accepted(host):
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
def test_other_host_names_are_refused(hosts, settings):
    assert call("/history", settings, hosts=hosts) == 421
    assert call("/_stcore/stream", settings, hosts=hosts, kind="websocket") == 1008


def test_a_host_name_may_be_added():
    assert call("/", NAMED, hosts=["Pneumo.example.org:443"]) == 200
    assert call("/", NAMED, hosts=["localhost"]) == 200
    assert call("/", AccessSettings(), hosts=["pneumo.example.org"]) == 421


def test_each_response_carries_the_security_headers():
    for first in (answers("/")[0], answers("/media/x.png")[0], answers("/", hosts=["evil.example"])[0]):
        told = dict(first["headers"])
        assert {name: told[name.lower().encode()].decode() for name in HEADERS} == HEADERS
        assert told[b"cache-control"] == b"no-store"  # where Streamlit sets none: pictures, downloads
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in policy["script-src"]


@pytest.mark.parametrize(("scheme", "secure"), [("https", "; Secure"), ("http", "")])
def test_cookies_are_secure_under_tls(scheme, secure):
    (first,) = answers("/", scheme=scheme)
    cookies = [value.decode() for name, value in first["headers"] if name == b"set-cookie"]
    assert cookies == ["a=b; Path=/; secure", f"secure=c; Path=/{secure}"]


def test_a_login_that_was_ended_is_refused():
    assert call("/media/abc.png", ENDED, cookies=cookie(sub="ada")) == 403
    assert call("/media/abc.png", ENDED, cookies=cookie(sub="eve")) == 200
