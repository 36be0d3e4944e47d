"""The nginx configuration in docs/access.md, in front of the running app, with a stand-in for oauth2-proxy."""

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser.running import CHROMIUM, FLAGS, ROOT, app, needs_chromium, wait_until
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tiny_model import make_registry

from pneumo.synthetic.phantom import make_phantom, phantom_png

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = [
    *needs_chromium,
    pytest.mark.skipif(NGINX is None, reason="no nginx found: install Debian's package nginx-light to test docs/access.md"),
]
NAME, PASS = "pneumo.example.org", "_oauth2_proxy=passed"


class Gatekeeper(BaseHTTPRequestHandler):
    """Answers as oauth2-proxy does: 202 with its cookie, else 401; a page to sign in."""

    def do_GET(self):
        passed = PASS in self.headers.get("Cookie", "")
        self.send_response((202 if passed else 401) if self.path.startswith("/oauth2/auth") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), datetime.now(UTC)
    draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    draft = draft.serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    (folder / "pneumo.pem").write_bytes(draft.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "pneumo.key").write_bytes(key.private_bytes(*plain))


def configuration(folder: Path, port: int, app_port: str, gate_port: int) -> Path:
    """The documented configuration with this test's ports and files; the test fails if one of them is not in it."""
    (text,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "access.md").read_text(), re.DOTALL)
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/", f"{folder}/"),
        ("http://127.0.0.1:8501", f"http://127.0.0.1:{app_port}"),
        ("http://127.0.0.1:4180", f"http://127.0.0.1:{gate_port}"),
    ):
        assert old in text
        text = text.replace(old, new)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log info; events {{}}\n"
        f"http {{ access_log {folder}/access.log; {temporary}\n{text}}}\n"
    )
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """(address, nginx's folder) of the app behind nginx."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("nginx")
    write_certificate(folder)
    gate = ThreadingHTTPServer(("127.0.0.1", 0), Gatekeeper)
    threading.Thread(target=gate.serve_forever, daemon=True).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    models = str(make_registry(home / "models"))
    with app(home, PNEUMO_MODELS_DIR=models, PNEUMO_HOSTS=NAME) as url:
        conf = configuration(folder, port, url.rsplit(":", 1)[1], gate.server_port)
        nginx = subprocess.Popen([NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(conf)])
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"https://127.0.0.1:{port}", folder
        finally:
            nginx.terminate()
            nginx.wait(timeout=20)
            gate.shutdown()
            gate.server_close()


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def answer(url: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, str]:
    """(status, address of a redirection)."""
    trusting = ssl._create_unverified_context()
    opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=trusting))
    data = b"x" * 100_000 if method in ("PUT", "POST") else None
    request = urllib.request.Request(url, data, {"Host": NAME, **(headers or {})}, method=method)
    try:
        with opener.open(request, timeout=30) as response:
            return response.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location", "")


WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/", "GET", {}),
        ("/train", "GET", {}),
        ("/media/x.png", "GET", {}),
        ("/_stcore/upload_file/session/file", "PUT", {}),
        ("/_stcore/upload_file/session/file", "DELETE", {}),
        ("/_stcore/stream", "GET", WEBSOCKET),
        ("/_stcore/health", "GET", {}),
        ("/_stcore/metrics", "GET", {}),
        ("/static/../media/x.png", "GET", {}),
        ("//media/x.png", "GET", {}),
        ("/oauth2/../media/x.png", "GET", {}),
        ("/oauth2callback", "GET", {}),
        ("/oauth2/auth", "GET", {}),
    ],
)
def test_no_path_is_open(site, path, method, headers):
    status, where = answer(site[0] + path, method, headers)
    if path == "/oauth2/auth":
        assert status == 404  # only for nginx itself
    else:
        assert status == 302
        assert where.split("?")[0].endswith("/oauth2/sign_in")


@pytest.mark.long
def test_after_signing_in_everything_works(site):
    from playwright.sync_api import sync_playwright

    url, folder = site
    port = url.rsplit(":", 1)[1]
    with sync_playwright() as playwright:
        rules = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, rules])
        context = browser.new_context(ignore_https_errors=True)
        name, value = PASS.split("=")
        context.add_cookies([{"name": name, "value": value, "domain": NAME, "path": "/"}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"https://{NAME}:{port}/", wait_until="domcontentloaded")
        page.get_by_role("button", name="Try it with generated phantoms").wait_for()
        picture = phantom_png(make_phantom("viral", seed=3, height=1200, width=1500))
        assert len(picture) > 100_000  # more than nginx would hold in memory
        page.locator('input[type="file"]').first.set_input_files(
            [{"name": f"{name}.png", "mimeType": "image/png", "buffer": picture} for name in ("one", "two")]
        )
        page.locator(".verdict").first.wait_for()
        page.locator(".viewer[data-ready]").wait_for()  # sent as megabytes over the web socket
        wait_until(page, "document.querySelector('.st-key-filmstrip img')?.naturalWidth > 0")
        address = page.evaluate("document.querySelector('.st-key-filmstrip img').src")
        assert all(cookie["secure"] for cookie in context.cookies() if cookie["name"] != name)
        path = address.split(f":{port}")[1]
        assert path.startswith("/media/")
        assert answer(url + path, headers={"Cookie": PASS})[0] == 200
        assert answer(url + path)[0] == 302
        browser.close()  # so that the session with its picture ends
    assert "temporary file" not in (folder / "error.log").read_text()  # no X-ray on nginx's disk
    assert "one.png" not in (folder / "access.log").read_text()
