"""The process that reads untrusted bytes: `python -m pneumo.imaging.decoding.worker MEMORY SECONDS [PIPE]`. Started and watched
by `pool`.

It gets files on standard input and gives pictures on standard output (see wire.py). It has so much memory and time, and no way to
files, network and other processes (see sandbox.py; `python -m pneumo protections` tries them); what a decoder prints goes nowhere,
for it may quote the file.
"""

import codecs
import contextlib
import importlib
import os
import sys
from pathlib import Path

from pneumo.imaging.decoding.decoded_file import decode_whole
from pneumo.imaging.decoding.lifeline import at_most, end_with
from pneumo.imaging.decoding.protocol import receive_bytes, send
from pneumo.imaging.decoding.sandbox import lock
from pneumo.memory import FEW, let_go, set_aside
from pneumo.paths import HOME, PACKAGE

_LATE = ("pneumo.imaging.decoding.dicom", "libjpeg", "openjpeg", "rle", "PIL.TiffImagePlugin")  # the last reads EXIF
_OPEN_FILES = 64  # far more than reading an image from memory needs
_LATER = 5.0  # seconds after which this process ends by itself where the other one, which says why, did not end it


def main(memory: int, seconds: float, pipe: int | None = None) -> None:
    """Answer until the other side closes the pipe. `memory`, `seconds`: what one image may take; `pipe`: see lifeline."""
    incoming = os.fdopen(os.dup(0), "rb", buffering=0)  # a buffer would keep the beginning of the file
    outgoing = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    prepare(memory, pipe)
    while (data := receive_bytes(incoming)) is not None:
        with at_most(seconds + _LATER):
            found = decode_whole(data)
        send(outgoing, found)
        del data, found  # while it waits for the next file it has none
        let_go(FEW)


def prepare(memory: int, pipe: int | None = None) -> tuple[str, ...]:
    """Everything that must be done before the first untrusted byte. Gives the locks that hold (see sandbox)."""
    _load()
    set_aside()
    let_go(FEW)  # what it calls is found now, not behind the locks
    if pipe is not None:
        end_with(pipe)
    _limit(memory)
    return lock([PACKAGE, *(Path(folder) for folder in sys.path if Path(folder) != HOME)])


def _load() -> None:
    """Load what decoding would load where it is first needed: later it may not be possible."""
    sys.modules["requests"] = None  # type: ignore[assignment]  # pydicom loads it to download examples: a third of the time
    for module in _LATE:
        with contextlib.suppress(ImportError):  # where one is not installed, what it would read is refused, and all else is read
            importlib.import_module(module)
    from cv2 import setNumThreads
    from PIL import Image
    from pydicom.charset import python_encoding

    Image.preinit()  # JPEG and a few formats more
    setNumThreads(1)  # a second thread will not be possible
    for encoding in set(python_encoding.values()):
        codecs.lookup(encoding)


def _limit(memory: int) -> None:
    """Limits of the system, none of which this process can lift again. Windows has none of them: there the clock alone guards."""
    if sys.platform == "win32":
        return
    import resource

    limits = {
        resource.RLIMIT_AS: _mapped() + memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,  # a core dump would hold the picture
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_NPROC: 0,  # no further process or thread; root is not held to it
    }
    for name, value in limits.items():
        hard = resource.getrlimit(name)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(name, (value, value))
        except (OSError, ValueError):  # macOS knows RLIMIT_AS and refuses to set it
            continue


def _mapped() -> int:
    """Bytes of address space that the libraries take before any image; 1 GB where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 1 << 30


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:]))
