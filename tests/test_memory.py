import subprocess
import sys

import pytest
from memory_search import held, needs_memory

_NAMES = """
import gc
from pneumo import memory
memory.limit_malloc()
memory.freeze_garbage_collector()
letters = [chr(97 + 7 * n * n % 26) for n in range(1, 40)]  # no name stands in the code

class Held:
    pass

def made(start, end):
    one = Held()
    one.circle, one.name = one, "".join(letters[start:end])
    one.names = [one.name + str(n) for n in range(3000)]
    one.pixels = one.name.encode() * 4000
    return one

kept = [made(*place) for place in ((0, 12), (5, 25), (6, 39))]
"""
_WORDS = ["".join(chr(97 + 7 * n * n % 26) for n in range(1, 40))[start:end].encode() for start, end in ((0, 12), (5, 25), (6, 39))]


@pytest.fixture
def process():
    """Three X-rays, so to speak, in a process that does what it is told line by line."""
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
def test_what_is_let_go_of_is_written_over(process):
    assert held(process.pid, _WORDS) == set(_WORDS)
    do(process, "kept.clear()")
    assert held(process.pid, _WORDS) == set(_WORDS)  # each holds itself: only looking for circles finds that it is gone
    do(process, "memory.collect_and_overwrite(memory.MANY_BLOCKS)")
    assert held(process.pid, _WORDS) == set()


@needs_memory
def test_what_is_in_use_stays(process):
    do(process, "memory.collect_and_overwrite(memory.MANY_BLOCKS)")
    do(process, "assert kept[2].names[7] == kept[2].name + '7' and kept[2].pixels.decode() == kept[2].name * 4000")
    assert held(process.pid, _WORDS) == set(_WORDS)
