"""The composition root of an index: what follows a fleet, put together."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import replace

import structlog

from watcher.cli.compose import SystemClock, log_opening, sinks_of, tending_of
from watcher.config import Settings
from watcher.core.agree import Agreement
from watcher.core.fleet_tables import FleetSettings
from watcher.edge.deliver import Delivery
from watcher.edge.guard import Guard
from watcher.edge.index import Index
from watcher.edge.index_feed import Feed
from watcher.edge.index_texts import at_leisure, read_texts
from watcher.edge.nats_link import Link, addresses_of
from watcher.edge.nats_pauses import Messenger
from watcher.edge.pauses import Heeding
from watcher.edge.proxy import proxy_of, resolve
from watcher.edge.reader import WorkerReader
from watcher.edge.sign import load_key
from watcher.edge.tors import reaching
from watcher.errors import UsageError, WatcherError
from watcher.web.beside import served

REACH_SECONDS = 30.0
"""With ``--once``: from the start to the first connection, at most."""
LAST_SECONDS = 3.0
"""For alerts, at the end."""


def rule_of(settings: Settings, fleet: FleetSettings) -> Agreement:
    """When the fleet agrees, by the settings. ``UsageError`` if the index bears a vantage's name."""
    if settings.vantage in fleet.names:
        raise UsageError(
            f'the index is called "{settings.vantage}", as one of the vantages is',
            hint="give it a name, a store and a key of its own: [watcher] vantage, store, key",
        )
    return Agreement(
        index=settings.vantage, agree=fleet.agree, policy=settings.policy, watchlist=tuple(settings.watchlist)
    )


async def follow(settings: Settings, fleet: FleetSettings, *, once: bool) -> None:
    """Take in what the vantages ship, tell what follows, serve the web page: until SIGTERM or SIGINT, or (``once``)
    until all that is in the stream now has been gone through."""
    rule, key = rule_of(settings, fleet), load_key(settings.key)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log = structlog.get_logger("watcher")
    async with AsyncExitStack() as stack:
        tells_services = any(alert.is_service for alert in settings.alerts)
        urls: tuple[str, ...] = ()
        if tells_services or settings.timestamp.authorities or settings.timestamp.witnesses:
            urls = (await stack.enter_async_context(reaching(settings))).proxy.urls
        proxies = [await resolve(proxy_of(url)) for url in urls]
        stack.enter_context(Guard().arm([*addresses_of(fleet), *((proxy.host, proxy.port) for proxy in proxies)]))
        news = asyncio.Event()
        index = await stack.enter_async_context(
            await Index.open(settings.store, fleet.vantages, rule, on_news=news.set, bodies=settings.bodies)
        )
        delivery = Delivery(index.union, key, SystemClock())
        stack.push_async_callback(delivery.dismiss)
        await delivery.use(await sinks_of(settings, urls))
        await log_opening(index.union, key, settings, settings.vantage)
        tending = tending_of(replace(settings, proxy=replace(settings.proxy, urls=urls), sites=()), index.union, key)
        await stack.enter_async_context(served(settings))

        async def tell() -> None:
            while True:
                await news.wait()
                news.clear()
                delivery.soon()
                tending.soon()

        link = Link(fleet, settings.vantage)
        heeding = Heeding(settings.store, fleet.operators, lambda _: None)
        messenger = Messenger(link, fleet, settings.vantage, settings.store, heeding)
        feed = Feed(link, await index.resume_from(), once=once)
        index.on_gap = feed.again
        log.info("following", vantages=len(fleet.vantages), agree=rule.agree, store=str(settings.store))
        reader = await stack.enter_async_context(WorkerReader(workers=1))
        texts = at_leisure(index.union, reader)
        pauses = heeding.run(index.union, settings.vantage), messenger.run()
        beside = [
            asyncio.create_task(work) for work in (link.run(), delivery.run(), tending.run(), tell(), texts, *pauses)
        ]
        following = asyncio.create_task(index.follow(feed.arrivals()))
        try:
            await _until(stop, following, link, once=once)
        finally:
            for task in (following, *beside):
                task.cancel()
            await asyncio.gather(following, *beside, return_exceptions=True)
        if once and not stop.is_set():
            await read_texts(index.union, reader)
        await delivery.close(LAST_SECONDS)


async def _until(stop: asyncio.Event, following: asyncio.Task[None], link: Link, *, once: bool) -> None:
    """Wait for the end that was asked for; raises what ended the following."""
    stopped = asyncio.create_task(stop.wait())
    try:
        if once:
            reached = asyncio.create_task(link.up.wait())
            done, _ = await asyncio.wait(
                {reached, stopped, following}, timeout=REACH_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            reached.cancel()
            if not done:
                what, mend = link.trouble or ("none answers", "is [fleet] servers right, and does one of them run?")
                raise WatcherError(f"no server of the fleet was reached: {what}", hint=mend)
        await asyncio.wait({stopped, following}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
    finally:
        stopped.cancel()
