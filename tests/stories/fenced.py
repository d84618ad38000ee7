"""Runs a command behind the calls that docs/watcher.service allows: ``python -m tests.stories.fenced UNIT COMMAND …``

The kernel refuses what systemd would have it refuse (libseccomp, which systemd itself uses, knows the numbers), and
memory that can be written is never run.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM


def group(name: str) -> set[str]:
    """The calls of one of systemd's groups."""
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True
    ).stdout
    found: set[str] = set()
    for word in (line.strip() for line in said.splitlines()[1:]):
        if word and not word.startswith("#"):
            found |= group(word) if word.startswith("@") else {word}
    return found


def allowed(unit: str) -> set[str]:
    """The calls that a unit allows: its lines add and take away in their order (systemd.exec, SystemCallFilter)."""
    calls = group("@default")
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        for word in line.removeprefix("~").split():
            named = group(word) if word.startswith("@") else {word}
            calls = calls - named if line.startswith("~") else calls | named
    return calls


def fence(calls: set[str]) -> None:
    """Refuse all other calls from now on."""
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    seccomp.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    seccomp.seccomp_load.argtypes = [ctypes.c_void_p]
    filtered = seccomp.seccomp_init(REFUSE)
    for name in sorted(calls):
        if (number := seccomp.seccomp_syscall_resolve_name(name.encode())) >= 0:
            seccomp.seccomp_rule_add(filtered, ALLOW, number, 0)
    libc.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # kernels before 6.3 know no such thing, and go on without
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if seccomp.seccomp_load(filtered):
        sys.exit("the kernel takes no system-call filter")


if __name__ == "__main__":
    fence(allowed(Path(sys.argv[1]).read_text(encoding="utf-8")))
    os.umask(0o077)
    os.execvp(sys.argv[2], sys.argv[2:])
