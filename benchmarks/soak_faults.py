"""What may go wrong during a soak: each fault is a context that harms something while it lasts, and mends it after.

Faults at different places happen at the same time; two at one place do not.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from tests.props.stage import Stage
from tests.stories.program import Program, family
from watcher.testing.scene import Break, Fault, FaultKind, Mend

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HOUR, DAY = 3600, 86_400
JUMPS = (HOUR, -HOUR, 30 * DAY, -30 * DAY, 47, -47)
"""The hour is what summer time does to a clock that keeps local time."""
MOST_LIES = 6
"""Requests shown a whole page which says what is not so: a few looks, however late this machine is. An old list
never comes with old own pages: a site put back as a whole is believed, and rightly."""
STORE_BYTES = 512 << 20
LOCKER = """
import sqlite3, sys
ledger = sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None)
ledger.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@dataclass(kw_only=True)
class Harmed:
    """A watcher's folder, and what the soak may do to it."""

    folder: Path
    program: Program | None = None
    """As long as it runs."""
    small_disk: bool = False
    """Whether its store lies on a disk of its own."""

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def clock(self) -> Path:
        """The file from which its clock's error is read."""
        return self.folder / "clock"

    @property
    def before(self) -> list[str]:
        """What stands before the program: file permissions bind root, too, and the clock can be moved."""
        command = []
        if os.geteuid() == 0 and shutil.which("setpriv"):
            command += ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
        if FAKETIME.exists():
            command += [
                "env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={self.clock}", "FAKETIME_CACHE_DURATION=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
            ]  # fmt: skip
        return command


def sweep_clocks() -> None:
    """Takes away what faketime leaves in shared memory of processes that were killed."""
    for path in Path("/dev/shm").glob("*faketime_s*"):
        if not Path(f"/proc/{path.name.rpartition('_')[2]}").exists():
            path.unlink(missing_ok=True)


Place = tuple[str, object]
FaultAt = tuple[str, Place, Callable[[], AbstractContextManager[None]]]
"""A name, where it is, and the fault."""


def catalogue(stage: Stage, harmed: list[Harmed], dice: random.Random) -> list[FaultAt]:
    """All that can go wrong here, in no order; what needs root is left out where we are not."""
    found: list[FaultAt] = [
        ("proxy killed", ("net", 0), lambda: proxy_killed(stage)),
        ("all answers late", ("late", 0), lambda: late(stage, dice)),
    ]
    for site in range(len(stage.mirrors)):
        place = ("site", site)
        found += [
            ("site hangs", place, lambda site=site: hanging(stage, site)),
            ("proxy refuses a site", place, lambda site=site: refused(stage, site, dice)),
            *((f"site: {kind}", place, lambda site=site, kind=kind: broken(stage, site, kind, dice))
              for kind in get_args(FaultKind)),
        ]  # fmt: skip
    for one in harmed:
        disk, itself = ("disk", one.folder), ("process", one.folder)
        found += [
            ("ledger locked", ("ledger", one.folder), lambda one=one: locked(one)),
            ("reader killed", itself, lambda one=one: reader_killed(one)),
            ("process stopped", itself, lambda one=one: stopped(one)),
        ]
        if one.small_disk:
            found.append(("disk full", disk, lambda one=one: full(one)))
        if one.before[:1] == ["setpriv"] or os.geteuid():
            found.append(("store not writable", disk, lambda one=one: not_writable(one)))
        if FAKETIME.exists():
            found.append(("clock jumps", ("clock", one.folder), lambda one=one: clock_jumps(one, dice)))
    return found


# ---------------------------------------------------------------------------------------------------- network, sites


@contextmanager
def proxy_killed(stage: Stage) -> Iterator[None]:
    """Everyone is hung up on, and nobody listens."""
    stage.proxy("stop")
    yield
    stage.proxy("start")


@contextmanager
def late(stage: Stage, dice: random.Random) -> Iterator[None]:
    """Every answer takes its time."""
    stage.delay(dice.uniform(0.2, 1.5))
    yield
    stage.delay(0.0)


@contextmanager
def hanging(stage: Stage, site: int) -> Iterator[None]:
    """The site takes requests and answers none."""
    stage.hang(site)
    yield
    stage.behave(site)


@contextmanager
def refused(stage: Stage, site: int, dice: random.Random) -> Iterator[None]:
    """The proxy says that it cannot lead there, and hangs up on who is there."""
    stage.refuse(site, dice.choice((1, 3, 4, 5, 6, 0xF0, 0xF6)))
    yield
    stage.behave(site)


@contextmanager
def broken(stage: Stage, site: int, kind: FaultKind, dice: random.Random) -> Iterator[None]:
    """The site answers wrongly: on all mirrors or one, always or now and then."""
    hosts = tuple(url.split("/")[2] for url in stage.mirrors[site])
    fault = Fault(
        kind=kind,
        status=dice.choice((404, 429, 500, 502, 503)),
        share=dice.uniform(0.05, 0.95),
        framing=dice.choice(("none", "length", "chunked")),
        back=dice.randint(1, 3),
        hosts=dice.choice(((), (dice.choice(hosts),))),
        details=kind != "old" and dice.random() < 0.7,
        every=dice.choice((1, 1, 2)),
        most=MOST_LIES if kind in ("old", "empty") else 0,
    )
    stage.act(site, Break(fault))
    yield
    stage.act(site, Mend())


# -------------------------------------------------------------------------------------------------- disk and ledger


@contextmanager
def full(one: Harmed) -> Iterator[None]:
    """No room left on the store's disk."""
    ballast = one.store / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(one.store).free)
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(bytes(4096)) == 4096:
            pass
    yield
    ballast.unlink(missing_ok=True)


@contextmanager
def not_writable(one: Harmed) -> Iterator[None]:
    """The folders of the store let nobody write."""
    folders = [one.store, *(path for path in one.store.iterdir() if path.is_dir())] if one.store.exists() else []
    modes = {path: path.stat().st_mode & 0o777 for path in folders}
    for path in folders:
        path.chmod(0o500)
    yield
    for path, mode in modes.items():
        with contextlib.suppress(FileNotFoundError):
            path.chmod(mode)


@contextmanager
def locked(one: Harmed) -> Iterator[None]:
    """Another process holds the ledger's write lock."""
    ledger = one.store / "ledger.db"
    if not ledger.exists():
        yield
        return
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(ledger)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        other.stdout.readline()  # empty where it could not have the lock either
        yield
        assert other.stdin is not None
        other.stdin.close()
        other.wait()


@contextmanager
def mounted(one: Harmed) -> Iterator[None]:
    """A disk of its own for the store while the block lasts, where we may mount one."""
    one.store.mkdir(mode=0o700, parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={STORE_BYTES},mode=700", "watcher-soak", one.store],
        capture_output=True, check=False,
    )  # fmt: skip
    one.small_disk = done.returncode == 0
    try:
        yield
    finally:
        if one.small_disk:
            _run(["umount", "--lazy", str(one.store)])  # who was killed just now may not be gone yet


@contextmanager
def read_only(one: Harmed) -> Iterator[bool]:
    """The store's disk can only be read: whether that could be had (never while a process writes there)."""
    remount = ["mount", "-o", "remount,{}", str(one.store)]
    done = one.small_disk and not _run([part.format("ro") for part in remount])
    try:
        yield done
    finally:
        if done:
            _run([part.format("rw") for part in remount])


def _run(command: list[str]) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode


# ---------------------------------------------------------------------------------------------------- process, clock


@contextmanager
def reader_killed(one: Harmed) -> Iterator[None]:
    """The processes that read pages are killed, as the kernel does when memory runs out."""
    _kill_readers(one)
    yield
    _kill_readers(one)


def _kill_readers(one: Harmed) -> None:
    if one.program is None:
        return
    for pid in family(one.program.process.pid):
        with contextlib.suppress(OSError):
            if b"read_worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


@contextmanager
def stopped(one: Harmed) -> Iterator[None]:
    """The process does not get to run, as on a machine that sleeps."""
    program = one.program
    if program is not None:
        program.send(signal.SIGSTOP)
    yield
    if program is not None:
        program.send(signal.SIGCONT)


@contextmanager
def clock_jumps(one: Harmed, dice: random.Random) -> Iterator[None]:
    """The wall clock is set, and later set right again."""
    set_clock(one, dice.choice(JUMPS))
    yield
    set_clock(one, 0)


def set_clock(one: Harmed, seconds: int) -> None:
    """Let the watcher's wall clock be so much fast."""
    new = one.clock.with_suffix(".new")
    new.write_text(f"{seconds:+d}\n")
    new.replace(one.clock)


def ledger_is_well(one: Harmed) -> bool:
    """Whether SQLite itself finds nothing wrong with the ledger."""
    with contextlib.closing(sqlite3.connect(one.store / "ledger.db")) as ledger:
        return bool(ledger.execute("PRAGMA integrity_check").fetchone()[0] == "ok")
