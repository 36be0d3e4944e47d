import subprocess
import sys

import pytest
from memory_search import held, needs_memory

_NAMES = """
import gc
from pneumo import memory
memory.limit_malloc()
memory.freeze_garbage_collector()
letters = [chr(97 + 7 * n * n % 26) for n in range(1, 40)]  # names are computed, so that they are not in the code

class Upload:
    pass

def make(start, end):
    upload = Upload()
    upload.cycle, upload.name = upload, "".join(letters[start:end])
    upload.names = [upload.name + str(n) for n in range(3000)]
    upload.pixels = upload.name.encode() * 4000
    return upload

uploads = [make(*letter_range) for letter_range in ((0, 12), (5, 25), (6, 39))]
"""
_WORDS = ["".join(chr(97 + 7 * n * n % 26) for n in range(1, 40))[start:end].encode() for start, end in ((0, 12), (5, 25), (6, 39))]


@pytest.fixture
def process():
    """A process that holds three fake uploads and executes the lines it is sent."""
    code = (
        _NAMES + "import sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n    exec(line)\n    print('done', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout.readline() == "ready\n"
        yield started
        started.stdin.close()


def do(process, line: str) -> None:
    process.stdin.write(line + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


@needs_memory
def test_freed_memory_is_overwritten(process):
    assert held(process.pid, _WORDS) == set(_WORDS)
    do(process, "uploads.clear()")
    assert held(process.pid, _WORDS) == set(_WORDS)  # reference cycles: freed only by garbage collection
    do(process, "memory.collect_and_overwrite(memory.MANY_BLOCKS)")
    assert held(process.pid, _WORDS) == set()


@needs_memory
def test_memory_in_use_is_unchanged(process):
    do(process, "memory.collect_and_overwrite(memory.MANY_BLOCKS)")
    do(process, "assert uploads[2].names[7] == uploads[2].name + '7' and uploads[2].pixels.decode() == uploads[2].name * 4000")
    assert held(process.pid, _WORDS) == set(_WORDS)
