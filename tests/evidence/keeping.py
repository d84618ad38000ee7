"""A real store, filled by real visits to a page that is played: everything but the network is the product's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.evidence.story import KEY, ONION, OTHERS, RULE, START, SUBJECT, chunked, page, plain, slug
from watcher.core.again import Lately
from watcher.core.reading import read_detail, read_page
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.look import Means, ShortWay, Visited
from watcher.ports import Ask, Origin
from watcher.records import Capture, Exchange, Hints, Page, Policy, Reading, Site
from watcher.testing.clocks import ManualClock
from watcher.visit import visit

SITE = Site(name="gang", mirrors=(ONION,), rule=RULE)
POLICY = Policy(confirm_visits=3, confirm_after=timedelta(minutes=20))
EVERYONE = (*OTHERS[:4], SUBJECT, *OTHERS[4:])
GONE = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 60\r\n\r\n"
    + b"<h1>404</h1><p>No such page here.</p>".ljust(60)
)


class InProcess:
    """Reads pages here, where a test can see what goes wrong."""

    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        return read_page(page, memory, known, hints)

    async def read_detail(self, page: Page, memory: bytes, title: str) -> Reading:
        return read_detail(page, memory, title)


@dataclass
class Keeping:
    """A store under test and the site it looks at."""

    store: LedgerStore
    clock: ManualClock
    key: SigningKey = KEY
    lately: Lately = field(default_factory=Lately)
    answers: dict[str, bytes] = field(default_factory=dict)
    """URL to the response's bytes; what is not here is unreachable."""

    async def retrieve(self, ask: Ask, origin: Origin) -> tuple[Capture, ...]:
        response = self.answers.get(ask.url)
        asked = self.clock.now()
        miss = response is None
        exchange = Exchange(
            url=ask.url,
            mirror=ask.mirror,
            request=b"GET " + ask.url.removeprefix(ONION[:-1]).encode() + b" HTTP/1.1\r\nHost: x.onion\r\n\r\n",
            response=response or b"",
            requested_at=asked,
            finished_at=self.clock.turn(seconds=2),
            status=None if response is None else int(response[9:12]),
            verdict="unreachable" if miss else "",
            why=("socks:F2", "no introduction point answered") if miss else (),
            isolation=ask.isolation,
            facts={"socks_reply": 242 if miss else 0, "monotonic_start": 77.25},
        )
        return await self.store.keep(origin, [exchange])

    async def look(self, *, minutes: float = 15) -> Visited:
        """One visit, recorded, and the checkpoint over it."""
        self.clock.turn(minutes=minutes)
        means = Means(
            retrieve=self.retrieve,
            store=self.store,
            reader=InProcess(),
            clock=self.clock,
            policy=POLICY,
            vantage="local",
            timeout=timedelta(seconds=90),
            short=ShortWay(store=self.store, lately=self.lately),
        )
        done = await visit(SITE, SITE.mirrors, f"gang-{self.clock.now():%H%M%S}", means)
        await self.sign()
        return done

    async def sign(self) -> None:
        size, root = await self.store.head()
        await self.store.checkpoint(size, str(self.key.checkpoint(size, root)))

    def show(self, titles: Sequence[str], *, size: int = 0, wire: bytes | None = None) -> None:
        """The listing with these entries, each with its own page."""
        self.answers = {
            f"{ONION}company/{slug(title)}": plain(f"<title>Leaks</title><h1>{title}</h1><p>Soon.</p>".encode())
            for title in titles
        }
        for title in EVERYONE:
            self.answers.setdefault(f"{ONION}company/{slug(title)}", GONE)
        self.answers[ONION] = wire or plain(page(tuple(titles), size=size))

    def darken(self) -> None:
        """Nothing answers."""
        self.answers = {}


async def open_keeping(folder: Path, key: SigningKey = KEY) -> Keeping:
    clock = ManualClock(START)
    return Keeping(store=await opened(folder, clock), clock=clock, key=key)


async def opened(folder: Path, clock: ManualClock) -> LedgerStore:
    return LedgerStore.open(folder, vantage="local", now=clock.now)


async def play_withdrawal(folder: Path, *, size: int = 0, key: SigningKey = KEY) -> list[Visited]:
    """Listed; an outage and a cut page; then gone, until that is certain. The store is closed when this returns."""
    keeping = await open_keeping(folder, key)
    visits = []
    async with keeping.store:
        keeping.show(OTHERS, size=size)
        visits += [await keeping.look(), await keeping.look()]
        keeping.show(EVERYONE, size=size, wire=chunked(page(EVERYONE, size=size)))
        visits += [await keeping.look(), await keeping.look(), await keeping.look()]
        keeping.darken()
        visits.append(await keeping.look())
        keeping.show(OTHERS, size=size)
        visits += [await keeping.look(minutes=12) for _ in range(6)]
    return visits


def kinds(visits: Sequence[Visited]) -> list[str]:
    return [event.kind for one in visits for event in one.events]


__all__ = ["EVERYONE", "SITE", "Keeping", "Mapping", "kinds", "open_keeping", "play_withdrawal"]
