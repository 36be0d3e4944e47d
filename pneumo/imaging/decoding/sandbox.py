"""Linux sandbox: permanently deny this process access to files, the network and other processes, with Landlock and seccomp.

Uses the system calls directly: the Landlock wrappers on PyPI are drafts or only months old, and the only libseccomp wrapper
with wheels has had no release since 2021. Kernel documentation: userspace-api/landlock, userspace-api/seccomp_filter.

Landlock (Linux 5.13) limits which paths can be opened; older versions of it forbid less. seccomp limits the system calls to
ALLOWED: calls that compute, use memory, and read or write files that are already open. All others fail as if they did not
exist, including those of future kernels. Neither lock can be removed, so code in a hostile image is bound by them too.
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
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # Landlock version: its number of file rights; 16 since version 5
_TCP = 0b11  # bind, connect; since version 4
_SCOPES = 0b11  # abstract Unix sockets, signals to others; since version 6

_NO_NEW_PRIVILEGES = 38  # prctl
_SET_FILTER, _ALL_THREADS = 1, 1  # seccomp
_MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}  # table column, AUDIT_ARCH, seccomp's call number
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # classic BPF instructions of a seccomp filter
_CALL, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_MISSING, _FORBIDDEN = 38, 13  # ENOSYS, which libraries handle as on a kernel without the call; EACCES

# Name: (number on x86_64, number on aarch64). None of them opens a file; `stat` and the like only tell whether a path exists.
ALLOWED = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "lseek": (8, 62),
    "close": (3, 57), "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291), "stat": (4, None), "lstat": (6, None),
    "getdents64": (217, 61), "getcwd": (79, 17),
    "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226), "madvise": (28, 233), "brk": (12, 214),
    "futex": (202, 98), "membarrier": (324, 283),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "getcpu": (309, 168),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101),
    "gettimeofday": (96, 169), "setitimer": (38, 103),
    "getrusage": (98, 165), "sysinfo": (99, 179), "getrandom": (318, 278), "getpid": (39, 172), "gettid": (186, 178),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "restart_syscall": (219, 128), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
_OPENING = {"open": (2, None, 1), "openat": (257, 56, 2)}  # the last number: index of the flags argument
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def lock(readable: Iterable[Path]) -> tuple[str, ...]:
    """Lock this process and return the locks in force, for example ("landlock 7", "seccomp").

    With Landlock, files below `readable` can still be read, so that libraries can import modules later. Without it, no file can
    be opened. Call it while the process has a single thread: Landlock binds only the calling thread.
    """
    version = restrict_files(readable)
    landlock = (f"landlock {version}",) if version else ()
    return (*landlock, *(("seccomp",) if restrict_calls(opening=bool(version)) else ()))


def restrict_files(readable: Iterable[Path]) -> int:
    """Allow only reading below `readable`; deny TCP and signals to other processes. Returns Landlock's version, 0 if not locked."""
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
    """Deny all system calls but ALLOWED and, with `opening`, opening files for reading. Returns whether the filter is in force."""
    column, machine, number = _MACHINES.get(platform.machine(), (0, 0, 0))
    if sys.platform != "linux" or not machine or struct.calcsize("P") != 8:
        return False
    program = _filter(column, machine, opening)
    code = ctypes.create_string_buffer(program, len(program))
    sock_fprog = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    return _no_new_privileges() and _call(number, _SET_FILTER, _ALL_THREADS, sock_fprog) == 0


def landlock_version() -> int:
    """Landlock's version in this kernel; 0 if missing or disabled."""
    return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION)) if sys.platform == "linux" else 0


def _filter(column: int, machine: int, opening: bool) -> bytes:
    """The seccomp filter as 8-byte instructions: operation, instructions to skip if true, to skip if false, operand."""
    program = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),  # another machine's calls have other numbers
        (_LOAD, 0, 0, _CALL),
    ]
    for *numbers, flags in _OPENING.values():
        if (number := numbers[column]) is not None:
            program += [
                (_EQUAL, 0, 4, number),
                (_LOAD, 0, 0, _ARGUMENTS + 8 * flags),
                (_ANY_BIT, 0, 1, _WRITING),
                (_RETURN, 0, 0, _ERROR | _FORBIDDEN),
                (_RETURN, 0, 0, _ALLOW if opening else _ERROR | _FORBIDDEN),
            ]
    for known in ALLOWED.values():
        if (number := known[column]) is not None:
            program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    program.append((_RETURN, 0, 0, _ERROR | _MISSING))
    return b"".join(struct.pack("=HBBI", *step) for step in program)


def _allow_reading(rules: int, path: Path) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # sys.path names some folders that do not exist
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
    """Set PR_SET_NO_NEW_PRIVS, which both locks require: no later program may gain more rights than this process."""
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    return bool(ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, one, none, none, none) == 0)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """Call Linux system call `number`; -1 if it fails."""
    values = (ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments)
    syscall = ctypes.CDLL(None).syscall
    syscall.restype = ctypes.c_long
    return int(syscall(ctypes.c_long(number), *values))
