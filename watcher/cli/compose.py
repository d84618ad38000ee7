"""The composition root: the one place where the parts that touch the world are built and put together."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from watcher.config import Settings
from watcher.core.mirrors import host_of
from watcher.core.note import parse_key
from watcher.edge import acts, trouble
from watcher.edge.deliver import Delivery
from watcher.edge.descriptor import Descriptors
from watcher.edge.feed import HeapFeed
from watcher.edge.fetch import SocksFetcher
from watcher.edge.guard import Guard
from watcher.edge.live import Live
from watcher.edge.notify import sinks
from watcher.edge.pauses import Heeding
from watcher.edge.proxy import check_proxy, proxy_of, resolve
from watcher.edge.reader import WorkerReader
from watcher.edge.replay import recover
from watcher.edge.search_backfill import at_leisure
from watcher.edge.sign import SigningKey, load_key
from watcher.edge.store import LedgerStore
from watcher.edge.tend import Tending
from watcher.edge.timestamp import Authorities, Stamper
from watcher.edge.tors import Reached, reaching
from watcher.edge.witness import Witness, Witnesses
from watcher.errors import ProxyError, StoreFull, WatcherError
from watcher.look import Means, Retrieve, ShortWay, Visited
from watcher.ports import Reader, Sink, Store
from watcher.records import Site
from watcher.watch import Outside, Watch
from watcher.web.beside import served

if TYPE_CHECKING:
    from watcher.cli.fleet import Fleet

LEAST_ROOM = 8 << 20
"""Free bytes with which watching goes on after the disk was full."""
STOP_SECONDS = 9.0
"""From the signal to the end, at most."""
LEAST_LAST_SECONDS = 0.5
"""For alerts, however little of that is left."""
OUT, LOG = 1, 2
"""Standard output, and where the log goes."""


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Everything that a watcher is made of, put together."""

    settings: Settings
    """As it was started."""
    watch: Watch
    delivery: Delivery
    tending: Tending
    fetcher: SocksFetcher
    means: Means
    store: LedgerStore
    key: SigningKey
    fleet: Fleet | None
    """None: it works alone."""
    heeding: Heeding
    """Of what is paused."""
    reached: Reached
    """The proxies in earnest, and the tors of our own among them."""

    async def renew(self, settings: Settings) -> tuple[str, ...]:
        """Go on with other settings; what of them waits for the next start."""
        kept, old = settings.proxy.urls, self.settings
        self.fetcher.allow([*hosts_of_sites(old.sites), *hosts_of_sites(settings.sites)])
        self.reached.widen(settings)
        await self.delivery.use(await sinks_of(settings, self.reached.proxy.urls))
        means = replace(
            self.means, policy=settings.policy, timeout=settings.proxy.timeout, watchlist=settings.watchlist
        )
        await self.watch.use(settings.sites, means, settings.proxy.isolate)
        if self.fleet:
            self.fleet.use(settings.sites)
        await log_opening(self.store, self.key, settings, old.vantage)
        pairs = {
            "[watcher] vantage": (old.vantage, settings.vantage),
            "[watcher] store": (old.store, settings.store),
            "[watcher] key": (old.key, settings.key),
            "[proxy] url": (old.proxy.urls, kept),
            "[proxy] max_body": (old.proxy.max_body, settings.proxy.max_body),
            "[proxy] tors": (old.proxy.tors, settings.proxy.tors),
            "[proxy] bridges": (old.proxy.bridges, settings.proxy.bridges),
            "[proxy] torrc": (old.proxy.torrc, settings.proxy.torrc),
            "[timestamp]": (old.timestamp, settings.timestamp),
            "[web]": (old.web, settings.web),
            "[fleet]": (old.fleet, settings.fleet),
        }
        return tuple(name for name, (before, after) in pairs.items() if before != after)


@asynccontextmanager
async def watching(settings: Settings, on_visit: Callable[[Visited], None]) -> AsyncIterator[Watching]:
    """The watcher that the settings describe, behind its guard. Raises ProxyError if the proxy is no use, StoreError if
    the store or the key is not."""
    key = load_key(settings.key)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        opened = LedgerStore.open(settings.store, vantage=settings.vantage, bodies=settings.bodies)
        store = await stack.enter_async_context(opened)
        reached = await stack.enter_async_context(reaching(settings))
        proxy = reached.proxy
        fetcher = await stack.enter_async_context(
            SocksFetcher(proxy.urls, hosts_of_sites(settings.sites), max_body=proxy.max_body, usable=reached.check)
        )
        guard = stack.enter_context(Guard().arm((*fetcher.proxies, *reached.controls)))
        await one_proxy_answers(proxy.urls)
        reader = await stack.enter_async_context(WorkerReader())
        live = Live(fetcher, store, clock)
        means = means_of(settings, live, store, reader, short=ShortWay(store=store))
        delivery = Delivery(store, key, clock)
        stack.push_async_callback(delivery.dismiss)
        await delivery.use(await sinks_of(settings, proxy.urls))
        await log_opening(store, key, settings, settings.vantage)
        if proxy.control is not None:
            guard.allow(proxy.control)
        tending = tending_of(replace(settings, proxy=proxy), store, key)
        fleet = _fleet(settings, store, key)
        if fleet:
            guard.allow(*fleet.addresses)

        feed = fleet.feed if fleet else HeapFeed()
        heeding = fleet.heeding if fleet else Heeding(settings.store, [key.verifier], feed.pause)

        def visited(visit: Visited) -> None:
            if visit.events:
                delivery.soon()
                tending.soon()
                if fleet:
                    fleet.shipper.soon()
            on_visit(visit)

        async def well() -> None:
            has_room(settings.store)
            reached.well()
            await one_proxy_answers(proxy.urls)

        watch = Watch(
            means,
            store,
            Outside(well=well, finish=partial(recover, store), cut_short=live.cut_short),
            feed=feed,
            isolate=settings.proxy.isolate,
            proxies=len(proxy.urls),
            on_visit=visited,
        )
        yield Watching(
            settings=settings,
            watch=watch,
            delivery=delivery,
            tending=tending,
            fetcher=fetcher,
            means=means,
            store=store,
            key=key,
            fleet=fleet,
            heeding=heeding,
            reached=reached,
        )


def _fleet(settings: Settings, store: LedgerStore, key: SigningKey) -> Fleet | None:
    if settings.fleet is None:
        return None
    from watcher.cli.fleet import fleet_of  # a third of a second to import, and who works alone needs none of it

    return fleet_of(settings, settings.fleet, store, key)


async def log_opening(store: LedgerStore, key: SigningKey, settings: Settings, vantage: str) -> None:
    """Leaves for what is new: the key, the program, the configuration."""
    with trouble.told(settings.path):
        config = settings.path.read_bytes()
    await acts.opening(store, key, config=config, vantage=vantage, now=SystemClock().now())


async def sinks_of(settings: Settings, urls: Sequence[str]) -> tuple[Sink, ...]:
    """The places that are told of events; services are reached through the proxies at these addresses."""
    return sinks(settings.alerts, proxies=[await resolve(proxy_of(url)) for url in urls])


def tending_of(settings: Settings, store: LedgerStore, key: SigningKey) -> Tending:
    """The upkeep of the custody log that the settings ask for."""
    timestamp, proxies = settings.timestamp, settings.proxy.urls
    authorities = Authorities(urls=timestamp.authorities, roots=timestamp.roots, proxies=proxies)
    witnesses = [Witness(url=url, key=parse_key(vkey)) for url, vkey in timestamp.witnesses]
    onions = [host for host in dict.fromkeys(hosts_of_sites(settings.sites)) if host.endswith(".onion")]
    clock = SystemClock()
    return Tending(
        store,
        Stamper(store, authorities, key, clock),
        Witnesses(store, witnesses, key, proxies),
        Descriptors(store, onions, settings.proxy.control, settings.vantage, clock),
    )


def means_of(
    settings: Settings, retrieve: Retrieve, store: Store, reader: Reader, *, short: ShortWay | None = None
) -> Means:
    """What a visit works with."""
    return Means(
        retrieve=retrieve,
        store=store,
        reader=reader,
        clock=SystemClock(),
        policy=settings.policy,
        vantage=settings.vantage,
        timeout=settings.proxy.timeout,
        watchlist=settings.watchlist,
        short=short,
    )


def hosts_of_sites(sites: Sequence[Site]) -> tuple[str, ...]:
    """The only hosts that may ever be asked."""
    return tuple(host_of(mirror) for site in sites for mirror in site.mirrors)


async def one_proxy_answers(urls: Sequence[str]) -> None:
    """Nothing, as soon as one of the proxies can be used. Raises ProxyError if none can."""
    tasks = [asyncio.create_task(check_proxy(url)) for url in urls]
    try:
        for trying in asyncio.as_completed(tasks):
            with suppress(ProxyError):
                await trying
                return
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        task.result()  # raises


def has_room(store: Path) -> None:
    """Nothing, if pages can be kept. Raises StoreFull."""
    with trouble.told(store):
        free = shutil.disk_usage(store).free
    if free < LEAST_ROOM:
        raise StoreFull(f"no room left to write in {store}", hint=trouble.ROOM)


async def run(settings: Settings, on_visit: Callable[[Visited], None], reload: Callable[[], Settings | None]) -> None:
    """The long-running process: until SIGTERM or SIGINT; SIGHUP reads the file again, or ends it with its terminal."""
    loop, stop, renew = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, on_hangup(stop.set, renew.set))
    async with watching(settings, on_visit) as parts, served(settings):
        log = structlog.get_logger("watcher")
        log.info("watching", sites=len(settings.sites), store=str(settings.store), vantage=settings.vantage)
        parts.heeding.look()  # what is paused is not looked at even once
        deadline = asyncio.create_task(_time_of(stop))
        beside = [
            asyncio.create_task(work)
            for work in (
                parts.delivery.run(),
                parts.tending.run(),
                parts.heeding.run(parts.store, settings.vantage),
                _renew(parts, renew, reload),
                at_leisure(parts.store, parts.means.reader),
                *(parts.fleet.work() if parts.fleet else ()),
            )
        ]
        try:
            await _until_ready(parts.reached, stop)
            await parts.watch.run(settings.sites, stop)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        await parts.delivery.close(max(LEAST_LAST_SECONDS, await deadline + STOP_SECONDS - loop.time()))


def on_hangup(stop: Callable[[], None], reload: Callable[[], None]) -> Callable[[], None]:
    """What SIGHUP means from now on: stop, where the terminal of the log was closed; else reload, as daemons do."""
    had = os.isatty(LOG)

    def hung_up() -> None:
        if not had or os.isatty(LOG):
            reload()
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)  # a line to a closed terminal would be an error of its own
        for stream in (OUT, LOG):
            os.dup2(nowhere, stream)
        os.close(nowhere)
        stop()

    return hung_up


async def _until_ready(reached: Reached, stop: asyncio.Event) -> None:
    """Return once the proxies can be used, or all is to stop, or it takes long: then the watch tells, and waits."""
    waits = [asyncio.create_task(reached.ready()), asyncio.create_task(stop.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def _time_of(event: asyncio.Event) -> float:
    """When the event came, on the loop's clock."""
    await event.wait()
    return asyncio.get_running_loop().time()


async def _renew(parts: Watching, asked: asyncio.Event, reload: Callable[[], Settings | None]) -> None:
    """Read the configuration again whenever it is asked for; a wrong one changes nothing."""
    log = structlog.get_logger("watcher")
    while True:
        await asked.wait()
        asked.clear()
        renewed = reload()
        if renewed is None:
            continue
        try:
            waits = await parts.renew(renewed)
        except WatcherError as error:
            log.error("configuration not taken up", error=str(error), mend=error.hint)
            continue
        if waits:
            log.warning("takes effect at the next start", keys=", ".join(waits))
