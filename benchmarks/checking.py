"""Whole checks as the watcher makes them, and what they cost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.serving import SERVING
from watcher.edge.fetch import SocksFetcher
from watcher.edge.live import Live
from watcher.edge.machine import collect_seldom
from watcher.edge.reader import WorkerReader
from watcher.edge.store import LedgerStore
from watcher.look import Means, ShortWay, Visited
from watcher.ports import Ask
from watcher.records import Policy, Site
from watcher.visit import visit

Task = Callable[[str], Awaitable[None]]


class Clock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class Checker:
    """What ``watcher run`` visits with: its fetcher, its store, its readers."""

    def __init__(self, means: Means, store: LedgerStore, fetcher: SocksFetcher) -> None:
        self.means, self.store, self.fetcher = means, store, fetcher
        self.rounds = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, proxy: str, urls: Sequence[str], folder: Path) -> AsyncIterator[Checker]:
        """With a store in ``folder``."""
        collect_seldom()
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(LedgerStore.open(folder, vantage="bench"))
            fetcher = await stack.enter_async_context(SocksFetcher([proxy], urls))
            reader = WorkerReader()
            stack.push_async_callback(reader.close)
            means = Means(
                retrieve=Live(fetcher, store, Clock()),
                store=store,
                reader=reader,
                clock=Clock(),
                policy=Policy(),
                vantage="bench",
                timeout=timedelta(seconds=90),
                short=ShortWay(store=store),
            )
            yield cls(means, store, fetcher)

    async def check(self, url: str, circuit: str = "") -> Visited:
        """One visit, as ``watch`` makes it: its next time is remembered, too."""
        name = site_of(url)
        site = Site(name=name, mirrors=(url,))
        rest = timedelta(minutes=15)
        visited = await visit(site, site.mirrors, f"{name}-0-bench{circuit}", self.means, rest=rest)
        if visited.same is None:
            await self.store.schedule(name, self.means.clock.now() + rest)
        assert visited.snapshot.verdict == "listing", visited.snapshot
        return visited

    async def fetch(self, url: str, circuit: str = "") -> bytes:
        """A fetch, and nothing else."""
        ask = Ask(url=url, mirror=url, isolation=f"{site_of(url)}-0-bench{circuit}", headers={}, timeout_seconds=90.0)
        return (await self.fetcher.fetch(ask))[-1].response


def site_of(url: str) -> str:
    """A site's name: one for each page."""
    _, _, host, path = url.split("/")
    return f"{host[:12]}-{path}"


def cpu_seconds() -> float:
    """Of this process and all its descendants so far (readers live on: nobody has waited for them yet)."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (
        time.process_time()
        + ended.ru_utime
        + ended.ru_stime
        + sum(_ran(pid) for pid in _children(os.getpid()) if pid not in SERVING)
    )


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _ran(pid: int) -> float:
    """A process with one thread, in nanoseconds."""
    with contextlib.suppress(FileNotFoundError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return 0.0


async def at_a_time(number: int, task: Task, urls: Sequence[str]) -> float:
    """All of them, so many at a time; CPU milliseconds each."""
    waiting = iter(urls)

    async def work() -> None:
        for url in waiting:
            await task(url)

    before = cpu_seconds()
    await asyncio.gather(*(work() for _ in range(number)))
    return (cpu_seconds() - before) / len(urls) * 1000
