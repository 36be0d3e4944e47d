"""The searches of the privacy test find what they look for."""

import os
import subprocess
import sys
from collections import Counter

import pytest
from browser.running import needs_chromium
from browser.traces import deleted_files, pieces, traces, writings
from makers import picture_bytes
from marked_files import GUARD, MARKS, PATIENT, marked_files
from PIL import Image

pytestmark = needs_chromium


@pytest.mark.parametrize("mark", MARKS)
def test_the_search_finds_a_name_in_any_encoding(tmp_path, mark):
    for number, (kind, written) in enumerate(writings(mark).items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "log").write_bytes(b"..." + written + b"...")
        assert traces(folder, writings(mark).values()), kind
    (tmp_path / f"{mark}.txt").write_text("nothing")
    assert any(".txt" in line for line in traces(tmp_path, [mark.encode()]))


def test_the_search_finds_pixels(tmp_path):
    data = marked_files()[f"{PATIENT}.jpg"]
    (tmp_path / "half").write_bytes(b"x" * 1000 + data[len(data) // 5 :])
    assert len(traces(tmp_path, pieces(data).values())) >= 3
    (tmp_path / "half").write_bytes(picture_bytes(Image.new("L", (9, 9)), "PNG"))  # any picture
    assert traces(tmp_path, []) == [f"{tmp_path / 'half'}: a PNG"]


def test_the_guard_blocks_connections(tmp_path):
    """In a process, and in a child process that may write no byte."""
    code = """
import resource, socket, subprocess, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "child"], check=True)
for call in (
    lambda: socket.socket().connect(("192.0.2.1", 80)),
    lambda: socket.socket(socket.AF_INET6).connect_ex(("2001:db8::1", 80)),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.2", 53)),
    lambda: socket.getaddrinfo("elsewhere.example", 80),
):
    try:
        call()
    except ConnectionRefusedError as error:
        assert "guard" in str(error), error
    else:
        raise SystemExit("it was let through")
with socket.create_server(("127.0.0.1", 0)) as here:
    socket.socket().connect(here.getsockname())
"""
    (tmp_path / "guard").mkdir()
    (tmp_path / "caller.py").write_text(code)
    environment = {**os.environ, "PNEUMO_GUARD": str(tmp_path / "guard"), "PYTHONPATH": str(GUARD)}
    subprocess.run([sys.executable, str(tmp_path / "caller.py")], env=environment, check=True, timeout=180)
    seen = [os.readlink(path) for path in (tmp_path / "guard").iterdir()]
    kinds = Counter(line.split()[0] for line in seen if not line.startswith("open"))
    assert kinds == {"watched": 2, "socket.connect": 4, "socket.sendto": 2, "socket.getaddrinfo": 2}


def test_the_guard_sees_every_temporary_file(tmp_path):
    """Files that Python opens, with or without a name, and those that a library opens without Python."""
    code = """
import ctypes, os, sys, tempfile
tempfile.TemporaryFile(), tempfile.NamedTemporaryFile(), tempfile.TemporaryDirectory()
tempfile.SpooledTemporaryFile(1).write(b"xx")
os.close(os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR))
kept = ctypes.CDLL(None).open(sys.argv[1].encode(), os.O_TMPFILE | os.O_RDWR, 0o600)
assert kept >= 0
print(flush=True)
input()
"""
    (tmp_path / "guard").mkdir()
    (tmp_path / "elsewhere").mkdir()
    environment = {**os.environ, "PNEUMO_GUARD": str(tmp_path / "guard"), "PYTHONPATH": str(GUARD), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code, str(tmp_path / "elsewhere")]
    own = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
    }  # pytest's own are temporary files
    with subprocess.Popen(command, env=environment, **own) as process:
        process.stdout.readline()
        held = deleted_files(process.pid)
        process.communicate(b"\n")
    assert process.returncode == 0
    assert len(held) == 1
    assert held.pop().startswith(str(tmp_path / "elsewhere"))
    seen = [os.readlink(path) for path in (tmp_path / "guard").iterdir()]
    kinds = Counter(line.split()[0] for line in seen if str(tmp_path) in line and not line.startswith("watched"))
    assert kinds["temporary"] == 2  # the named file, and the folder
    assert f"nameless {tmp_path / 'elsewhere'}" in seen
    assert seen.count(f"nameless {tmp_path}") >= 2
