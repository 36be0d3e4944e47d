"""Linux: this process gives up files, the network and other processes, for good, by Landlock and seccomp.

Written on the system calls themselves: on PyPI the wrappers of Landlock are drafts or some months old, and the one of
libseccomp with wheels has not moved since 2021. Kernel documentation: userspace-api/landlock, userspace-api/seccomp_filter.

Landlock (Linux 5.13) says which paths may be reached; a kernel that knows less of it forbids less. seccomp says which system
calls are answered: those of ALLOWED, which compute, use memory and read or write what is open already. All others do not exist for
the process, so neither do those of later kernels. What a process of ours cannot do after `lock`, the code of a hostile
image cannot either, and neither lock can be taken off.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # Landlock's system calls, the same numbers everywhere
_ASK_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights to files a version of Landlock knows; 16 since version 5
_TCP = 0b11  # bind, connect; since version 4
_SCOPES = 0b11  # abstract Unix sockets, signals to others; since version 6

_NO_NEW_PRIVILEGES = 38  # prctl
_SET_FILTER, _ALL_THREADS = 1, 1  # seccomp
_MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}  # column of the tables; AUDIT_ARCH; seccomp's number
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # of the classic BPF that a filter is written in
_CALL, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in what it looks at
_YES, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_MISSING, _FORBIDDEN = 38, 13  # ENOSYS: libraries know calls that a kernel lacks, and do without; EACCES

# Name: number on x86_64, on aarch64. None reaches what is not open yet; `stat` and its kin only tell whether a path is there.
ALLOWED = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "close": (3, 57),
    "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291), "stat": (4, None), "lstat": (6, None), "lseek": (8, 62),
    "getdents64": (217, 61), "getcwd": (79, 17), "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "brk": (12, 214), "futex": (202, 98), "membarrier": (324, 283), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "getcpu": (309, 168), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "gettimeofday": (96, 169), "setitimer": (38, 103),
    "getrusage": (98, 165), "sysinfo": (99, 179), "getrandom": (318, 278), "getpid": (39, 172), "gettid": (186, 178),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "restart_syscall": (219, 128), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
_OPENING = {"open": (2, None, 1), "openat": (257, 56, 2)}  # the last: which argument holds the flags
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def lock(readable: Iterable[Path]) -> tuple[str, ...]:
    """Forbid this process all that computing on what it has does not need. Gives the locks that hold: "landlock 7", "seccomp".

    Files below `readable` may still be read where Landlock holds, so that a library can load a part late; without it no file can be
    opened at all. To be called while the process has one thread: Landlock binds the one that calls it.
    """
    files = restrict_files(readable)
    return (*((f"landlock {files}",) if files else ()), *(("seccomp",) if restrict_calls(opening=bool(files)) else ()))


def restrict_files(readable: Iterable[Path]) -> int:
    """No path but those below `readable`, and read only; no TCP, no signal to others. Gives Landlock's version, or 0."""
    version = landlock_version()
    if not version or _threads() != 1:
        return 0
    rights = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    handled = struct.pack("=QQQ", rights, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    rules = _call(_CREATE_RULESET, handled, len(handled), 0)
    if rules < 0:
        return 0
    try:
        for path in readable:
            _allow_reading(rules, path)
        return version if _no_new_privileges() and _call(_RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def restrict_calls(opening: bool) -> bool:
    """No system call but ALLOWED and, where `opening`, opening a file to read it. Whether that holds."""
    column, machine, number = _MACHINES.get(platform.machine(), (0, 0, 0))
    if sys.platform != "linux" or not machine or struct.calcsize("P") != 8:
        return False
    program = _filter(column, machine, opening)
    code = ctypes.create_string_buffer(program, len(program))
    given = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))  # struct sock_fprog
    return _no_new_privileges() and _call(number, _SET_FILTER, _ALL_THREADS, given) == 0


def landlock_version() -> int:
    """Of this kernel; 0 where it has none, or it is switched off."""
    return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION)) if sys.platform == "linux" else 0


def _filter(column: int, machine: int, opening: bool) -> bytes:
    """The seccomp filter, as instructions of 8 bytes: operation, steps to skip if true, if false, operand."""
    program = [
        (_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _KILL),  # another machine's calls have other numbers
        (_LOAD, 0, 0, _CALL),
    ]  # fmt: skip
    for *numbers, flags in _OPENING.values():
        if (number := numbers[column]) is not None:
            program += [
                (_EQUAL, 0, 4, number), (_LOAD, 0, 0, _ARGUMENTS + 8 * flags), (_ANY_BIT, 0, 1, _WRITING),
                (_RETURN, 0, 0, _ERROR | _FORBIDDEN), (_RETURN, 0, 0, _YES if opening else _ERROR | _FORBIDDEN),
            ]  # fmt: skip
    for known in ALLOWED.values():
        if (number := known[column]) is not None:
            program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _YES)]
    program.append((_RETURN, 0, 0, _ERROR | _MISSING))
    return b"".join(struct.pack("=HBBI", *step) for step in program)


def _allow_reading(rules: int, path: Path) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # Python's own list of folders names some that are not there
        return
    try:
        rights = _READ_FILE | (_READ_DIR if path.is_dir() else 0)
        _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, folder), 0)
    finally:
        os.close(folder)


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


def _no_new_privileges() -> bool:
    """Both locks ask for it: no program started later may have more rights than this process."""
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    return bool(ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, one, none, none, none) == 0)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """A system call of Linux; -1 where it fails."""
    given = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    syscall = ctypes.CDLL(None).syscall
    syscall.restype = ctypes.c_long
    return int(syscall(ctypes.c_long(number), *given))
