"""Runs a program that can make no internet socket: the kernel refuses it, whatever the program tries.

``python -m watcher.edge.offline PROGRAM ARGUMENT…``. The filter stays with the program and all its children.
"""

from __future__ import annotations

import errno
import os
import platform
import socket
import sys

from watcher.edge.sandbox import (
    ALLOW,
    JUMP_EQUAL,
    LOAD,
    OFFSET_ARCH,
    OFFSET_ARGUMENT,
    OFFSET_NUMBER,
    REFUSED,
    RETURN,
    assembled,
    filter_calls,
)

NO_SUCH_FAMILY = 0x00050000 | errno.EAFNOSUPPORT
FAMILIES = (socket.AF_INET, socket.AF_INET6)
OTHER_DOORS = ("io_uring_setup",)
"""Calls by which a socket could be had without asking for one."""


def cut_off() -> bool:
    """Whether this process, and whatever it becomes, can make no internet socket any more."""
    return sys.platform == "linux" and filter_calls(_filter(platform.machine()))


def _filter(machine: str) -> bytes:
    """The filter as classic BPF; empty for a machine whose numbers are not known."""
    if machine not in REFUSED:
        return b""
    arch, calls, _ = REFUSED[machine]
    steps = [(LOAD, 0, 0, OFFSET_ARCH), (JUMP_EQUAL, 1, 0, arch), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, OFFSET_NUMBER)]
    for name in OTHER_DOORS:
        steps += [(JUMP_EQUAL, 0, 1, calls[name]), (RETURN, 0, 0, NO_SUCH_FAMILY)]
    steps += [(JUMP_EQUAL, 1, 0, calls["socket"]), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, OFFSET_ARGUMENT)]
    for family in FAMILIES:
        steps += [(JUMP_EQUAL, 0, 1, int(family)), (RETURN, 0, 0, NO_SUCH_FAMILY)]
    return assembled(steps)


if __name__ == "__main__":
    cut_off()
    os.execv(sys.argv[1], sys.argv[1:])
