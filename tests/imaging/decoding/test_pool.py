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
from pneumo.imaging.decoding.decoded_file import Decoded, decode_whole
from pneumo.imaging.decoding.pool import Decoders, Limits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


@pytest.fixture
def decoders():
    made = Decoders(2)
    yield made
    made.close()


def child_of(decoders: Decoders) -> "subprocess.Popen[bytes]":
    """The process that will be asked next."""
    decoders.decode(png_bytes(ramp()))
    return decoders._idle.queue[-1]


@pytest.mark.parametrize("data", [png_bytes(ramp(300, 200)), dicom_bytes(ramp(300, 200))], ids=["PNG", "DICOM"])
def test_the_child_gives_what_decoding_here_gives(decoders, data):
    there, here = decoders.decode(data), decode_whole(data)
    np.testing.assert_array_equal(there.radiograph.pixels, here.radiograph.pixels)
    np.testing.assert_array_equal(there.canonical, here.canonical)
    assert there.radiograph.facts == here.radiograph.facts
    assert (there.radiograph.values is None) == (here.radiograph.values is None)


def test_refusals_come_back_with_their_kind_and_words(decoders):
    for data in (b"", b"GIF89a" * 20, png_bytes(ramp(10, 10)), png_bytes(ramp())[:60]):
        there, here = decoders.decode(data), decode_whole(data)
        assert isinstance(there, ImageError | ImageRejected)
        assert (type(there), str(there)) == (type(here), str(here))


def test_each_of_many_callers_gets_its_own(decoders):
    sizes = [(100 + 3 * n, 90 + n) for n in range(12)]
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(decoders.decode, [png_bytes(ramp(*size)) for size in sizes]))
    assert [one.radiograph.pixels.shape for one in found] == [
        decode_whole(png_bytes(ramp(*s))).radiograph.pixels.shape for s in sizes
    ]
    assert decoders._idle.qsize() <= 2


def test_memory_is_bounded_and_the_process_lives_on():
    decoders = Decoders(1, Limits(memory=48 << 20))
    child = child_of(decoders)
    refusal = decoders.decode(png_bytes(ramp(4000, 4000)))
    assert isinstance(refusal, ImageError)
    assert "memory" in str(refusal) or "damaged" in str(refusal)
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)
    assert decoders._idle.queue[-1] is child
    decoders.close()


def test_a_process_that_hangs_is_ended_and_the_next_file_is_read():
    decoders = Decoders(1)
    os.kill(child_of(decoders).pid, signal.SIGSTOP)
    decoders._limits = Limits(seconds=0.3)
    refusal = decoders.decode(png_bytes(ramp()))
    assert isinstance(refusal, ImageError)
    assert "took longer than 0 s" in str(refusal)
    decoders._limits = Limits()
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)
    decoders.close()


def test_the_start_of_a_process_is_not_taken_for_a_slow_file():
    decoders = Decoders(1, Limits(seconds=0.1))  # no machine starts one in that time
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)
    decoders.close()


def test_a_process_that_crashes_while_it_reads_is_a_message_and_the_next_file_is_read(decoders):
    child = child_of(decoders)
    os.kill(child.pid, signal.SIGSTOP)
    threading.Timer(0.2, child.kill).start()
    refusal = decoders.decode(png_bytes(ramp()))
    assert isinstance(refusal, ImageError)
    assert "broke off" in str(refusal)
    assert isinstance(decoders.decode(png_bytes(ramp())), Decoded)


def test_a_process_ended_while_it_waited_is_replaced_in_silence(decoders):
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
def test_a_file_that_was_read_leaves_nothing_in_the_process(decoders, kind):
    found = decoders.decode(NAMED[kind])
    pieces = {
        "name": NAME.encode(),
        "file": middle(NAMED[kind]),
        "canonical": middle(found.canonical.tobytes()),
        "pixels": middle(found.radiograph.pixels.tobytes()),
    }
    there = left(decoders._idle.queue[-1].pid, pieces.values())
    assert [name for name, piece in pieces.items() if piece in there] == []


def test_renewed_the_process_that_waits_is_another(decoders):
    before = child_of(decoders)
    decoders.renew()
    assert before.poll() is not None
    (waiting,) = decoders._idle.queue
    assert waiting.poll() is None
    assert child_of(decoders) is waiting


def test_renewed_the_process_that_reads_ends_after_its_file(decoders):
    busy = child_of(decoders)
    os.kill(busy.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(decoders.decode, png_bytes(ramp()))
        while not decoders._idle.empty():
            time.sleep(0.01)
        decoders.renew()
        os.kill(busy.pid, signal.SIGCONT)
        assert isinstance(found.result(), Decoded)
    assert busy.poll() is not None
    assert busy not in decoders._idle.queue


def test_nothing_is_renewed_before_the_first_file(decoders):
    decoders.renew()
    assert decoders._idle.empty()


def test_the_child_writes_no_file_and_says_nothing(tmp_path):
    """Where the system has locks no file can be opened (test_protections); RLIMIT_FSIZE is 0 anywhere. Its streams are nowhere."""
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


def test_children_end_with_the_one_they_work_for():
    code = (
        "from pneumo.imaging.decoding.pool import shared; import os, sys\n"
        "shared().start(); print(shared()._idle.queue[0].pid, flush=True)\n"
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
