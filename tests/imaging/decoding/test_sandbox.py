"""Locked in, decoding goes on as before: every kind of file, with and without Landlock."""

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

from pneumo.imaging.decoding.decoded_file import Decoded, Refusal, decode_whole
from pneumo.imaging.decoding.pool import environment
from pneumo.imaging.decoding.sandbox import ALLOWED, landlock_version

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="locks of Linux")
TESTS = Path(__file__).parents[2]
DAMAGED = 200


def digest(found: Decoded | Refusal) -> str:
    """Of everything that comes of a file."""
    if not isinstance(found, Decoded):
        return str(found)
    pictures = found.radiograph.pixels.tobytes() + found.canonical.tobytes()
    return hashlib.sha256(pictures + repr(found.radiograph.facts).encode()).hexdigest()


def inputs() -> dict[str, bytes]:
    """Each file of the corpus, whole, and some damaged ones, for the ways that errors take."""
    corpus = read_corpus()
    return corpus | {f"{number}": mutant(corpus, 3, number)[1] for number in range(DAMAGED)}


@pytest.mark.parametrize("without", ["", "sandbox.restrict_files = lambda readable: 0"], ids=["all locks", "no Landlock"])
def test_what_is_decoded_is_the_same_and_nothing_is_loaded_late(without):
    code = f"""
import json, sys
sys.path[:0] = {[str(TESTS.parent), str(TESTS)]}
from imaging.decoding.test_sandbox import digest, inputs
from pneumo.imaging.decoding import sandbox, worker
{without}
files = inputs()
locks = worker.prepare(1536 << 20)
loaded = set(sys.modules)
digests = {{name: digest(worker.decode_whole(data)) for name, data in files.items()}}
print(json.dumps([locks, digests, sorted(set(sys.modules) - loaded)]))
"""
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, env=environment())
    locks, there, late = json.loads(ended.stdout)
    assert any("landlock" in lock for lock in locks) == (not without and landlock_version() > 0)
    assert there == {name: digest(decode_whole(data)) for name, data in inputs().items()}
    assert late == []


@pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock, or it is switched off")
def test_a_library_may_load_a_part_late_and_nothing_else_is_read(tmp_path):
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
    ended = subprocess.run([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=TESTS.parent,
                           env=environment())  # fmt: skip
    assert "landlock" in ended.stdout
    assert ended.stdout.endswith("refused\n")


def test_landlock_is_not_said_to_hold_where_a_second_thread_would_be_free():
    code = (
        "import threading; from pneumo.imaging.decoding.sandbox import restrict_files\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start(); print(restrict_files([]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=TESTS.parent)
    assert ended.stdout == "0\n"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the headers of one machine")
def test_the_numbers_are_the_kernels():
    headers = {0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), 1: Path("/usr/include/asm-generic/unistd.h")}
    for column, header in headers.items():
        if not header.exists():
            pytest.skip("the kernel's headers are not installed")
        numbers = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
        numbers.setdefault("newfstatat", numbers.get("fstatat"))  # its name in the tables of new machines
        for name, known in ALLOWED.items():
            assert known[column] is None or numbers[name] == str(known[column]), name
