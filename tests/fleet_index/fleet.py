"""A fleet without an engine: vantages that make real visits to scripted pages and ship to a list of messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.props.fakes import START, Answer, PlainReader, ScriptedFetcher, listing
from watcher.core.agree import Agreement
from watcher.edge import acts, parcels
from watcher.edge.index import Arrival, Index
from watcher.edge.ledger import Ledger
from watcher.edge.live import Live
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.look import Means, ShortWay, Visited
from watcher.records import Capture, Event, Policy, Site
from watcher.visit import visit

NAMES = ("Arvelo", "Brontek", "Calderis", "Dorvani", "Estrin", "Falque")
POLICY = Policy(
    confirm_visits=3,
    confirm_after=timedelta(minutes=30),
    confirm_gap=timedelta(minutes=5),
    structural_after=timedelta(hours=12),
)


class HandClock:
    """A clock that is set by hand, the same for the whole fleet."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


class Vantage:
    """One watcher of the fleet."""

    def __init__(self, name: str, folder: Path, clock: HandClock) -> None:
        self.name, self.folder, self.clock = name, folder, clock
        secret = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
        self.key = SigningKey(origin=name, secret=secret)
        self.store = LedgerStore.open(folder, vantage=name, now=clock.now)
        self.fetcher = ScriptedFetcher(clock)
        self.means = Means(
            retrieve=Live(self.fetcher, self.store, clock),
            store=self.store,
            reader=PlainReader(),
            clock=clock,
            policy=POLICY,
            vantage=name,
            timeout=timedelta(seconds=90),
            short=ShortWay(store=self.store),
        )
        self.visits = 0
        self.sent = 0

    async def begin(self) -> None:
        await self.store.do(parcels.join)
        await acts.opening(self.store, self.key, config=b"", vantage=self.name, now=self.clock.now())

    async def look(self, shows: Sequence[str] | Answer, site: str = "gang") -> Visited:
        """One visit to the site, which shows these names."""
        mirror = f"http://{site}.onion/"
        scripted = isinstance(shows, (list, tuple)) and all(isinstance(one, str) for one in shows)
        self.fetcher.answers[mirror] = listing(*shows, rule_digest="") if scripted else shows  # type: ignore[misc]
        self.clock.at += timedelta(seconds=7, microseconds=1)
        self.visits += 1
        known = Site(name=site, mirrors=(mirror,), detail=False)
        return await visit(known, known.mirrors, f"circuit-{self.visits}", self.means)

    async def checkpoint(self) -> None:
        size, root = await self.store.head()
        await self.store.checkpoint(size, str(self.key.checkpoint(size, root)))

    async def ship(self) -> list[Arrival]:
        """What was not shipped yet, signed and sealed."""
        await self.checkpoint()
        while await self.store.do(
            partial(parcels.make_parcel, vantage=self.name, sign=self.key.sign, at=self.clock.now())
        ):
            pass
        waiting = await self.store.do(partial(parcels.waiting, most=10_000))
        if waiting:
            await self.store.do(partial(parcels.arrived, seq=waiting[-1][0]))
        return [Arrival(vantage=self.name, data=data) for _, data in waiting]


class Fleet:
    """Some vantages, and the stream that they ship to."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder, self.clock = folder, HandClock()
        self.step = timedelta(minutes=20)
        self.vantages = {name: Vantage(name, folder / name, self.clock) for name in names}
        self.stream: list[Arrival] = []

    async def __aenter__(self) -> Fleet:
        for vantage in self.vantages.values():
            await vantage.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        for vantage in self.vantages.values():
            await vantage.store.close()

    async def round(self, shows: dict[str, Sequence[str]] | Sequence[str], times: int = 1, site: str = "gang") -> None:
        """Every vantage looks so often, twenty minutes between, and ships."""
        for _ in range(times):
            self.clock.at += self.step
            for name, vantage in self.vantages.items():
                shown = shows.get(name) if isinstance(shows, dict) else shows
                if shown is not None:
                    await vantage.look(shown, site)
                    await self.ship(name)

    async def ship(self, name: str) -> None:
        for one in await self.vantages[name].ship():
            self.stream.append(Arrival(vantage=one.vantage, data=one.data, place=len(self.stream) + 1))

    async def index(self, folder: Path | None = None, *, agree: int = 1) -> Index:
        rule = Agreement(index="index", agree=agree, policy=POLICY)
        keys = [vantage.key.verifier for vantage in self.vantages.values()]
        return await Index.open(folder or self.folder / "index", keys, rule, now=self.clock.now)

    async def feed(self, start: int = 0, end: int | None = None) -> AsyncIterator[Arrival]:
        for arrival in self.stream[start:end]:
            yield arrival

    def events(self) -> dict[str, list[Event]]:
        return {name: events_of(vantage.folder) for name, vantage in self.vantages.items()}


def events_of(folder: Path) -> list[Event]:
    with Ledger.open(folder) as ledger:
        return list(ledger.events())


def captures_of(folder: Path) -> dict[str, Capture]:
    with Ledger.open(folder) as ledger:
        return {capture.id: capture for capture in ledger.captures()}
