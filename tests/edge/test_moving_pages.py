"""Pages whose counters move: they are seldom read, and everything that happens is told as if they always were."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.props.fakes import InlineReader
from watcher.core import again, moving
from watcher.core.moving import Mask
from watcher.core.notes import load
from watcher.edge.ledger import Ledger
from watcher.edge.live import Live
from watcher.edge.replay import Sheet, nothing_kept, replay
from watcher.edge.store import LedgerStore
from watcher.edge.verify_store import verify_store
from watcher.look import Means, ShortWay, Visited
from watcher.ports import Ask
from watcher.records import Entry, Event, Exchange, Page, Policy, RosterEntry, Site
from watcher.testing.clocks import ManualClock
from watcher.visit import visit

MAIN, SECOND = "http://main.onion/", "http://second.onion/"
SITE = Site(name="gang", mirrors=(MAIN, SECOND), detail=False)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
WARM = 8
FRAME = """<!DOCTYPE html><html><head><title>Night Desk</title><meta name="csrf-token" content="{nonce}"></head><body>
<header><a href="/">HOME</a> <p class="clock">Server time <span>{clock}</span></p></header>
<main><h1>Latest</h1><p class="all">Total: {total} companies</p><section class="list">
{cards}</section>{more}</main><script>var loaded = {load};</script><footer>Visitors: {load} today</footer></body></html>
"""
CARD = """<article class="card"><a class="title" href="/{slug}"><h3>{title}</h3></a><div class="meta">
<i class="country">{country}</i> <span class="deadline">{deadline}</span> <span class="status">{status}</span></div>
<p class="text">{text}</p><div class="timer">{timer}</div><div class="views">{views} views</div></article>
"""
NAMES = ("Velmora Freight", "Ostraven Dental", "Qarn Hale", "Istrin Ferries", "Dovemark Timber", "Tasq Insurance")


@dataclass
class Item:
    title: str
    slug: str
    country: str = "Kesteria"
    deadline: str = "2026-12-24"
    status: str = "Negotiating"
    text: str = "Nobody noticed us for a month. Drawings, tenders and letters to lawyers."
    views: int = 1200


def item(title: str) -> Item:
    text = f"Nobody at {title} noticed us for {len(title)} months. Drawings, tenders and letters to lawyers."
    return Item(title, title.lower().replace(" ", "-"), text=text, views=1200 + 7 * len(title))


@dataclass
class Desk:
    """A site of which the counters never rest."""

    items: list[Item] = field(default_factory=lambda: [item(f"{name} {kind}") for kind in ("A", "B") for name in NAMES])
    loads: int = 0
    split: int = 0
    """Entries on the first of two pages; 0: all are on one."""
    note: str = ""
    announced: int | None = None

    def news(self, number: int) -> None:
        """At the second and the third look another entry."""
        if number in {1, 2}:
            self.items.insert(0, item(f"Fjordamere Timber {number}"))

    def copy(self) -> Desk:
        return replace(self, items=[replace(one) for one in self.items])

    def load(self) -> None:
        self.loads += 1
        for number, one in enumerate(self.items):
            one.views += self.loads % (1 + number % 3) == 0

    def page(self, url: str) -> bytes:
        first, second = (self.items, []) if not self.split else (self.items[: self.split], self.items[self.split :])
        items = second if url.endswith("page/2/") else first
        number = 4711 + 3 * self.loads
        left = 500_000 - 61 * self.loads
        timer = f"{left // 86400}d {left // 3600 % 24:02}h {left // 60 % 60:02}m {left % 60:02}s"
        return FRAME.format(
            nonce=sha256(b"%d %s" % (self.loads, url.encode())).hexdigest()[:32],
            clock=f"2026-11-22 {self.loads // 3600:02}:{self.loads // 60 % 60:02}:{self.loads % 60:02}",
            total=len(self.items) if self.announced is None else self.announced,
            cards="".join(CARD.format(**vars(one), timer=timer) for one in items),
            load=number,
            more=self.note + ('<a rel="next" href="/page/2/">Next</a>' if second and items is first else ""),
        ).encode()


class Never(again.Lately):
    """Nothing is known again."""

    def shown(self, site: Site, mirror: str) -> None:
        return None


@dataclass
class Watcher:
    """A store, and who looks at the desk for it."""

    folder: Path
    lately: again.Lately
    clock: ManualClock = field(default_factory=ManualClock)
    down: set[str] = field(default_factory=set)
    short: int = 0
    visits: int = 0

    def __post_init__(self) -> None:
        self.store = LedgerStore.open(self.folder, vantage="local", now=self.clock.now)

    async def restart(self) -> None:
        await self.store.close()
        self.lately = type(self.lately)()
        self.store = LedgerStore.open(self.folder, vantage="local", now=self.clock.now)

    async def look(self, desk: Desk, *, minutes: float = 10, first: str = MAIN) -> Visited:
        self.clock.turn(minutes=minutes)
        self.visits += 1
        means = Means(
            retrieve=Live(_Fetcher(self, desk), self.store, self.clock),
            store=self.store,
            reader=InlineReader(),
            clock=self.clock,
            policy=Policy(confirm_visits=2, confirm_after=timedelta(0)),
            vantage="local",
            timeout=timedelta(seconds=90),
            short=ShortWay(store=self.store, lately=self.lately),
        )
        mirrors = (first, *(one for one in SITE.mirrors if one != first))
        visited = await visit(SITE, mirrors, f"c{self.visits}", means)
        self.short += visited.same is not None
        return visited


@dataclass
class _Fetcher:
    watcher: Watcher
    desk: Desk

    async def fetch(self, ask: Ask) -> tuple[Exchange, ...]:
        now = self.watcher.clock.now()
        known = Exchange(
            url=ask.url, mirror=ask.mirror, requested_at=now, finished_at=now, isolation=ask.isolation, request=b"GET"
        )
        if ask.mirror in self.watcher.down:
            return (replace(known, verdict="unreachable", why=("socks:F2",), request=b""),)
        body = self.desk.page(ask.url)
        return (replace(known, status=200, response=HEAD % len(body) + body),)


@dataclass
class Twins:
    """The same looks at the same pages: told briefly where that may be, and always in full."""

    brief: Watcher
    full: Watcher
    desk: Desk = field(default_factory=Desk)

    async def look(self, *, load: bool = True, minutes: float = 10, first: str = MAIN) -> Visited:
        """A look by both; they tell the same, and believe the same but for what moves."""
        if load:
            self.desk.load()
        one, other = [await each.look(self.desk, minutes=minutes, first=first) for each in (self.brief, self.full)]
        assert one.events == other.events or _but_for_views(one.events) == _but_for_views(other.events)
        assert (one.shown, one.snapshot.verdict, one.snapshot.complete) == (
            other.shown,
            other.snapshot.verdict,
            other.snapshot.complete,
        )
        assert one.snapshot.captures == other.snapshot.captures
        mine, theirs = [(await each.store.state("gang")).roster for each in (self.brief, self.full)]
        assert list(mine.entries) == list(theirs.entries)
        for key, entry in mine.entries.items():
            assert _steady(entry) == _steady(theirs.entries[key])
        assert _believed(mine.notes) == _believed(theirs.notes)
        return one

    async def look_at(self, old: Desk, first: str = MAIN) -> Visited:
        """A look at what the desk showed then."""
        now, self.desk = self.desk, old
        visited = await self.look(load=False, first=first)
        self.desk = now
        return visited

    async def warm(self) -> None:
        """Until the page is known so well that it is not read: rules are sure only once there was news."""
        for number in range(WARM):
            self.desk.news(number)
            visited = await self.look()
        assert visited.same == len(self.desk.items)


def _but_for_views(events: tuple[Event, ...]) -> list[Event]:
    return [
        event
        if event.entry is None
        else replace(event, entry=replace(event.entry, fields=_without(event.entry.fields)))
        for event in events
    ]


def _without(fields: Any) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in {"views", "timer", "deadline2"}}


def _steady(entry: RosterEntry) -> RosterEntry:
    return replace(entry, fields=_without(entry.fields))


def _believed(notes: bytes) -> object:
    """All but the traces of texts."""
    known = load(notes)
    known.moving = 0
    for run in known.runs:
        run.texts = []
    return known


@asynccontextmanager
async def _twins(folder: Path) -> AsyncIterator[Twins]:
    made = Twins(Watcher(folder / "brief", again.Lately()), Watcher(folder / "full", Never()))
    try:
        yield made
    finally:
        await made.brief.store.close()
        await made.full.store.close()


# ------------------------------------------------------------------------------------------------ what happens is told


def _listed(desk: Desk) -> None:
    desk.items.insert(0, item("Branlimere Foods"))


def _withdrawn(desk: Desk) -> None:
    del desk.items[5]


def _renamed(desk: Desk) -> None:
    desk.items[4].title = "Dovemark Timber International"


def _says(name: str, value: str) -> Callable[[Desk], None]:
    return lambda desk: setattr(desk.items[3], name, value)


HAPPENINGS: dict[str, tuple[Callable[[Desk], None], str]] = {
    "listed": (_listed, "listed"),
    "withdrawn": (_withdrawn, "withdrawn"),
    "renamed": (_renamed, "renamed"),
    "status": (_says("status", "Published"), "changed"),
    "deadline": (_says("deadline", "2026-12-31"), "changed"),
    "deadline by a digit": (_says("deadline", "2026-12-25"), "changed"),
    "description": (_says("text", "Nobody noticed us for 2 years."), "changed"),
}


@pytest.mark.parametrize("name", HAPPENINGS)
async def test_what_happens_while_counters_move_is_told_at_the_same_visit(name: str, tmp_path: Path) -> None:
    happen, kind = HAPPENINGS[name]
    async with _twins(tmp_path) as twins:
        await twins.warm()
        happen(twins.desk)
        told = [event.kind for _ in range(4) for event in (await twins.look()).events]
        assert told == [kind]


async def test_a_count_that_is_announced_is_heeded(tmp_path: Path) -> None:
    """It followed the number of entries once; when it says more than there are, the page is short."""
    async with _twins(tmp_path) as twins:
        await twins.warm()
        twins.desk.announced = len(twins.desk.items) + 2
        assert (await twins.look()).snapshot.verdict == "partial"


@pytest.mark.parametrize(
    ("split", "turns"), [(0, False), (0, True), (7, False)], ids=["one page", "mirrors by turns", "two pages"]
)
@pytest.mark.parametrize("seed", range(2))
async def test_any_story_is_told_alike(seed: int, split: int, turns: bool, tmp_path: Path) -> None:
    chance = random.Random(f"{seed}{split}{turns}")
    async with _twins(tmp_path) as twins:
        twins.desk.split = split
        await twins.warm()
        told, olds = 0, [twins.desk.copy()]
        for number in range(5):
            if chance.random() < 0.6 and number:
                chance.choice([_listed_as(number), _withdrawn, _says("status", f"Part {number} out")])(twins.desk)
            for _ in range(chance.randrange(4, 12) + 4 * turns):
                twins.brief.down = twins.full.down = {MAIN} if chance.random() < 0.04 else set()
                first = SECOND if turns and chance.random() < 0.3 else MAIN
                if chance.random() < 0.1:
                    await twins.look_at(chance.choice(olds[-8:]), first=first)
                visited = await twins.look(load=chance.random() < 0.9, first=first)
                olds.append(twins.desk.copy())
                told += len(visited.events)
            if chance.random() < 0.3:
                for each in (twins.brief, twins.full):
                    await each.restart()
        assert told
        assert twins.brief.short > 3
        assert not twins.full.short


def _listed_as(number: int) -> Callable[[Desk], None]:
    return lambda desk: desk.items.insert(0, item(f"Branlimere Foods {'ABCDEFGHIJ'[number]}"))


async def test_a_copy_of_what_nobody_read_is_known_when_more_has_happened(tmp_path: Path) -> None:
    """Entries that it lacks are not missed, and what it shows that went is not back."""
    async with _twins(tmp_path) as twins:
        await twins.warm()
        for _ in range(3):
            assert (await twins.look()).same
        old = twins.desk.copy()
        assert (await twins.look()).same
        _listed(twins.desk)
        _withdrawn(twins.desk)
        told = [event.kind for _ in range(2) for event in (await twins.look()).events]
        told += [event.kind for _ in range(4) for event in (await twins.look_at(old)).events]
        assert sorted(told) == ["listed", "withdrawn"]


async def test_an_older_copy_is_known_for_one_though_nobody_read_what_it_copies(tmp_path: Path) -> None:
    """It proves nothing of now: what comes next is dated from the last page that was none."""
    async with _twins(tmp_path) as twins:
        await twins.warm()
        old = twins.desk.copy()
        for _ in range(2):
            assert (await twins.look()).same
        assert (await twins.look_at(old)).same is None
        _listed(twins.desk)
        (event,) = (await twins.look()).events
        assert event.not_before == twins.full.clock.now() - timedelta(minutes=20)


# ------------------------------------------------------------------------------------------- how long it goes unread


async def test_a_page_that_moves_is_read_now_and_then(tmp_path: Path) -> None:
    async with _twins(tmp_path) as twins:
        await twins.warm()
        unread = [(await twins.look(minutes=1)).same is not None for _ in range(40)]
        rows = "".join("rx"[one] for one in unread).split("r")
        assert max(map(len, rows)) == again.MOST_UNREAD
        assert sum(unread) >= 30
        assert (await twins.look(minutes=60 * 5)).same is None, "hours have passed"


async def test_a_new_process_goes_on_where_one_ended(tmp_path: Path) -> None:
    async with _twins(tmp_path) as twins:
        await twins.warm()
        await twins.brief.restart()
        assert (await twins.look()).same
        looks = []
        for _ in range(again.MOST_UNREAD):
            await twins.brief.restart()
            looks.append((await twins.look(minutes=1)).same is None)
        assert sum(looks) == 1, "it is read once in so many visits all the same"


async def test_a_page_of_which_words_move_is_always_read_and_seldom_laid_beside_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[str] = []

    def mask_of(before: Page, after: Page, known: Mask | None = None) -> Mask | None:
        laid.append(after.url)
        return moving.mask_of(before, after, known)

    monkeypatch.setattr("watcher.short.mask_of", mask_of)
    watcher, desk = Watcher(tmp_path, again.Lately()), Desk()
    async with watcher.store:
        for number in range(24):
            desk.news(number)
            desk.load()
            desk.note = f"<p>{'abcdefghijklmnopqrstuvwxyz'[number] * 4}</p>"
            await watcher.look(desk)
    assert not watcher.short
    assert again.IN_VAIN <= len(laid) <= 24 / 2


# ------------------------------------------------------------------------------------------------- what is written down


@pytest.mark.parametrize("split", [0, 9])
async def test_what_was_not_read_says_so_and_the_store_is_sound(split: int, tmp_path: Path) -> None:
    watcher, desk = Watcher(tmp_path, again.Lately()), Desk(split=split)
    for number in range(WARM + 2):
        desk.news(number)
        desk.load()
        visited = await watcher.look(desk)
    assert visited.same == 14
    await watcher.store.close()
    with Ledger.open(tmp_path) as ledger:
        snapshot = ledger.snapshot(visited.snapshot.visit)
        entries: list[Entry] = []
        whys: list[str] = []
        assert snapshot is not None
        for capture in visited.snapshot.captures:
            reading, kept = ledger.reading(capture), ledger.capture(capture)
            assert reading is not None
            assert kept is not None
            assert reading.why[0].startswith("read-as:")
            origin = ledger.reading(reading.why[0].removeprefix("read-as:"))
            assert origin is not None
            assert replace(reading, why=origin.why) == origin
            assert ledger.page(capture).body == desk.page(kept.url), "the bytes are its own"
            entries += reading.entries
            whys += reading.why
        assert set(snapshot.why) == set(whys)
        assert list(snapshot.entries) == entries
        assert {entry.seen_in for _, entry in ledger.entries("gang")} == set(visited.snapshot.captures)
    assert [one for one in verify_store(tmp_path) if not one.ok] == []


async def test_a_replay_concludes_the_same(tmp_path: Path) -> None:
    async with _twins(tmp_path) as twins:
        await twins.warm()
        _withdrawn(twins.desk)
        _says("status", "Published")(twins.desk)
        for _ in range(5):
            await twins.look()
    with Ledger.open(tmp_path / "brief") as ledger:
        means = Means(
            retrieve=nothing_kept, store=Sheet(ledger), reader=InlineReader(), clock=ManualClock(),
            policy=Policy(confirm_visits=2, confirm_after=timedelta(0)), vantage="local", timeout=timedelta(seconds=90),
        )  # fmt: skip
        replayed = await replay(SITE, ledger, means, None)
        assert replayed.visits == WARM + 5
        assert [one.kind for one in ledger.events()] == ["listed", "listed", "changed", "withdrawn"]
    assert not replayed.differs
