"""The process that reads untrusted bytes: `python -m pneumo.imaging.decoding_child MEMORY`. Started and watched by `decoders`.

It gets files on standard input and gives pictures on standard output (see wire.py). It may write no file and start no process,
and has so much memory; what a decoder prints goes nowhere, for it may quote the file.
"""

import os
import sys

from pneumo.imaging.decoded import decode_whole
from pneumo.imaging.wire import receive_bytes, send
from pneumo.memory import FEW, let_go, set_aside

_OPEN_FILES = 64  # far more than reading an image from memory needs


def main(memory: int) -> None:
    """Answer until the other side closes the pipe. `memory`: bytes that one image may take."""
    incoming = os.fdopen(os.dup(0), "rb", buffering=0)  # a buffer would keep the beginning of the file
    outgoing = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    set_aside()
    _limit(memory)
    while (data := receive_bytes(incoming)) is not None:
        send(outgoing, decode_whole(data))
        del data  # while it waits for the next file it has none
        let_go(FEW)


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
    main(int(sys.argv[1]))
