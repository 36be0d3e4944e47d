import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from makers import NAME, dicom_bytes, jpeg_bytes, png_bytes, ramp
from memory_search import left, middle, needs_memory
from PIL import Image

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decode import Decoded, decode_or_refuse
from pneumo.imaging.decoding.pool import DecoderPool, Limits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


@pytest.fixture
def decoders():
    pool = DecoderPool(2)
    yield pool
    pool.close()


def child_of(decoders: DecoderPool) -> "subprocess.Popen[bytes]":
    """The process that will decode the next file."""
    decoders.decode(png_bytes(ramp()))
    return decoders._idle.queue[-1]


@pytest.mark.parametrize("data", [png_bytes(ramp(300, 200)), dicom_bytes(ramp(300, 200))], ids=["PNG", "DICOM"])
def test_the_child_decodes_as_this_process_does(decoders, data):
    in_child, in_process = decoders.decode(data), decode_or_refuse(data)
    np.testing.assert_array_equal(in_child.radiograph.pixels, in_process.radiograph.pixels)
    np.testing.assert_array_equal(in_child.canonical, in_process.canonical)
    assert in_child.radiograph.facts == in_process.radiograph.facts
    assert (in_child.radiograph.values is None) == (in_process.radiograph.values is None)


def test_refusals_keep_their_class_and_message(decoders):
    for data in (b"", b"GIF89a" * 20, png_bytes(ramp(10, 10)), png_bytes(ramp())[:60]):
        in_child, in_process = decoders.decode(data), decode_or_refuse(data)
        assert isinstance(in_child, ImageError | ImageRejected)
        assert (type(in_child), str(in_child)) == (type(in_process), str(in_process))


def test_concurrent_callers_get_their_own_results(decoders):
    sizes = [(100 + 3 * n, 90 + n) for n in range(12)]
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(decoders.decode, [png_bytes(ramp(*size)) for size in sizes]))
    assert [result.radiograph.pixels.shape for result in results] == [
        decode_or_refuse(png_bytes(ramp(*s))).radiograph.pixels.shape for s in sizes
    ]
    assert decoders._idle.qsize() <= 2


def test_memory_is_limited_and_the_process_survives():
    decoders = DecoderPool(1, Limits(memory=48 << 20))
    child = child_of(decoders)
    refusal = decoders.decode(png_bytes(ramp(4000, 4000)))
    assert isinstance(refusal, ImageError)
    assert "memory" in str(refusal) or "damaged" in str(refusal)
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)
    assert decoders._idle.queue[-1] is child
    decoders.close()


def test_a_hanging_process_is_killed_and_the_next_file_is_read():
    decoders = DecoderPool(1)
    os.kill(child_of(decoders).pid, signal.SIGSTOP)
    decoders._limits = Limits(seconds=0.3)
    refusal = decoders.decode(png_bytes(ramp()))
    assert isinstance(refusal, ImageError)
    assert "took longer than 0 s" in str(refusal)
    decoders._limits = Limits()
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)
    decoders.close()


def test_starting_a_process_does_not_count_as_decoding_time():
    decoders = DecoderPool(1, Limits(seconds=0.1))  # no machine starts a process in that time
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)
    decoders.close()


def test_a_crash_is_an_error_and_the_next_file_is_read(decoders):
    child = child_of(decoders)
    os.kill(child.pid, signal.SIGSTOP)
    threading.Timer(0.2, child.kill).start()
    refusal = decoders.decode(png_bytes(ramp()))
    assert isinstance(refusal, ImageError)
    assert "broke off" in str(refusal)
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)


def test_a_process_that_died_while_idle_is_replaced(decoders):
    child = child_of(decoders)
    child.kill()
    child.wait()
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)


def noisy() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (500, 400)).astype(np.uint8)


def named_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = NAME  # ImageDescription
    return jpeg_bytes(noisy(), exif=exif, comment=NAME.encode())


NAMED = {
    "JPEG": named_jpeg(),
    "DICOM": dicom_bytes(noisy().astype(np.uint16) << 4, BitsStored=12, StudyDescription=NAME),
    "RLE": dicom_bytes(noisy(), "1.2.840.10008.1.2.5"),
}


@needs_memory
@pytest.mark.parametrize("kind", NAMED)
def test_a_decoded_file_leaves_nothing_in_memory(decoders, kind):
    result = decoders.decode(NAMED[kind])
    pieces = {
        "name": NAME.encode(),
        "file": middle(NAMED[kind]),
        "canonical": middle(result.canonical.tobytes()),
        "pixels": middle(result.radiograph.pixels.tobytes()),
    }
    remains = left(decoders._idle.queue[-1].pid, pieces.values())
    assert [name for name, piece in pieces.items() if piece in remains] == []


def test_restart_replaces_an_idle_process(decoders):
    before = child_of(decoders)
    decoders.restart()
    assert before.poll() is not None
    (waiting,) = decoders._idle.queue
    assert waiting.poll() is None
    assert child_of(decoders) is waiting


def test_restart_ends_a_busy_process_after_its_file(decoders):
    busy = child_of(decoders)
    os.kill(busy.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(decoders.decode, png_bytes(ramp()))
        while not decoders._idle.empty():
            time.sleep(0.01)
        decoders.restart()
        os.kill(busy.pid, signal.SIGCONT)
        assert isinstance(future.result(), Decoded)
    assert busy.poll() is not None
    assert busy not in decoders._idle.queue


def test_restart_does_nothing_before_the_first_file(decoders):
    decoders.restart()
    assert decoders._idle.empty()


def test_the_child_writes_neither_files_nor_output(tmp_path):
    """With locks, no file can be opened (test_protections); RLIMIT_FSIZE is 0 everywhere. Output goes to /dev/null."""
    code = (
        "import os, sys; from pneumo.imaging.decoding import worker as child\n"
        "child.receive_bytes = lambda stream: None\n"
        "child.main(1 << 28, 30)\n"
        "os.write(1, b'said'); os.write(2, b'said')\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"with open({str(tmp_path / 'kept')!r}, 'w') as file: file.write('a name')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ended.returncode == 1  # the write failed
    assert (ended.stdout, ended.stderr) == (b"", b"")
    assert [path.read_text() for path in tmp_path.iterdir()] in ([], [""])


def test_children_end_with_their_parent():
    code = (
        "from pneumo.imaging.decoding.pool import shared_pool; import os, sys\n"
        "shared_pool().start(); print(shared_pool()._idle.queue[0].pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).stdout)
    until = time.monotonic() + 20
    while time.monotonic() < until and os.path.exists(f"/proc/{pid}") and _state(pid) != "Z":
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}") or _state(pid) == "Z"


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().split()[2]
    except OSError:
        return "Z"
