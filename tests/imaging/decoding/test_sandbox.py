"""Decoding gives the same results in the sandbox: every kind of file, with and without Landlock."""

import hashlib
import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.mutate import mutant
from fuzz.seeds import read_corpus

from pneumo.imaging.decoding.decode import Decoded, Refusal, decode_or_refuse
from pneumo.imaging.decoding.pool import environment
from pneumo.imaging.decoding.sandbox import ALLOWED, landlock_version

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="locks of Linux")
TESTS = Path(__file__).parents[2]
DAMAGED = 200


def digest(result: Decoded | Refusal) -> str:
    """Hash of a decoded file, or the text of its refusal."""
    if not isinstance(result, Decoded):
        return str(result)
    pictures = result.radiograph.pixels.tobytes() + result.canonical.tobytes()
    return hashlib.sha256(pictures + repr(result.radiograph.facts).encode()).hexdigest()


def inputs() -> dict[str, bytes]:
    """The files of the corpus, and damaged ones to cover the error paths."""
    corpus = read_corpus()
    return corpus | {f"{number}": mutant(corpus, 3, number)[1] for number in range(DAMAGED)}


@pytest.mark.parametrize("without", ["", "sandbox.restrict_files = lambda readable: 0"], ids=["all locks", "no Landlock"])
def test_the_sandbox_does_not_change_results_and_nothing_is_imported_later(without):
    code = f"""
import json, sys
sys.path[:0] = {[str(TESTS.parent), str(TESTS)]}
from imaging.decoding.test_sandbox import digest, inputs
from pneumo.imaging.decoding import sandbox, worker
{without}
files = inputs()
locks = worker.prepare(1536 << 20)
loaded = set(sys.modules)
digests = {{name: digest(worker.decode_or_refuse(data)) for name, data in files.items()}}
print(json.dumps([locks, digests, sorted(set(sys.modules) - loaded)]))
"""
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, env=environment())
    locks, digests, imported_late = json.loads(ended.stdout)
    assert any("landlock" in lock for lock in locks) == (not without and landlock_version() > 0)
    assert digests == {name: digest(decode_or_refuse(data)) for name, data in inputs().items()}
    assert imported_late == []


@pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock, or it is switched off")
def test_libraries_can_be_imported_later_and_other_files_not_read(tmp_path):
    (tmp_path / "there").write_text("an X-ray")
    code = f"""
from pneumo.imaging.decoding import worker
print(worker.prepare(1 << 30))
import colorsys, wave
try:
    open({str(tmp_path / "there")!r})
except PermissionError:
    print("refused")
"""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=TESTS.parent, env=environment()
    )
    assert "landlock" in ended.stdout
    assert ended.stdout.endswith("refused\n")


def test_landlock_is_not_used_with_a_second_thread():
    code = (
        "import threading; from pneumo.imaging.decoding.sandbox import restrict_files\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start(); print(restrict_files([]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=TESTS.parent)
    assert ended.stdout == "0\n"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the headers of one machine")
def test_system_call_numbers_match_the_kernel_headers():
    headers = {0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), 1: Path("/usr/include/asm-generic/unistd.h")}
    for column, header in headers.items():
        if not header.exists():
            pytest.skip("the kernel's headers are not installed")
        numbers = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
        numbers.setdefault("newfstatat", numbers.get("fstatat"))  # its name in the tables of new machines
        for name, known in ALLOWED.items():
            assert known[column] is None or numbers[name] == str(known[column]), name
