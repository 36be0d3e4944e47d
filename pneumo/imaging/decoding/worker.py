"""The decoding process, started and watched by `pool`: `python -m pneumo.imaging.decoding.worker MEMORY SECONDS [PIPE]`.

It receives files on standard input and answers on standard output (protocol.py). Memory and time are limited, and files,
network and other processes are out of reach (sandbox.py; tested by `python -m pneumo protections`). Output of decoders is
discarded, because it may quote the file.
"""

import codecs
import contextlib
import importlib
import os
import sys
from pathlib import Path

from pneumo.imaging.decoding.decode import decode_or_refuse
from pneumo.imaging.decoding.lifeline import kill_with_parent, time_limit
from pneumo.imaging.decoding.protocol import receive_bytes, send
from pneumo.imaging.decoding.sandbox import lock
from pneumo.memory import FEW_BLOCKS, collect_and_overwrite, freeze_garbage_collector
from pneumo.paths import HOME, PACKAGE

_IMPORTED_LATE = ("pneumo.imaging.decoding.dicom", "libjpeg", "openjpeg", "rle", "PIL.TiffImagePlugin")  # the last reads EXIF
_OPEN_FILES = 64  # far more than decoding from memory needs
_GRACE = 5.0  # seconds: normally the app ends a slow decode and says why; this process ends itself only if the app did not


def main(memory: int, seconds: float, pipe: int | None = None) -> None:
    """Decode files until the app closes the pipe. `memory` (bytes) and `seconds` limit each image; `pipe`: see lifeline."""
    incoming = os.fdopen(os.dup(0), "rb", buffering=0)  # a buffer would keep part of the file
    outgoing = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    prepare(memory, pipe)
    while (data := receive_bytes(incoming)) is not None:
        with time_limit(seconds + _GRACE):
            result = decode_or_refuse(data)
        send(outgoing, result)
        del data, result  # keep nothing of the file while waiting for the next one
        collect_and_overwrite(FEW_BLOCKS)


def prepare(memory: int, pipe: int | None = None) -> tuple[str, ...]:
    """Load libraries, set limits and lock this process before it reads untrusted bytes. Returns the locks (see sandbox)."""
    _load()
    freeze_garbage_collector()
    collect_and_overwrite(FEW_BLOCKS)  # so that the C functions it calls are looked up before the locks
    if pipe is not None:
        kill_with_parent(pipe)
    _limit(memory)
    return lock([PACKAGE, *(Path(folder) for folder in sys.path if Path(folder) != HOME)])


def _load() -> None:
    """Import what decoding would import on first use: after the locks, that may be impossible."""
    sys.modules["requests"] = None  # type: ignore[assignment]  # pydicom imports it to download examples: a third of the time
    for module in _IMPORTED_LATE:
        with contextlib.suppress(ImportError):  # without one of them, only the files that need it are refused
            importlib.import_module(module)
    from cv2 import setNumThreads
    from PIL import Image
    from pydicom.charset import python_encoding

    Image.preinit()  # loads JPEG and a few other formats
    setNumThreads(1)  # the locks forbid a second thread
    for encoding in set(python_encoding.values()):
        codecs.lookup(encoding)


def _limit(memory: int) -> None:
    """Set resource limits, which this process cannot raise again. Windows has none of them: only the time limit applies there."""
    if sys.platform == "win32":
        return
    import resource

    limits = {
        resource.RLIMIT_AS: _mapped() + memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,  # a core dump would contain the image
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_NPROC: 0,  # no further process or thread; root is exempt
    }
    for name, value in limits.items():
        hard = resource.getrlimit(name)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(name, (value, value))
        except (OSError, ValueError):  # macOS has RLIMIT_AS but refuses to set it
            continue


def _mapped() -> int:
    """Bytes of address space in use before any image; 1 GB where /proc is missing."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 1 << 30


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:]))
