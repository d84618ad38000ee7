"""The same pages through the same proxy by watcher, urlwatch, webchanges and changedetection.io.

    python -m benchmarks.peers [PAGES] [TARGETS]       # 0 PAGES: peak memory alone

Each of the others runs as a program of its own, from an environment of its own that is built once (pinned in
``benchmarks/peers``), in a network namespace in which there is nothing but loopback: some of them ask the world for
updates. What its start-up costs is in it for those that run once and end; watcher and changedetection.io go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import venv
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, Protocol, Self, TypeVar

from benchmarks.checking import Checker, at_a_time
from benchmarks.report import Part, median, reached
from benchmarks.serving import SERVING, Served
from tests.props.ports import free_ports

PINS = Path(__file__).parent / "peers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "watcher-benchmarks"
AT_ONCE = 20
WEIGHED = "that of a program and all the processes that it starts, together; what they share counts once."
WARM = {"watcher": 24}
"""Rounds that are not counted: what reads a page is being confirmed, and has to see each counter move (the slowest does
at every seventh load). Others are at their usual from the second on."""
ROUNDS = 3
LONGEST_SECONDS = 900.0
STALLED_SECONDS = 15.0
NEW_NETWORK = 0x40000000
"""CLONE_NEWNET, linux/sched.h."""


T = TypeVar("T")


class Round(NamedTuple):
    cpu_seconds: float
    seconds: float
    peak_bytes: int
    disk_bytes: int


class Tool(Protocol):
    def round(self) -> Round:
        """Every page once."""


# ------------------------------------------------------------------------------------------------------------ memory


class Memory:
    """The most memory that a program and all that it starts hold at a time, looked at twenty times a second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def most(self) -> int:
        """The bytes, once it is looked at no more."""
        self._done.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self._most = max(self._most, held(self._pid))


def held(pid: int) -> int:
    """Bytes in memory of a process and all its descendants: of these, what they share with none (their libraries are
    those of the first)."""
    total = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        total = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        waiting = _children(pid)
        while waiting:
            child = waiting.pop()
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                lines = Path(f"/proc/{child}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024
                waiting += _children(child)
    return total


def _children(pid: int) -> list[int]:
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for one in lists for child in one.split()]


# ------------------------------------------------------------------------------------------------------- the others


class Once:
    """A program that looks at all its pages, and ends."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self._folder, self._command = folder, command

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def round(self) -> Round:
        began = time.monotonic()
        nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
        program = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder,
            env={"HOME": str(self._folder), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore", **nowhere},
        )  # fmt: skip
        watching = Memory(program.pid)
        _, _, used = os.wait4(program.pid, 0)
        program.returncode = 0
        peak = watching.most()
        return Round(used.ru_utime + used.ru_stime, time.monotonic() - began, peak, _disk(self._folder))


def urlwatch(folder: Path, proxy: str, urls: list[str]) -> Once:
    """urlwatch: a list of jobs, a cache."""
    jobs = "---\n".join(f"url: {url}\nhttp_proxy: {proxy.replace('socks5:', 'socks5h:')}\n" for url in urls)
    (folder / "jobs.yaml").write_text(jobs, encoding="utf-8")
    (folder / "hooks.py").write_text("", encoding="utf-8")
    (folder / "config.yaml").write_text("report:\n  stdout:\n    enabled: true\n", encoding="utf-8")
    where = ["--urls", "jobs.yaml", "--config", "config.yaml", "--hooks", "hooks.py", "--cache", "cache.db"]
    return Once(folder, [str(_program("urlwatch", "urlwatch")), *where])


def webchanges(folder: Path, proxy: str, urls: list[str]) -> Once:
    """webchanges: the same, its successor."""
    jobs = "---\n".join(f"url: {url}\nhttp_proxy: {proxy.replace('socks5:', 'socks5h:')}\n" for url in urls)
    (folder / "jobs.yaml").write_text(jobs, encoding="utf-8")
    (folder / "config.yaml").write_text("report:\n  stdout:\n    enabled: true\n", encoding="utf-8")
    where = ["--jobs", "jobs.yaml", "--config", "config.yaml", "--database", "snapshots.db"]
    return Once(folder, [str(_program("webchanges", "webchanges")), *where])


class ChangeDetection:
    """changedetection.io: a server that is told over its API to look at everything again."""

    def __init__(self, folder: Path, proxy: str, urls: list[str]) -> None:
        self._folder, self._urls = folder, urls
        self._port = free_ports(1)[0]
        proxies = {"socks": {"label": "socks", "url": proxy.replace("socks5:", "socks5h:")}}
        (folder / "proxies.json").write_text(json.dumps(proxies), encoding="utf-8")

    def __enter__(self) -> Self:
        settings = {
            "DISABLE_VERSION_CHECK": "true", "ALLOW_IANA_RESTRICTED_ADDRESSES": "true", "FETCH_WORKERS": "10",
            "MINIMUM_SECONDS_RECHECK_TIME": "0", "LOGGER_LEVEL": "CRITICAL", "HOME": str(self._folder),
            "PATH": os.environ["PATH"],
        }  # fmt: skip
        self._program = subprocess.Popen(
            [str(_program("changedetection", "changedetection.io")), "-d", str(self._folder), "-h", "127.0.0.1",
             "-p", str(self._port)],
            env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._key = self._wait_for_key()
        examples = self._ask("GET", "watch")
        assert isinstance(examples, dict)
        for uuid in examples:
            self._ask("DELETE", f"watch/{uuid}")
        for url in self._urls:
            self._ask("POST", "watch", {"url": url, "proxy": "socks", "time_between_check": {"weeks": 50}})
        self._wait(0.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()
        self._program.wait()

    def round(self) -> Round:
        began, before, now, watching = time.monotonic(), self._cpu(), time.time(), Memory(self._program.pid)
        time.sleep(1.1)  # its clock has seconds
        self._ask("GET", "watch?recheck_all=1")
        self._wait(now)
        peak = watching.most()
        return Round(self._cpu() - before, time.monotonic() - began - 1.1, peak, _disk(self._folder))

    def _wait_for_key(self) -> str:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for path in self._folder.glob("*.json"):
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    found = json.loads(path.read_text(encoding="utf-8"))
                    key = found["settings"]["application"]["api_access_token"]
                    with contextlib.suppress(OSError):
                        self._key = str(key)
                        self._ask("GET", "systeminfo")
                        return str(key)
            time.sleep(0.5)
        raise RuntimeError("changedetection.io did not start")

    def _wait(self, since: float) -> None:
        until, looked, asked = time.monotonic() + LONGEST_SECONDS, -1, time.monotonic()
        while time.monotonic() < until:
            watches = self._ask("GET", "watch")
            assert isinstance(watches, dict)
            done = sum(one["last_checked"] > since for one in watches.values())
            if done >= len(self._urls):
                return
            if done > looked:
                looked, asked = done, time.monotonic()
            elif time.monotonic() - asked > STALLED_SECONDS:  # it drops what it is asked while it tidies up
                asked = time.monotonic()
                self._ask("GET", "watch?recheck_all=1")
            time.sleep(1.0)
        raise RuntimeError("changedetection.io did not look at everything in time")

    def _ask(self, method: str, path: str, said: object = None) -> object:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/api/v1/{path}", method=method,
            data=None if said is None else json.dumps(said).encode(),
            headers={"x-api-key": self._key, "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def _cpu(self) -> float:
        words = Path(f"/proc/{self._program.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")


# ----------------------------------------------------------------------------------------------------------- watcher


def _watch(folder: Path, proxy: str, urls: list[str], pipe: Connection) -> None:
    async def run() -> None:
        async with Checker.open(proxy, urls, folder) as checker:
            number = 0

            async def check(url: str) -> None:
                await checker.check(url, f"-{number}")

            while await asyncio.to_thread(pipe.recv):
                number += 1
                began = time.monotonic()
                spent = await at_a_time(AT_ONCE, check, urls)
                took = time.monotonic() - began
                with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as ledger:
                    ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what is in the log only is no lasting size
                pipe.send((spent * len(urls) / 1000, took, _disk(folder)))

    asyncio.run(run())


class Watcher:
    """What ``watcher run`` visits with, in a process of its own."""

    def __init__(self, folder: Path, proxy: str, urls: list[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_watch, args=(folder, proxy, urls, there))

    def __enter__(self) -> Self:
        self._process.start()
        assert self._process.pid
        SERVING.add(self._process.pid)
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send(False)
        self._process.join(30)

    def round(self) -> Round:
        assert self._process.pid
        watching = Memory(self._process.pid)
        self._pipe.send(True)
        cpu_seconds, seconds, disk_bytes = self._pipe.recv()
        return Round(cpu_seconds, seconds, watching.most(), disk_bytes)


# ------------------------------------------------------------------------------------------------------------- tools

TOOLS = {"watcher": Watcher, "urlwatch": urlwatch, "webchanges": webchanges, "changedetection.io": ChangeDetection}


def _program(pins: str, name: str) -> Path:
    return CACHE / pins / "bin" / name


def prepare() -> None:
    """The other programs' environments, built if they are not there."""
    for pins in ("urlwatch", "webchanges", "changedetection"):
        folder = CACHE / pins
        wanted = (PINS / f"{pins}.txt").read_text(encoding="utf-8")
        done = folder / "pins.txt"
        if done.exists() and done.read_text(encoding="utf-8") == wanted:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "-r", str(PINS / f"{pins}.txt")]
        subprocess.run(command, check=True)
        done.write_text(wanted, encoding="utf-8")


def only_loopback() -> None:
    """From here on this process, and all that it starts, has no network but loopback. OSError if that cannot be."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "a network namespace cannot be had: run as root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# ----------------------------------------------------------------------------------------------------------- measure


class Found(NamedTuple):
    cpu_ms: float
    rate: float
    disk: float


def _rounds(name: str, served: Served, mode: str) -> Found:
    """What a check costs: the median of some rounds."""
    with (
        tempfile.TemporaryDirectory() as temporary,
        TOOLS[name](Path(temporary), served.proxy, served.urls(mode)) as tool,
    ):
        for _ in range(WARM.get(name, 2)):
            last = tool.round()
        found = []
        for _ in range(ROUNDS):
            now = tool.round()
            found.append(Found(
                now.cpu_seconds / len(served.hosts) * 1000, len(served.hosts) / now.seconds,
                (now.disk_bytes - last.disk_bytes) / len(served.hosts),
            ))  # fmt: skip
            last = now
    return Found(*(median([one[at] for one in found]) for at in range(3)))


def _memory(name: str, served: Served) -> int:
    with (
        tempfile.TemporaryDirectory() as temporary,
        TOOLS[name](Path(temporary), served.proxy, served.urls("still")) as tool,
    ):
        tool.round()
        return tool.round().peak_bytes


def _told(name: str, what: str, found: T) -> T:
    """What was found, said at once: all of it takes half an hour."""
    print(f"{name}, {what}: {found}", file=sys.stderr, flush=True)
    return found


def _limits(still: dict[str, Found], moving: dict[str, Found], peaks: dict[str, int]) -> Iterator[str]:
    for name, same, other in (("webchanges", 10, 10), ("changedetection.io", 10, 10), ("urlwatch", 5, 2.5)):
        for what, found, least in (("unchanged", still, same), ("changed", moving, other)):
            ratio = found[name].cpu_ms / found["watcher"].cpu_ms
            yield f"- {what}: ≥ {least} × less CPU than {name}: {reached(ratio, least, least=True)} ({ratio:.1f} ×)"
    for name in ("urlwatch", "webchanges", "changedetection.io"):
        share = peaks["watcher"] / peaks[name]
        yield f"- peak memory below {name}'s: {reached(share, 1.0)} ({share:.2f} of it)"
    yield f"- unchanged check ≤ 400 B on disk: {reached(still['watcher'].disk, 400)} ({still['watcher'].disk:.0f} B)"


def measure_memory(targets: int) -> Part:
    """What many targets take, and nothing else."""
    peaks = _peaks(targets)
    return Part(
        title=f"Peak memory at {targets:,} targets, pages of 10 kB",
        columns=("", "peak memory", "watcher's share of it"),
        rows=[(name, f"{peak / 1e6:.0f} MB", f"{peaks['watcher'] / peak:.2f}") for name, peak in peaks.items()],
        notes=(WEIGHED,),
    )


def _peaks(targets: int) -> dict[str, int]:
    with Served(targets, page_bytes=10_000) as many:
        return {name: _told(name, "peak memory", _memory(name, many)) for name in TOOLS}


def measure(pages: int = 200, targets: int = 2000) -> Part:
    """The table."""
    prepare()
    only_loopback()
    if not pages:
        return measure_memory(targets)
    with Served(pages) as served:
        still = {name: _told(name, "still", _rounds(name, served, "still")) for name in TOOLS}
        moving = {name: _told(name, "moving", _rounds(name, served, "moving")) for name in TOOLS}
    peaks = _peaks(targets)
    return Part(
        title=f"{pages} pages of 50 kB through one proxy, by four programs",
        columns=(
            "", "CPU ms, unchanged", "CPU ms, changed", "checks/s, unchanged", "checks/s, changed",
            "bytes, unchanged", "bytes, changed", f"peak memory, {targets:,} targets",
        ),
        rows=[
            (
                name, f"{still[name].cpu_ms:.2f}", f"{moving[name].cpu_ms:.2f}", f"{still[name].rate:.0f}",
                f"{moving[name].rate:.0f}", f"{still[name].disk:,.0f}", f"{moving[name].disk:,.0f}",
                f"{peaks[name] / 1e6:.0f} MB",
            )
            for name in TOOLS
        ],
        notes=(
            f"Peak memory is measured on pages of 10 kB: {WEIGHED}",
            "On the changed page counters, clock and nonce move. Once watcher has seen where, it reads one such check "
            "in 16; the median of the rounds shows the others.",
            "",
            *_limits(still, moving, peaks),
        ),
    )  # fmt: skip


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])).markdown())
