"""The composition root: the one place where the parts that touch the world are built and put together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from watcher.config import Settings
from watcher.core.mirrors import host_of
from watcher.core.note import parse_key
from watcher.edge import acts
from watcher.edge.deliver import Delivery
from watcher.edge.fetch import SocksFetcher
from watcher.edge.guard import Guard
from watcher.edge.ledger import Ledger
from watcher.edge.notify import sinks
from watcher.edge.proxy import check_proxy
from watcher.edge.reader import WorkerReader
from watcher.edge.replay import Sheet, nothing_kept, recover
from watcher.edge.sign import SigningKey, load_key
from watcher.edge.store import LedgerStore
from watcher.edge.tend import Tending
from watcher.edge.timestamp import Authorities, Stamper
from watcher.edge.witness import Witness, Witnesses
from watcher.errors import ProxyError
from watcher.ports import Ask, Fetcher, Origin
from watcher.records import Capture, Site
from watcher.visit import Means, Visited
from watcher.watch import Watch


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Live:
    """Steps 1 and 2 in earnest: asked through the proxy, and on the disk before anything reads it."""

    fetcher: Fetcher
    store: LedgerStore

    async def __call__(self, ask: Ask, origin: Origin) -> tuple[Capture, ...]:
        return await self.store.keep(origin, await self.fetcher.fetch(ask))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Everything that a watcher is made of, put together."""

    watch: Watch
    delivery: Delivery
    fetcher: SocksFetcher
    tending: Tending


@asynccontextmanager
async def watching(settings: Settings, on_visit: Callable[[Visited], None]) -> AsyncIterator[Watching]:
    """The watcher that the settings describe, behind its guard. Raises ProxyError if the proxy is no use, StoreError if
    the store or the key is not."""
    key = load_key(settings.key)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(LedgerStore.open(settings.store, vantage=settings.vantage))
        fetcher = await stack.enter_async_context(
            SocksFetcher(settings.proxy.urls, hosts_of_sites(settings.sites), max_body=settings.proxy.max_body)
        )
        guard = Guard()
        guard.arm(fetcher.proxies)
        stack.callback(guard.disarm)
        await one_proxy_answers(settings)
        reader = WorkerReader()
        stack.push_async_callback(reader.close)
        means = Means(
            retrieve=Live(fetcher, store),
            store=store,
            reader=reader,
            clock=clock,
            policy=settings.policy,
            vantage=settings.vantage,
            timeout=settings.proxy.timeout,
            watchlist=settings.watchlist,
        )
        delivery = Delivery(store, sinks(settings.alerts), key, clock)
        await delivery.prepare()
        await acts.opening(store, key, config=settings.path.read_bytes(), vantage=settings.vantage, now=clock.now())
        await recover(store, means, settings.sites)

        tending = tending_of(settings, store, key)

        def visited(visit: Visited) -> None:
            if visit.events:
                delivery.soon()
                tending.soon()
            on_visit(visit)

        watch = Watch(
            means,
            store,
            isolate=settings.proxy.isolate,
            proxy_answers=lambda: one_proxy_answers(settings),
            on_visit=visited,
        )
        yield Watching(watch=watch, delivery=delivery, fetcher=fetcher, tending=tending)


def tending_of(settings: Settings, store: LedgerStore, key: SigningKey) -> Tending:
    """The upkeep of the custody log that the settings ask for."""
    timestamp, proxies = settings.timestamp, settings.proxy.urls
    authorities = Authorities(urls=timestamp.authorities, roots=timestamp.roots, proxies=proxies)
    witnesses = [Witness(url=url, key=parse_key(vkey)) for url, vkey in timestamp.witnesses]
    return Tending(store, Stamper(store, authorities, key, SystemClock()), Witnesses(store, witnesses, key, proxies))


@asynccontextmanager
async def replay_means(settings: Settings, ledger: Ledger) -> AsyncIterator[Means]:
    """What visits that are told again work with: no proxy, no network, and nothing is kept."""
    reader = WorkerReader()
    try:
        yield Means(
            retrieve=nothing_kept,
            store=Sheet(ledger),
            reader=reader,
            clock=SystemClock(),
            policy=settings.policy,
            vantage=settings.vantage,
            timeout=settings.proxy.timeout,
            watchlist=settings.watchlist,
        )
    finally:
        await reader.close()


def hosts_of_sites(sites: Sequence[Site]) -> tuple[str, ...]:
    """The only hosts that may ever be asked."""
    return tuple(host_of(mirror) for site in sites for mirror in site.mirrors)


async def one_proxy_answers(settings: Settings) -> None:
    """Nothing, if one of the proxies can be used. Raises the last ProxyError if none can."""
    trouble: ProxyError | None = None
    for url in settings.proxy.urls:
        try:
            await check_proxy(url)
        except ProxyError as error:
            trouble = error
        else:
            return
    if trouble:
        raise trouble


async def run(settings: Settings, on_visit: Callable[[Visited], None], reload: Callable[[], Settings | None]) -> None:
    """The long-running process: until SIGTERM or SIGINT; SIGHUP reads the file again."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with watching(settings, on_visit) as parts:
        pending: set[asyncio.Task[None]] = set()

        async def take_up() -> None:
            renewed = reload()
            if renewed is not None:
                parts.fetcher.allow(hosts_of_sites(renewed.sites))
                await parts.watch.use(renewed.sites)

        def on_hangup() -> None:
            task = asyncio.create_task(take_up())
            pending.add(task)
            task.add_done_callback(pending.discard)

        loop.add_signal_handler(signal.SIGHUP, on_hangup)
        beside = [asyncio.create_task(parts.delivery.run()), asyncio.create_task(parts.tending.run())]
        try:
            await parts.watch.run(settings.sites, stop)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await parts.delivery.flush()
