"""Visits told again from what a real store kept: after a crash, and with other rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.edge.visiting import means_of
from tests.props.fakes import Answer, PlainReader, ScriptedFetcher, listing, page
from watcher.edge.ledger import Ledger
from watcher.edge.live import Live
from watcher.edge.replay import Sheet, nothing_kept, recover, replay, take_over
from watcher.edge.store import LedgerStore
from watcher.look import Means, Visited
from watcher.ports import Outcome
from watcher.records import Hints, Page, Reading, Site
from watcher.testing.clocks import ManualClock
from watcher.visit import visit

MAIN, SECOND = "http://main.onion/", "http://second.onion/"
SITE = Site(name="gang", mirrors=(MAIN, SECOND))
NAMES = ("Acme", "Brill", "Corva", "Dremo", "Estol", "Fervo")


class Crash(Exception):  # noqa: N818 - not an error: the process ends here
    """The process ends before the visit is recorded."""


class Tale:
    """Visits over a real store, some of which are never recorded."""

    def __init__(self, store: LedgerStore, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.fetcher = ScriptedFetcher(clock)
        self.reader = PlainReader()
        self.visits = 0

    @property
    def means(self) -> Means:
        return means_of(self.store, self.fetcher, self.reader, self.clock)

    async def visit(self, *, crash: str = "", mirrors: Sequence[str] = (MAIN, SECOND), **answers: Answer) -> None:
        """A visit ten minutes on; ``crash`` is the address before whose answer, or ``record``, the process ends."""
        for name, answer in answers.items():
            self.fetcher.answers[f"http://{name}.onion/"] = answer
        self.clock.turn(minutes=10)
        self.visits += 1
        means, fetch = self.means, self.fetcher.fetch

        class Crashing(ScriptedFetcher):
            async def fetch(self, ask):  # type: ignore[no-untyped-def]
                if ask.url == crash:
                    raise Crash
                return await fetch(ask)

        class Full:
            def __getattr__(self, name: str) -> object:
                return getattr(means.store, name)

            async def record(self, outcome: Outcome) -> None:
                raise Crash

        store = Full() if crash == "record" else self.store
        live = Live(Crashing(self.clock), self.store, self.clock)
        through = replace(means, store=store, retrieve=live)  # type: ignore[arg-type]
        if crash:
            with pytest.raises(Crash):
                await visit(SITE, mirrors, f"circuit-{self.visits}", through)
        else:
            await visit(SITE, mirrors, f"circuit-{self.visits}", through)

    async def recovered(self) -> tuple[Visited, ...]:
        found = await recover(self.store, SITE, self.means)
        assert await self.store.unrecorded_visits() == ()
        return found

    async def kinds(self) -> list[str]:
        return await self.store.do(lambda desk: [event.kind for event in desk.ledger.events()])

    async def standings(self) -> set[str]:
        state = await self.store.state("gang")
        return {entry.standing for entry in state.roster.entries.values()}


@pytest.fixture
async def tale(tmp_path: Path) -> AsyncIterator[Tale]:
    clock = ManualClock()
    async with LedgerStore.open(tmp_path, vantage="local", now=clock.now) as store:
        yield Tale(store, clock)


# ---------------------------------------------------------------------------------------------- after a crash


async def test_a_visit_that_was_never_recorded_is_concluded_as_it_would_have_been(tale: Tale) -> None:
    await tale.visit(main=listing(*NAMES[:5]))
    await tale.store.subscribe(["ear"])
    await tale.visit(main=listing(*NAMES), crash="record")
    assert await tale.kinds() == []
    asked, at = len(tale.fetcher.asks), tale.clock.now()
    tale.clock.turn(hours=3)
    (visited,) = await tale.recovered()
    assert [event.kind for event in visited.events] == await tale.kinds() == ["listed"]
    assert (
        visited.events[0].not_after == visited.events[0].confirmed_at == at
    )  # dated by the visit, not by the recovery
    assert len(tale.fetcher.asks) == asked  # nobody was asked again
    assert [alert.event.id for alert in await tale.store.undelivered()] == [visited.events[0].id]
    assert await tale.recovered() == ()


async def test_what_a_broken_off_visit_had_not_asked_for_counts_for_nothing(tale: Tale) -> None:
    """Page 2 was never asked for: nothing on it is missing, and the site is not to blame."""
    tale.fetcher.answers[f"{MAIN}page/2/"] = listing(*NAMES[3:])
    whole = listing(*NAMES[:3], more=[f"{MAIN}page/2/"])
    await tale.visit(main=whole)
    for _ in range(6):
        await tale.visit(main=whole, crash=f"{MAIN}page/2/")
        (visited,) = await tale.recovered()
        assert not visited.snapshot.complete
        assert "interrupted" in visited.snapshot.why
    assert await tale.kinds() == []
    assert await tale.standings() == {"listed"}


async def test_a_mirror_that_was_still_to_be_asked_may_have_answered(tale: Tale) -> None:
    await tale.visit(main=listing(*NAMES))
    for _ in range(12):
        await tale.visit(main="unreachable", second=listing(*NAMES), crash=SECOND)
        (visited,) = await tale.recovered()
        assert visited.events == ()
    assert await tale.kinds() == []  # not one of them was told as the site's being unreachable


async def test_own_pages_that_were_not_asked_for_are_no_witnesses(tale: Tale) -> None:
    await tale.visit(main=listing(*NAMES))
    tale.fetcher.answers[f"{MAIN}acme"] = page("error", 404)
    await tale.visit(main=listing(*NAMES[1:]), crash=f"{MAIN}acme")
    (visited,) = await tale.recovered()
    assert visited.snapshot.complete
    assert visited.events == ()
    assert await tale.standings() == {"listed", "missing"}


async def test_several_visits_are_concluded_in_their_order(tale: Tale) -> None:
    await tale.visit(main=listing(*NAMES))
    for _ in range(3):
        await tale.visit(main=listing(*NAMES[1:]), crash="record")
    visited = await tale.recovered()
    assert [len(one.events) for one in visited] == [0, 1, 0]
    assert await tale.kinds() == ["withdrawn"]


async def test_a_visit_that_later_ones_have_overtaken_changes_nothing_that_is_believed(tale: Tale) -> None:
    """It saw the site as it was before an entry came; told now, that entry would be gone."""
    await tale.visit(main=listing(*NAMES[:5]))
    await tale.visit(main=listing(*NAMES[:5]), crash="record")
    await tale.visit(main=listing(*NAMES))
    before = await tale.store.state("gang")
    (visited,) = await tale.recovered()
    assert visited.events == ()
    assert await tale.store.state("gang") == before
    assert await tale.kinds() == ["listed"]
    name = visited.snapshot.visit  # and yet what it saw is on record
    snapshot = await tale.store.do(lambda desk: desk.ledger.snapshot(name))
    assert snapshot
    assert (snapshot.entries, snapshot.captures) == (visited.snapshot.entries, visited.snapshot.captures)


async def test_which_visit_came_later_is_not_for_the_clock_to_say(tale: Tale) -> None:
    """The clock was two hours ahead, and was set right while the visit was not recorded: it is the older one."""
    await tale.visit(main=listing(*NAMES[:5]))
    tale.clock.turn(hours=2)
    await tale.visit(main=listing(*NAMES[:5]), crash="record")
    tale.clock.turn(hours=-2)
    await tale.visit(main=listing(*NAMES))
    before = await tale.store.state("gang")
    (visited,) = await tale.recovered()
    assert visited.events == ()
    assert await tale.store.state("gang") == before


async def test_a_visit_is_not_overtaken_by_what_the_clock_dated_too_late(tale: Tale) -> None:
    tale.clock.turn(hours=2)
    await tale.visit(main=listing(*NAMES[:5]))
    tale.clock.turn(hours=-2)
    await tale.visit(main=listing(*NAMES), crash="record")
    (visited,) = await tale.recovered()
    assert [event.kind for event in visited.events] == await tale.kinds() == ["listed"]


async def test_visits_are_concluded_in_the_order_in_which_they_were_made(tale: Tale) -> None:
    """However the clock was set: an entry came, then another one went."""
    await tale.visit(main=listing(*NAMES[:5]))
    tale.clock.turn(hours=2)
    await tale.visit(main=listing(*NAMES), crash="record")
    tale.clock.turn(hours=-3)
    for _ in range(2):
        await tale.visit(main=listing(*NAMES[1:]), crash="record")
    tale.clock.turn(hours=1)
    await tale.visit(main=listing(*NAMES[1:]), crash="record")
    visited = await tale.recovered()
    assert [[event.kind for event in one.events] for one in visited] == [["listed"], [], ["withdrawn"], []]


async def test_only_the_site_that_is_asked_about_is_concluded(tale: Tale) -> None:
    await tale.visit(main=listing(*NAMES), crash="record")
    assert await recover(tale.store, replace(SITE, name="other"), tale.means) == ()
    assert len(await tale.store.unrecorded_visits()) == 1


# ------------------------------------------------------------------------------------------ with today's rules


class Sharper(PlainReader):
    """Another rule: it does not take some titles for entries."""

    def __init__(self, *but: str) -> None:
        super().__init__()
        self._but = but

    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        reading, memory = await super().read(page, memory, known, hints)
        return replace(reading, entries=tuple(one for one in reading.entries if one.title not in self._but)), memory


async def told_again(tale: Tale, reader: PlainReader, folder: Path, dry: bool) -> tuple[set[str], set[str]]:
    """Titles whose events are new, and that would no longer be told."""
    with Ledger.open(folder) as ledger:
        means = replace(tale.means, store=Sheet(ledger), reader=reader, retrieve=nothing_kept)
        found = await replay(SITE, ledger, means, None)
    if not dry:
        await take_over(found, tale.store)
    assert found.visits == tale.visits
    assert found.differs is bool(found.newly or found.no_longer)
    both = (found.newly, found.no_longer)
    newly, gone = ({f"{one.kind} {one.entry.title}" for one in events if one.entry} for events in both)
    return newly, gone


async def test_the_same_rules_conclude_the_same(tale: Tale, tmp_path: Path) -> None:
    tale.fetcher.answers |= {f"{MAIN}{name.lower()}": page("detail") for name in NAMES}
    await tale.visit(main=listing(*NAMES[:5]))
    await tale.visit(main=listing(*NAMES))
    await tale.visit(main="unreachable", second=page("error", 502))
    tale.fetcher.answers[f"{MAIN}acme"] = page("error", 404, why=["no-such-page"])
    for _ in range(3):
        await tale.visit(main=listing(*NAMES[1:]))
    assert await tale.kinds() == ["listed", "withdrawn"]
    asked = len(tale.fetcher.asks)
    assert await told_again(tale, PlainReader(), tmp_path, dry=True) == (set(), set())
    assert len(tale.fetcher.asks) == asked


@pytest.mark.parametrize("hours", [-6, 6])
async def test_the_same_rules_conclude_the_same_over_a_clock_that_was_set(
    tale: Tale, tmp_path: Path, hours: int
) -> None:
    await tale.visit(main=listing(*NAMES[:5]))
    tale.clock.turn(hours=hours)
    await tale.visit(main=listing(*NAMES))
    await tale.visit(main=listing(*NAMES[1:]))
    tale.clock.turn(hours=-hours)
    for _ in range(3):
        await tale.visit(main=listing(*NAMES[1:]))
    assert await tale.kinds() == ["listed", "withdrawn"]
    assert await told_again(tale, PlainReader(), tmp_path, dry=True) == (set(), set())


async def test_other_rules_show_what_they_would_have_concluded(tale: Tale, tmp_path: Path) -> None:
    await tale.visit(main=listing(*NAMES[:4]))
    await tale.visit(main=listing(*NAMES[:5]))
    await tale.visit(main=listing(*NAMES))
    assert await told_again(tale, Sharper("Estol"), tmp_path, dry=True) == (set(), {"listed Estol"})
    assert await tale.kinds() == ["listed", "listed"]


async def test_what_is_taken_over_is_believed_and_alerts_nobody(tale: Tale, tmp_path: Path) -> None:
    tale.reader = Sharper("Fervo")
    await tale.visit(main=listing(*NAMES[:5]))
    await tale.visit(main=listing(*NAMES))
    assert await tale.kinds() == []
    await tale.store.subscribe(["ear"])
    assert await told_again(tale, PlainReader(), tmp_path, dry=False) == ({"listed Fervo"}, set())
    assert await tale.kinds() == ["listed"]
    assert await tale.store.undelivered() == ()  # old news
    state = await tale.store.state("gang")
    assert {entry.title for entry in state.roster.entries.values()} == set(NAMES)
    assert await told_again(tale, PlainReader(), tmp_path, dry=True) == (set(), set())
