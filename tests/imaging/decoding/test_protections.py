"""What a process that decodes cannot do: tried in one of its kind, and read off a real one."""

import os
import subprocess
import sys

import pytest
from makers import png_bytes, ramp

from pneumo.cli.main import main
from pneumo.imaging.decoding import protections as trying
from pneumo.imaging.decoding.pool import Decoders, environment
from pneumo.imaging.decoding.protections import Protections, protections
from pneumo.imaging.decoding.sandbox import landlock_version

linux = pytest.mark.skipif(sys.platform != "linux", reason="locks of Linux")
landlock = pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock, or it is switched off")
seccomp = pytest.mark.skipif(not os.path.exists("/proc/sys/kernel/seccomp"), reason="this kernel has no seccomp")
ATTEMPTS = {
    "start a program", "fork", "signal the app", "read the app's environment", "open a TCP connection", "send a UDP packet",
    "create a file", "rename a file", "read a file", "delete a file",
}  # fmt: skip


def tried(prepare: str) -> dict[str, bool]:
    """What comes of the attempts in a process that prepares by the code `prepare`."""
    module = f"import runpy; runpy.run_module({trying.__name__!r}, run_name='__main__')"
    code = f"from pneumo.imaging.decoding import sandbox, worker\n{prepare}\n{module}"
    run = subprocess.run

    def replaced(command, **settings):
        return run([sys.executable, "-c", code, *command[4:]], **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trying.subprocess, "run", replaced)
        return protections().refused


@seccomp
@landlock
def test_nothing_is_possible_where_both_locks_hold():
    found = protections()
    assert found.locks == (f"landlock {landlock_version()}", "seccomp")
    assert found.refused == dict.fromkeys(ATTEMPTS, True)


@seccomp
def test_nothing_is_possible_with_seccomp_alone():
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
def test_the_attempts_work_where_nothing_stops_them():
    """Else "refused" would mean nothing. Without locks the limits hold alone, of these that on processes, for all but root."""
    refused = tried("worker.lock = lambda readable: ()")
    assert {attempt for attempt, stopped in refused.items() if stopped} <= {"fork", "start a program"}
    assert set(refused) == ATTEMPTS


@linux
def test_a_process_that_decodes_has_nothing_of_the_apps_environment(monkeypatch):
    monkeypatch.setenv("PNEUMO_STOW_PASSWORD", "secret")
    decoders = Decoders(1)
    decoders.decode(png_bytes(ramp()))
    with open(f"/proc/{decoders._idle.queue[0].pid}/environ", encoding="utf-8") as file:
        held = dict(line.split("=", 1) for line in file.read().split("\0") if line)
    decoders.close()
    assert held == environment()
    assert set(held) <= {"PYTHONPATH", "OPENBLAS_NUM_THREADS", "PYTHONHOME", "PYTHONUSERBASE", "HOME", "LD_LIBRARY_PATH"}


@seccomp
def test_the_processes_of_the_pool_are_locked():
    decoders = Decoders(1)
    decoders.decode(png_bytes(ramp()))
    with open(f"/proc/{decoders._idle.queue[0].pid}/status", encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    decoders.close()
    assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")


def test_the_command_names_what_is_possible(monkeypatch, capsys):
    monkeypatch.setattr(trying, "protections", lambda: Protections(("seccomp",), {"fork": True, "read a file": True}))
    assert main(["protections"]) == 0
    assert capsys.readouterr().out.splitlines() == ["locks\tseccomp", "fork\trefused", "read a file\trefused"]
    monkeypatch.setattr(trying, "protections", lambda: Protections((), {"fork": True, "read a file": False}))
    assert main(["protections"]) == 1
    shown = capsys.readouterr().out
    assert "locks\tnone" in shown
    assert "read a file\tPOSSIBLE" in shown
