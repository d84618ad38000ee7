"""What this machine says about its own time: so that a capture's clock can be doubted later, and by how much; and what
this process asks of it."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_MMAP_THRESHOLD, _TRIM_THRESHOLD, _ARENA_MAX = -3, -1, -8
"""mallopt(3)."""
_TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""


class _Timex(ctypes.Structure):
    """``struct timex`` up to the estimated errors, with room for the rest (adjtimex(2))."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    ]


def collect_seldom(after: int = 20_000) -> None:
    """From now on, look for rings of garbage only after so many new things: a visit's records die by themselves, and
    the rosters that are gone through each time live long. It was a fifth of what a visit to a changed page costs."""
    gc.freeze()
    gc.set_threshold(after, 20, 20)


def give_back_large_blocks() -> bool:
    """From now on a freed block above 256 KiB goes back to the system at once, and all others share one heap; whether
    the C library can do that. By itself glibc moves that border up to the largest block that was ever freed, and then
    keeps pages of 16 MiB for good; and each thread has a heap with holes of its own."""
    try:
        set_option = _c_library().mallopt
    except (AttributeError, OSError):
        return False
    return all(
        [set_option(_MMAP_THRESHOLD, 256 << 10), set_option(_TRIM_THRESHOLD, 4 << 20), set_option(_ARENA_MAX, 1)]
    )


def give_back_holes() -> None:
    """What is free between blocks in use goes back to the system, as far as the C library can do that: some
    milliseconds."""
    with suppress(AttributeError, OSError):
        _c_library().malloc_trim(0)


@functools.cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


@functools.cache
def boot_id() -> str:
    """This boot's id, which ties readings of the monotonic clock together; empty where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether there is such a process on this machine."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid > 0


def clock_facts() -> dict[str, str | int | float]:
    """What ``_ask_kernel`` found within the last second."""
    asked, facts = _asked
    now = time.monotonic()
    if not facts or now - asked >= 1.0:
        facts = _ask_kernel()
        _asked[:] = now, facts
    return dict(facts)


_asked: list[Any] = [0.0, {}]
"""When the kernel was asked, and what it said."""


def _ask_kernel() -> dict[str, str | int | float]:
    """``clock_state``: ``synchronised``, ``unsynchronised`` or ``unknown``; and, where the kernel says so, by how many
    microseconds at most the clock is wrong."""
    try:
        timex = _Timex()
        state = _c_library().adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return {"clock_state": "unknown"}
    if state < 0:  # some sandboxes forbid even asking
        return {"clock_state": "unknown"}
    return {
        "clock_state": "unsynchronised" if state == _TIME_ERROR else "synchronised",
        "clock_max_error_microseconds": timex.maxerror,
    }
