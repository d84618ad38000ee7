"""Ten thousand targets, each every minute, in one process: how late visits start, what it costs, what a target weighs.

python -m benchmarks.lateness [TARGETS] [SECONDS] [EVERY]

Twice, in a process of its own each: from nothing, measured once every site was seen three times; and started again on
the store that the first one left, measured at once. With the usual numbers it takes about seven minutes.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks.checking import Checker, cpu_seconds, site_of
from benchmarks.report import Part, reached
from benchmarks.serving import Served
from watcher.edge.feed import HeapFeed, HeapLease
from watcher.records import Site
from watcher.watch import Outside, Watch

LEARNED = 6
"""Looks at a page that stays the same, until it is one of those that are known again."""


class Found(NamedTuple):
    """What was seen of one process."""

    rate: float
    p50: float
    p99: float
    processors: float
    check: float
    weight: float
    settled: float


class Timed(HeapFeed):
    """A feed that notes how late each visit starts."""

    def __init__(self) -> None:
        super().__init__()
        self.late_by: list[float] = []
        self.visits = 0
        self._since: dict[str, float] = {}

    def plan(self, site: str, wait_seconds: float) -> None:
        self._since[site] = asyncio.get_running_loop().time() + wait_seconds
        super().plan(site, wait_seconds)

    def landed(self, site: str, wait_seconds: float) -> None:
        self._since[site] = asyncio.get_running_loop().time() + wait_seconds
        super().landed(site, wait_seconds)

    async def leases(self, most: int) -> Sequence[HeapLease]:
        found = await super().leases(most)
        now = asyncio.get_running_loop().time()
        self.late_by += [now - self._since[lease.site] for lease in found]
        self.visits += len(found)
        return found


class Plan(NamedTuple):
    """What one process is to do."""

    folder: Path
    proxy: str
    urls: list[str]
    every: timedelta
    before: int
    """Visits before it is measured."""
    seconds: int
    visits: int
    """Visits before it ends."""


async def _watch(plan: Plan) -> Found:
    async with Checker.open(plan.proxy, plan.urls, plan.folder) as checker:
        await checker.check(plan.urls[0])
        gc.collect()
        before = _resident()

        async def well() -> None:
            return None

        async def finish(*_: object) -> tuple[()]:
            return ()

        feed = Timed()
        watch = Watch(checker.means, checker.store, Outside(well=well, finish=finish), feed=feed)
        sites = [Site(name=site_of(url), mirrors=(url,), every=plan.every) for url in plan.urls]
        stop = asyncio.Event()
        running = asyncio.create_task(watch.run(sites, stop))
        began = time.monotonic()
        await _until(feed, plan.before, running)
        settled = time.monotonic() - began
        feed.late_by.clear()
        cpu, began = cpu_seconds(), time.monotonic()
        await asyncio.sleep(plan.seconds)
        late, took, spent = sorted(feed.late_by), time.monotonic() - began, cpu_seconds() - cpu
        gc.collect()
        weight = (_resident() - before) / len(plan.urls)
        await _until(feed, plan.visits, running)
        stop.set()
        await running
    return Found(
        rate=len(late) / took,
        p50=late[len(late) // 2],
        p99=late[int(len(late) * 0.99)],
        processors=spent / took,
        check=spent / len(late) * 1000,
        weight=weight,
        settled=settled,
    )


async def _until(feed: Timed, visits: int, running: asyncio.Task[None]) -> None:
    """Wait until so many visits were begun."""
    while feed.visits < visits and not running.done():  # noqa: ASYNC110 - nobody signals it
        await asyncio.sleep(1)
    if running.done():
        await running  # it raises what ended it


def _process(plan: Plan, pipe: Connection) -> None:
    pipe.send(asyncio.run(_watch(plan)))


def _in_a_process(plan: Plan) -> Found:
    context = multiprocessing.get_context("spawn")
    pipe, there = context.Pipe()
    process = context.Process(target=_process, args=(plan, there))
    process.start()
    there.close()  # if it dies, nobody waits for it
    found: Found = pipe.recv()
    process.join()
    return found


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def measure(targets: int = 10_000, seconds: int = 60, every: int = 60) -> Part:
    """The table."""
    with Served(targets, page_bytes=3_000) as served, tempfile.TemporaryDirectory() as temporary:
        plan = Plan(
            folder=Path(temporary),
            proxy=served.proxy,
            urls=served.urls("still"),
            every=timedelta(seconds=every),
            before=3 * targets,
            seconds=seconds,
            visits=(LEARNED + 1) * targets,
        )
        cold = _in_a_process(plan)
        again = _in_a_process(plan._replace(before=0, visits=0))
    both = (cold, again)
    return Part(
        title=f"{targets:,} targets every {every} s in one process, pages of 3 kB",
        columns=("", "from nothing", "started again"),
        rows=(
            ("visits a second", *(f"{one.rate:.0f}" for one in both)),
            ("started late, p50", *(f"{one.p50:.3f} s" for one in both)),
            ("started late, p99", *(f"{one.p99:.3f} s" for one in both)),
            ("processors used, readers included", *(f"{one.processors:.2f}" for one in both)),
            ("CPU a check", *(f"{one.check:.2f} ms" for one in both)),
            ("memory a target", *(f"{one.weight / 1024:.1f} KiB" for one in both)),
            ("measured after so long", *(f"{one.settled:.0f} s" for one in both)),
        ),
        notes=(
            "From nothing every site is seen three times first. Started again, on the store that was left, nothing is "
            "waited for; what is late is what came due while nobody watched, too.",
            "",
            *(
                f"- {name}: p99 < 5 s: {reached(one.p99, 5)} ({one.p99:.2f} s); one core: "
                f"{reached(one.processors, 1.0)}; ≤ 6 KiB a target: {reached(one.weight, 6 * 1024)} "
                f"({one.weight / 1024:.1f} KiB, all caches included)"
                for name, one in zip(("from nothing", "started again"), both, strict=True)
            ),
        ),
    )


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])).markdown())
