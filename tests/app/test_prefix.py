"""The app below a path prefix, as behind a proxy that serves it under a path of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SECRETS = """[auth]
redirect_uri = "http://127.0.0.1/pneumo/oauth2callback"
cookie_secret = "0123456789012345678901234567890123456789"
client_id = "pneumo"
client_secret = "x"
server_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"
"""


def status(url: str) -> int:
    try:
        return urllib.request.urlopen(url, timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def url(tmp_path):
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(SECRETS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "HOME": str(tmp_path), "PNEUMO_LOGIN": "oidc"}
    command = [sys.executable, "-m", "uvicorn", "app:app", "--root-path", "/pneumo", "--port", str(port)]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(900):
            try:
                if status(f"http://127.0.0.1:{port}/_stcore/health") == 200:
                    break
            except OSError:
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_asks_for_a_login_behind_a_prefix(url):
    for path in ("/media/x.png", "/_stcore/metrics", "/_stcore/upload_file/session/file", "/component/x/y"):
        assert status(url + path) == 401, path
    assert status(f"{url}/_stcore/health") == 200
    assert status(f"{url}/") == 200
