"""What a worker gives up before it reads anything: network, new processes, writing files, memory and time without end.

Each fence is tried and none is relied on alone: limits and the audit hook hold everywhere; the network namespace and
the system-call filter where the kernel has them. ``enter`` says which ones stand.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from typing import Any

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 4, 38, 22
SECCOMP_MODE_FILTER = 2
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

# classic BPF (linux/filter.h) and what a filter answers (linux/seccomp.h)
LOAD, JUMP_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
OFFSET_NUMBER, OFFSET_ARCH, OFFSET_ARGUMENT = 0, 4, 16
"""In ``struct seccomp_data``; an argument takes eight bytes, the low half first."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

REFUSED = {
    "x86_64": (
        0xC000003E,
        {"socket": 41, "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50,
         "socketpair": 53, "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "rename": 82, "mkdir": 83, "rmdir": 84,
         "creat": 85, "link": 86, "unlink": 87, "symlink": 88, "chmod": 90, "chown": 92, "ptrace": 101, "mount": 165,
         "init_module": 175, "add_key": 248, "keyctl": 250, "mkdirat": 258, "unlinkat": 263, "renameat": 264,
         "linkat": 265, "symlinkat": 266, "fchmodat": 268, "unshare": 272, "accept4": 288, "perf_event_open": 298,
         "open_by_handle_at": 304, "sendmmsg": 307, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
         "renameat2": 316, "memfd_create": 319, "bpf": 321, "execveat": 322, "userfaultfd": 323, "kill": 62,
         "tkill": 200, "tgkill": 234, "pidfd_send_signal": 424, "io_uring_setup": 425, "clone3": 435, "openat2": 437,
         "pidfd_getfd": 438},
        {"open": (2, 1), "openat": (257, 2)},
    ),
    "aarch64": (
        0xC00000B7,
        {"mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38, "mount": 40, "fchmodat": 53,
         "unshare": 97, "init_module": 105, "ptrace": 117, "kill": 129, "tkill": 130, "tgkill": 131, "socket": 198,
         "socketpair": 199, "bind": 200, "listen": 201, "accept": 202, "connect": 203, "sendto": 206, "sendmsg": 211,
         "add_key": 217, "keyctl": 219, "clone": 220, "execve": 221, "perf_event_open": 241, "accept4": 242,
         "open_by_handle_at": 265, "setns": 268, "sendmmsg": 269, "process_vm_readv": 270, "process_vm_writev": 271,
         "renameat2": 276, "memfd_create": 279, "bpf": 280, "execveat": 281, "userfaultfd": 282,
         "pidfd_send_signal": 424, "io_uring_setup": 425, "clone3": 435, "openat2": 437, "pidfd_getfd": 438},
        {"openat": (56, 2)},
    ),
}  # fmt: skip
"""By machine: its number (linux/audit.h), calls refused, and calls refused if the argument with that index asks to
write. ``clone3`` and ``openat2`` hide their arguments behind a pointer, so they are refused whole."""

FORBIDDEN_EVENTS = (
    "socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.", "ctypes.dlopen",
    "os.kill", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.chown",
    "shutil.", "tempfile.", "urllib.", "http.", "smtplib.", "ftplib.", "sqlite3.", "webbrowser.",
)  # fmt: skip


def enter(memory_bytes: int) -> tuple[str, ...]:
    """Put every fence up that there is; the names of those that stand. There is no way back."""
    limit(memory_bytes)
    standing = ["limits"]
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        if libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0:
            standing.append("network-namespace")
        if filter_calls(program_for(platform.machine())):
            standing.append("system-call-filter")
    sys.addaudithook(_refuse)
    standing.append("audit-hook")
    return tuple(standing)


def limit(memory_bytes: int) -> None:
    """No more memory than this, no core dump, no growing file, few open files."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))


def allow_cpu(seconds: int) -> None:
    """From now on, so much processor time; then the kernel ends the process with SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def resident_bytes() -> int:
    """Memory that this process holds now; 0 where the system does not say. (``ru_maxrss`` counts the parent's, too.)"""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
    if writes or event.startswith(FORBIDDEN_EVENTS):
        raise PermissionError(f"a page reader does not do {event}")


def filter_calls(program: bytes) -> bool:
    """Whether the kernel took the system-call filter, for this process and all its children."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or not program:
        return False
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, padding, and where they are
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header), 0, 0) == 0)


def program_for(machine: str) -> bytes:
    """The filter, as instructions of classic BPF; empty for a machine that we do not know the numbers of."""
    if machine not in REFUSED:
        return b""
    arch, calls, writers = REFUSED[machine]
    steps = [
        (LOAD, 0, 0, OFFSET_ARCH),
        (JUMP_EQUAL, 1, 0, arch),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, OFFSET_NUMBER),
    ]
    for number in sorted(calls.values()):
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    for number, argument in writers.values():
        steps += [
            (JUMP_EQUAL, 0, 4, number),
            (LOAD, 0, 0, OFFSET_ARGUMENT + 8 * argument),
            (JUMP_ANY_BIT, 0, 1, WRITING),
            (RETURN, 0, 0, REFUSE),
            (RETURN, 0, 0, ALLOW),
        ]
    # the x32 numbers of x86-64 are another door to the same calls
    if machine == "x86_64":
        steps += [(JUMP_ANY_BIT, 0, 1, 0x40000000), (RETURN, 0, 0, REFUSE)]
    return assembled(steps)


def assembled(steps: Iterable[tuple[int, int, int, int]]) -> bytes:
    """A filter that allows what none of the steps decides on, as the kernel takes it."""
    return b"".join(struct.pack("@HBBI", *step) for step in (*steps, (RETURN, 0, 0, ALLOW)))
