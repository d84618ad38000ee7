"""One vantage as a process of its own: all of it is real but the pages, which are played.

python -m tests.fleet.vantage PLAN      # a JSON file: see ``Plan``; ends on SIGTERM, and writes how it went
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.props.fakes import HEAD, PlainReader
from watcher.core.fleet_tables import FleetSettings
from watcher.core.note import parse_key
from watcher.edge import acts
from watcher.edge.live import Live
from watcher.edge.nats_feed import FleetFeed
from watcher.edge.nats_link import Link
from watcher.edge.nats_ship import Shipper
from watcher.edge.replay import recover
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.look import Means, ShortWay, Visited
from watcher.ports import Ask
from watcher.records import Entry, Exchange, Policy, Reading, Site
from watcher.watch import Outside, Watch

CHECKPOINT_SECONDS = 1.0
LIFE_SECONDS = 6
"""Every so often an entry comes to each site; it stays for ten times as long."""


class Plan(msgspec.Struct, kw_only=True):
    """What a vantage is to do."""

    name: str
    folder: str
    servers: list[str]
    vantages: list[str]
    """Verifier keys."""
    sites: int
    every_seconds: float
    lease_seconds: float
    each: int = 1
    answer_seconds: float = 0.01
    """What a page takes to come."""
    changing: bool = True
    """Whether entries come and go."""
    spread: bool = False
    """Whether the first looks are spread over an interval, as later ones are by then."""


class Report(msgspec.Struct, kw_only=True):
    """How it went."""

    visits: int
    cpu_seconds: float
    late_seconds: list[float]
    """By how much each look came later than it was due."""


def key_of(name: str) -> SigningKey:
    """The key of an invented vantage."""
    return SigningKey(origin=name, secret=Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()))


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class PlayedPages:
    """``ports.Fetcher``: what a site shows follows from its name and the time, the same at every vantage."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def fetch(self, ask: Ask) -> tuple[Exchange, ...]:
        requested_at = datetime.now(UTC)
        await asyncio.sleep(self._plan.answer_seconds)
        newest = int(requested_at.timestamp() + len(ask.url)) // LIFE_SECONDS if self._plan.changing else 9
        entries = tuple(
            Entry(key=f"/{number}", title=f"Victim {number}", url=f"{ask.mirror}{number}")
            for number in range(newest - 9, newest + 1)
        )
        reading = Reading(verdict="listing", complete=True, entries=entries, text="leaks", rule_digest="ab" * 32)
        exchange = Exchange(
            url=ask.url,
            mirror=ask.mirror,
            request=b"GET",
            response=HEAD % 200 + msgspec.json.encode(reading),
            requested_at=requested_at,
            finished_at=datetime.now(UTC),
            status=200,
            isolation=ask.isolation,
        )
        return (exchange,)


class Lateness:
    """Told of every visit, says by how much each came too late."""

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self._last: dict[str, datetime] = {}
        self.seconds: list[float] = []
        self.visits, self._cpu = 0, _cpu()

    def begin(self) -> None:
        """What was until now was warming up."""
        self.seconds.clear()
        self.visits, self._cpu = 0, _cpu()

    @property
    def cpu_seconds(self) -> float:
        return _cpu() - self._cpu

    def __call__(self, visited: Visited) -> None:
        self.visits += 1
        now, began = datetime.now(UTC), visited.snapshot.taken_at
        if last := self._last.get(visited.site):
            self.seconds.append((began - last).total_seconds() - self._every)
        self._last[visited.site] = now


async def sign(store: LedgerStore, key: SigningKey) -> None:
    """A checkpoint every now and then."""
    signed = 0
    while True:
        size, root = await store.head()
        if size != signed:
            await store.checkpoint(size, str(key.checkpoint(size, root)))
            signed = size
        await asyncio.sleep(CHECKPOINT_SECONDS)


def _spread(desk: Desk, plan: Plan, now: datetime) -> None:
    for number in range(plan.sites):
        share = (number * 0.6180339887) % 1
        desk.outbox.schedule(f"s{number}", now + timedelta(seconds=share * plan.every_seconds))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def watch(plan: Plan) -> Report:
    """Watch as the plan says until SIGTERM."""
    key, stop, clock = key_of(plan.name), asyncio.Event(), RealClock()
    lateness = Lateness(plan.every_seconds)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lateness.begin)
    Path(f"{plan.folder}.ready").touch()  # noqa: ASYNC240 - from now on it can be told things
    fleet = FleetSettings(
        servers=tuple(plan.servers),
        credentials=os.environ.get("FLEET_CREDENTIALS", ""),
        vantages=tuple(parse_key(vkey) for vkey in plan.vantages),
        each=plan.each,
        lease=timedelta(seconds=plan.lease_seconds),
    )
    every = timedelta(seconds=plan.every_seconds)
    sites = [
        Site(name=f"s{number}", mirrors=(f"http://s{number}.onion/",), every=every, detail=False)
        for number in range(plan.sites)
    ]
    async with LedgerStore.open(Path(plan.folder), vantage=plan.name) as store:
        live = Live(PlayedPages(plan), store, clock)
        means = Means(
            retrieve=live,
            store=store,
            reader=PlainReader(),
            clock=clock,
            policy=Policy(confirm_visits=2, confirm_after=timedelta(0), structural_after=timedelta(0)),
            vantage=plan.name,
            timeout=timedelta(seconds=20),
            short=ShortWay(store=store),
        )
        if plan.spread:
            await store.do(partial(_spread, plan=plan, now=clock.now()))
        await acts.opening(store, key, config=b"", vantage=plan.name, now=clock.now())
        link = Link(fleet, plan.name)
        feed = FleetFeed(link, fleet, key, {})
        outside = Outside(well=asyncio.Event().wait, finish=partial(recover, store), cut_short=live.cut_short)  # type: ignore[arg-type]
        watching = Watch(means, store, outside, feed=feed, on_visit=lateness, chance=lambda: 0.0)
        work: Sequence[asyncio.Task[None]] = [
            asyncio.create_task(one)
            for one in (link.run(), feed.run(), Shipper(link, store, key).run(), sign(store, key))
        ]
        try:
            await watching.run(sites, stop)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
    return Report(visits=lateness.visits, cpu_seconds=lateness.cpu_seconds, late_seconds=sorted(lateness.seconds))


def main(path: Path) -> None:
    plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    report = asyncio.run(watch(plan))
    Path(f"{plan.folder}.report").write_bytes(msgspec.json.encode(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
