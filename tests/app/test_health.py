"""/health of the running app, and `pneumo health`, which asks it: with intact models and with altered ones."""

import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from browser.running import app
from starlette.requests import Request
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.inference.health import Health
from pneumo.ui.shell import health as shell


def asked(capsys, *words: str) -> tuple[int, str]:
    code = main(["health", *words])
    return code, capsys.readouterr().out.strip()


def answer(url: str) -> tuple[int, dict]:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/health", timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.slow
def test_the_app_serves_while_its_models_verify(tmp_path, monkeypatch, capsys):
    root = make_registry(tmp_path / "models")
    with app(tmp_path, PNEUMO_MODELS_DIR=str(root)) as url:
        port = url.rpartition(":")[2]
        assert asked(capsys, "--port", port) == (0, "serving")
        assert answer(url) == (200, {"serving": True, "failing": []})
    (root / "tiny" / "model.onnx").write_bytes(b"altered")
    with app(tmp_path, PNEUMO_MODELS_DIR=str(root)) as url:
        assert asked(capsys, "--port", url.rpartition(":")[2]) == (1, "alive, not serving: models")
        assert answer(url) == (503, {"serving": False, "failing": ["models"]})
    assert asked(capsys, "--port", port) == (2, "nothing answers")


def test_checks_are_not_repeated_too_soon(monkeypatch):
    checks, now = [], [100.0]
    health = Health(models=True, decoder=True, record=False)
    monkeypatch.setattr(shell, "check_health", lambda: checks.append(1) or health)
    monkeypatch.setattr(shell.time, "monotonic", lambda: now[0])
    route = shell.HealthRoute()
    for wait, so_far in ((0, 1), (shell.AT_MOST_EVERY - 1, 1), (1, 2)):
        now[0] += wait
        answered = route(Request({"type": "http"}))
        assert (answered.status_code, json.loads(answered.body)) == (503, {"serving": False, "failing": ["record"]})
        assert len(checks) == so_far


def test_another_program_on_the_port_does_not_count_as_serving(capsys):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert asked(capsys, "--port", str(server.server_port)) == (1, "alive, not serving")
    finally:
        server.shutdown()
        server.server_close()


def test_the_node(tmp_path, monkeypatch, capsys):
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        assert asked(capsys, "--node", port) == (0, "serving")
        (root / "tiny" / "model.onnx").write_bytes(b"altered")
        assert asked(capsys, "--node", port) == (1, "alive, not serving: models")
    assert asked(capsys, "--node", port) == (2, "nothing answers")


def test_it_waits_for_the_start(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    late = "import socket, sys, time; time.sleep(2); s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(100)"
    with subprocess.Popen([sys.executable, "-c", late, str(port)]) as process:
        try:
            assert asked(capsys, "--node", str(port), "--wait", "60") == (0, "serving")
        finally:
            process.kill()
