"""Actions that the sandbox stops: attempted in a sandboxed process, and the state of a real decoding process."""

import os
import subprocess
import sys

import pytest
from makers import png_bytes, ramp

from pneumo.cli.main import main
from pneumo.imaging.decoding import protections as protections_module
from pneumo.imaging.decoding.pool import DecoderPool, environment
from pneumo.imaging.decoding.protections import Protections, probe_protections
from pneumo.imaging.decoding.sandbox import landlock_version

linux = pytest.mark.skipif(sys.platform != "linux", reason="locks of Linux")
landlock = pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock, or it is switched off")
seccomp = pytest.mark.skipif(not os.path.exists("/proc/sys/kernel/seccomp"), reason="this kernel has no seccomp")
ATTEMPTS = {
    "start a program",
    "fork",
    "signal the app",
    "read the app's environment",
    "open a TCP connection",
    "send a UDP packet",
    "create a file",
    "rename a file",
    "read a file",
    "delete a file",
}


def tried(prepare: str) -> dict[str, bool]:
    """Which attempts are stopped in a process that first runs the code `prepare`."""
    module = f"import runpy; runpy.run_module({protections_module.__name__!r}, run_name='__main__')"
    code = f"from pneumo.imaging.decoding import sandbox, worker\n{prepare}\n{module}"
    run = subprocess.run

    def replaced(command, **settings):
        return run([sys.executable, "-c", code, *command[4:]], **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protections_module.subprocess, "run", replaced)
        return probe_protections().refused


@seccomp
@landlock
def test_both_locks_stop_every_attempt():
    protections = probe_protections()
    assert protections.locks == (f"landlock {landlock_version()}", "seccomp")
    assert protections.refused == dict.fromkeys(ATTEMPTS, True)


@seccomp
def test_seccomp_alone_stops_every_attempt():
    assert tried("sandbox.restrict_files = lambda readable: 0") == dict.fromkeys(ATTEMPTS, True)


@landlock
def test_landlock_alone_guards_files_and_tcp():
    refused = tried("sandbox.restrict_calls = lambda opening: False")
    expected = {"create a file", "rename a file", "read a file", "delete a file", "start a program", "read the app's environment"}
    expected |= {"open a TCP connection"} if landlock_version() >= 4 else set()
    expected |= {"signal the app"} if landlock_version() >= 6 else set()
    assert {attempt for attempt in ATTEMPTS if refused[attempt]} >= expected
    assert not refused["send a UDP packet"]


@linux
def test_without_locks_the_attempts_succeed():
    """Otherwise "refused" would prove nothing. Without locks, only the resource limit on processes stops some, except for root."""
    refused = tried("worker.lock = lambda readable: ()")
    assert {attempt for attempt, stopped in refused.items() if stopped} <= {"fork", "start a program"}
    assert set(refused) == ATTEMPTS


@linux
def test_a_decoding_process_inherits_only_the_allowed_environment(monkeypatch):
    monkeypatch.setenv("PNEUMO_STOW_PASSWORD", "secret")
    decoders = DecoderPool(1)
    decoders.decode(png_bytes(ramp()))
    with open(f"/proc/{decoders._idle.queue[0].pid}/environ", encoding="utf-8") as file:
        variables = dict(line.split("=", 1) for line in file.read().split("\0") if line)
    decoders.close()
    assert variables == environment()
    assert set(variables) <= {"PYTHONPATH", "OPENBLAS_NUM_THREADS", "PYTHONHOME", "PYTHONUSERBASE", "HOME", "LD_LIBRARY_PATH"}


@seccomp
def test_the_processes_of_the_pool_are_locked():
    decoders = DecoderPool(1)
    decoders.decode(png_bytes(ramp()))
    with open(f"/proc/{decoders._idle.queue[0].pid}/status", encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    decoders.close()
    assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")


def test_the_command_reports_each_attempt(monkeypatch, capsys):
    monkeypatch.setattr(
        protections_module, "probe_protections", lambda: Protections(("seccomp",), {"fork": True, "read a file": True})
    )
    assert main(["protections"]) == 0
    assert capsys.readouterr().out.splitlines() == ["locks\tseccomp", "fork\trefused", "read a file\trefused"]
    monkeypatch.setattr(protections_module, "probe_protections", lambda: Protections((), {"fork": True, "read a file": False}))
    assert main(["protections"]) == 1
    output = capsys.readouterr().out
    assert "locks\tnone" in output
    assert "read a file\tPOSSIBLE" in output
