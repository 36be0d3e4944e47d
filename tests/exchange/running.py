"""Start the node as a process, and a real Orthanc archive, on free ports."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from pneumo.exchange.settings import Archive, WebArchive

ROOT = Path(__file__).parent.parent.parent
ORTHANC = shutil.which("Orthanc")
_PLUGIN = "libOrthancDicomWeb.so"
_PLUGINS = Path("/usr/share/orthanc/plugins")
needs_orthanc = pytest.mark.skipif(
    (ORTHANC is None or not (_PLUGINS / _PLUGIN).exists()) and not os.environ.get("PNEUMO_REQUIRE_DICOM_TOOLS"),
    reason="no Orthanc found: install Debian's packages orthanc and orthanc-dicomweb for the round trip",
)


def waited(true: Callable[[], bool], seconds: float = 600) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(true())


@contextmanager
def node_process(models: Path, log: Path, archive: Archive, port: int, *words: str, **settings: str) -> Iterator[subprocess.Popen]:
    """`python -m pneumo node`, listening on `port`, stopped with SIGTERM. Output goes to `log`; `settings` to its environment."""
    environment = {**os.environ, "PNEUMO_MODELS_DIR": str(models), "PNEUMO_SEND_TIMEOUT": "600", **settings}
    target = f"{archive.host}:{archive.port}:{archive.ae_title}"
    command = [sys.executable, "-m", "pneumo", "node", "--port", str(port), "--archive", target, *words]
    with open(log, "w") as stream:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    try:
        assert waited(lambda: "listens on" in log.read_text() or process.poll() is not None), "the node did not start"
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(600)


@dataclass
class Orthanc:
    url: str
    archive: Archive
    web: WebArchive

    def get(self, path: str) -> requests.Response:
        answer = requests.get(self.url + path, timeout=30)
        answer.raise_for_status()
        return answer

    def post(self, path: str, data) -> dict:
        answer = requests.post(self.url + path, data=data if isinstance(data, bytes) else json.dumps(data), timeout=600)
        answer.raise_for_status()
        return answer.json()

    def files(self, study: str) -> list[bytes]:
        """All objects of a study (by Orthanc's id), as DICOM files."""
        return [
            self.get(f"/instances/{instance['ID']}/file").content for instance in self.get(f"/studies/{study}/instances").json()
        ]


@contextmanager
def orthanc(folder: Path, ports: tuple[int, int], node_port: int) -> Iterator[Orthanc]:
    """An empty Orthanc with its storage in `folder`, configured with the node as modality PNEUMO."""
    http, dicom = ports
    settings = {
        "Name": "test",
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": [str(_PLUGINS / _PLUGIN)],
        "HttpPort": http,
        "DicomPort": dicom,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "StableAge": 1,
        "DicomScuTimeout": 600,
        "DicomModalities": {"PNEUMO": {"AET": "PNEUMO", "Host": "127.0.0.1", "Port": node_port}},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(settings))
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([str(ORTHANC), str(path)], stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{http}"
    running = Orthanc(url, Archive("127.0.0.1", dicom, "ORTHANC"), WebArchive(f"{url}/dicom-web"))

    def answers() -> bool:
        try:
            return running.get("/system").ok
        except requests.RequestException:
            return False

    try:
        assert waited(lambda: answers() or process.poll() is not None), "Orthanc did not start"
        assert process.poll() is None, (folder / "log").read_text()
        yield running
    finally:
        process.terminate()
        process.wait(600)
