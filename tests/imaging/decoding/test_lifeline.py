import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from makers import png_bytes, ramp

from pneumo.imaging.decoding.decode import Decoded
from pneumo.imaging.decoding.pool import DecoderPool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
linux = pytest.mark.skipif(
    sys.platform != "linux", reason="killing through a pipe works on Linux only; elsewhere there is the alarm"
)

APP = """
import os, signal, sys, threading, time
sys.path[:0] = {paths}
from makers import png_bytes, ramp
from pneumo.imaging.decoding.pool import DecoderPool
decoders = DecoderPool(1)
decoders.decode(png_bytes(ramp()))
child = decoders._idle.queue[0].pid
os.kill(child, signal.SIGSTOP)  # so that it stays busy with the next file
threading.Thread(target=decoders.decode, args=[png_bytes(ramp())], daemon=True).start()
print(child, flush=True)
time.sleep(600)
"""


def is_there(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_busy_child_ends_with_the_app_however_it_ends(how):
    app = subprocess.Popen([sys.executable, "-c", APP.format(paths=sys.path)], stdout=subprocess.PIPE)
    child = int(app.stdout.readline())
    assert is_there(child)
    app.send_signal(how)
    app.wait()
    until = time.monotonic() + 60
    while is_there(child) and time.monotonic() < until:
        time.sleep(0.05)
    orphaned = is_there(child)
    if orphaned:
        os.kill(child, signal.SIGKILL)
    app.stdout.close()
    assert not orphaned


@linux
def test_a_child_started_after_the_app_ended_exits():
    read, write = os.pipe()
    os.close(write)
    code = f"from pneumo.imaging.decoding.lifeline import kill_with_parent; kill_with_parent({read}); print('lives')"
    ended = subprocess.run([sys.executable, "-c", code], pass_fds=[read], stdout=subprocess.PIPE, check=False)
    os.close(read)
    assert (ended.returncode, ended.stdout) == (1, b"")


def test_a_child_outlives_the_thread_that_started_it():
    """A page's thread ends with its answer."""
    decoders = DecoderPool(1)
    thread = threading.Thread(target=decoders.decode, args=[png_bytes(ramp())])
    thread.start()
    thread.join()
    child = decoders._idle.queue[0]
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)
    assert decoders._idle.queue[0] is child
    decoders.close()


def test_the_child_ends_itself_at_the_time_limit():
    code = (
        "import os, time; from pneumo.imaging.decoding import worker as child\n"
        "from pneumo.imaging.decoding.lifeline import time_limit\n"
        "child._GRACE = 0.0; child.send = lambda stream, result: os._exit(3)\n"
        "child.decode_or_refuse = lambda data: time.sleep(600)\n"
        "child.receive_bytes = lambda stream: b'a file'\n"
        "child.main(1 << 30, 0.2)"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=120)
    assert ended.returncode == -signal.SIGALRM


def test_the_time_limit_does_not_run_between_files():
    code = "import time; from pneumo.imaging.decoding.lifeline import time_limit\nwith time_limit(0.2): pass\ntime.sleep(0.5)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
