"""One visit, told over fakes: what is asked, kept, read and concluded, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.props.fakes import (
    Answer,
    LoopClock,
    MemoryStore,
    PlainReader,
    ScriptedFetcher,
    in_no_time,
    listing,
    page,
)
from watcher.edge.live import Live
from watcher.look import Means, Visited
from watcher.ports import Ask
from watcher.records import Exchange, Page, Policy, Reading, Site
from watcher.visit import MOST_PAGES, visit

MAIN, SECOND = "http://main.onion/", "http://second.onion/"
SITE = Site(name="gang", mirrors=(MAIN, SECOND))
NAMES = ("Acme", "Brill", "Corva", "Dremo", "Estol", "Fervo")


class Teller:
    """Tells visits one after another, ten minutes apart, and remembers what came of them."""

    def __init__(self, site: Site = SITE, *, policy: Policy | None = None) -> None:
        self.site = site
        self.clock = LoopClock()
        self.fetcher = ScriptedFetcher(self.clock)
        self.store = MemoryStore()
        self.reader = PlainReader()
        self.live = Live(self.fetcher, self.store, self.clock)
        self.visits = 0
        self.policy = policy or Policy(confirm_visits=3, confirm_after=timedelta(0))

    @property
    def means(self) -> Means:
        return Means(
            retrieve=self.live,
            store=self.store,
            reader=self.reader,
            clock=self.clock,
            policy=self.policy,
            vantage="local",
            timeout=timedelta(seconds=90),
        )

    async def visit(self, mirrors: Sequence[str] = (MAIN, SECOND), **answers: Answer) -> Visited:
        """A visit over a fresh circuit; ``main=``, ``second=`` are what the mirrors answer from now on."""
        for name, answer in answers.items():
            self.fetcher.answers[f"http://{name}.onion/"] = answer
        self.clock.set_by(minutes=10)
        self.visits += 1
        return await visit(self.site, mirrors, f"circuit-{self.visits}", self.means)

    def own_pages(self, answer: Answer, *names: str) -> None:
        for name in names:
            for mirror in (MAIN, SECOND):
                self.fetcher.answers[f"{mirror}{name.lower()}"] = answer

    def kinds(self) -> list[tuple[str, str]]:
        return [(event.kind, event.entry.title if event.entry else "") for event in self.store.events]


def test_bytes_are_kept_before_they_are_read() -> None:
    class Witness(PlainReader):
        async def read(self, page: Page, *others: object) -> tuple[Reading, bytes]:
            assert [capture.url for capture in teller.store.captures] == [page.url]
            assert teller.store.underway == [teller.store.captures[0].visit]
            return await super().read(page, *others)  # type: ignore[arg-type]

    async def story() -> None:
        teller.reader = Witness()
        visited = await teller.visit(main=listing(*NAMES))
        assert visited.snapshot.complete
        assert teller.store.underway == []
        (outcome,) = teller.store.outcomes
        assert set(outcome.readings) == {visited.captures[0].id}
        assert (await teller.store.state("gang")).memory == b"1"

    teller = Teller()
    in_no_time(story())


def test_a_baseline_tells_of_nothing_and_a_new_entry_is_told_at_once() -> None:
    async def story() -> None:
        assert (await teller.visit(main=listing(*NAMES[:5]))).events == ()
        teller.own_pages(page("detail"), *NAMES)
        (event,) = (await teller.visit(main=listing(*NAMES))).events
        assert (event.kind, event.entry and event.entry.title) == ("listed", "Fervo")
        # the known titles went to the reader, so that it can tell a listing from a page about one of them
        assert teller.reader.read_so_far[1][1] == NAMES[:5]

    teller = Teller()
    in_no_time(story())


# ------------------------------------------------------------------------------------------------------- mirrors


@pytest.mark.parametrize(
    "useless", ["unreachable", "timeout", "refused", page("error", 502), page("blocked"), page("login"), page("seized")]
)
def test_a_mirror_that_shows_nothing_is_passed_over(useless: Answer) -> None:
    async def story() -> None:
        visited = await teller.visit(main=useless, second=listing(*NAMES))
        assert (visited.snapshot.verdict, visited.snapshot.mirror) == ("listing", SECOND)
        assert visited.snapshot.complete
        assert not visited.is_miss
        assert visited.failing == {MAIN}
        assert [capture.mirror for capture in visited.captures] == [MAIN, SECOND]  # what it said is kept all the same

    teller = Teller()
    in_no_time(story())


def test_the_second_mirror_is_not_asked_if_the_first_one_answers() -> None:
    async def story() -> None:
        visited = await teller.visit(main=listing(*NAMES), second=listing())
        assert teller.fetcher.urls == [MAIN]
        assert visited.failing == frozenset()

    teller = Teller()
    in_no_time(story())


@pytest.mark.parametrize(
    ("main", "second", "verdict", "mirror", "is_miss"),
    [
        ("unreachable", "timeout", "timeout", SECOND, True),
        (page("blocked"), "unreachable", "blocked", MAIN, False),
        ("unreachable", page("error", 502), "error", SECOND, False),
        (page("seized"), page("error", 502), "seized", MAIN, False),
    ],
)
def test_where_no_mirror_shows_anything_what_the_first_one_says_counts(
    main: Answer, second: Answer, verdict: str, mirror: str, is_miss: bool
) -> None:
    async def story() -> None:
        visited = await teller.visit(main=main, second=second)
        assert (visited.snapshot.verdict, visited.snapshot.mirror) == (verdict, mirror)
        assert visited.is_miss is is_miss
        assert visited.failing == {MAIN, SECOND}
        assert not visited.snapshot.complete

    teller = Teller()
    in_no_time(story())


def test_pages_of_two_mirrors_are_never_mixed() -> None:
    """They may be out of step: an entry could be on page 2 of one and on page 1 of the other, and so on neither."""

    async def story() -> None:
        main = listing(*NAMES[:3], more=[f"{MAIN}page/2/"])
        visited = await teller.visit(main=main, second=listing(*NAMES))
        assert teller.fetcher.urls == [MAIN, f"{MAIN}page/2/"]
        assert not visited.snapshot.complete
        assert not visited.is_miss  # something of the listing was seen

    teller = Teller()
    in_no_time(story())


# ---------------------------------------------------------------------------------------------------- pagination


def paged(teller: Teller, second_page: Answer) -> Answer:
    pages = [f"{MAIN}page/2/", f"{MAIN}page/3/"]
    teller.fetcher.answers[pages[0]] = second_page
    teller.fetcher.answers[pages[1]] = listing(*NAMES[4:])
    return listing(*NAMES[:2], more=pages)


def test_a_listing_is_read_to_its_last_page() -> None:
    async def story() -> None:
        visited = await teller.visit(main=paged(teller, listing(*NAMES[2:4])))
        assert visited.snapshot.complete
        assert tuple(entry.title for entry in visited.snapshot.entries) == NAMES
        assert [hints.number for _, _, hints in teller.reader.read_so_far if hints] == [1, 2, 3]
        assert {hints.mirror for _, _, hints in teller.reader.read_so_far if hints} == {MAIN}
        assert visited.snapshot.seen_in["/estol"] == visited.captures[2].id

    teller = Teller()
    in_no_time(story())


@pytest.mark.parametrize("fault", [page("error", 502), "unreachable", "timeout", page("blocked")])
def test_page_2_of_3_fails_and_nothing_is_withdrawn(fault: Answer) -> None:
    async def story() -> None:
        await teller.visit(main=paged(teller, listing(*NAMES[2:4])))
        for _ in range(5):
            visited = await teller.visit(main=paged(teller, fault))
            assert not visited.snapshot.complete
        state = await teller.store.state("gang")
        assert {entry.standing for entry in state.roster.entries.values()} == {"listed"}
        assert [kind for kind, _ in teller.kinds() if kind in {"withdrawn", "vanished"}] == []
        # and once it is whole again, all is as before
        visited = await teller.visit(main=paged(teller, listing(*NAMES[2:4])))
        assert visited.snapshot.complete
        assert [kind for kind, _ in teller.kinds() if kind == "relisted"] == []

    teller = Teller(Site(name="gang", mirrors=(MAIN,)))
    in_no_time(story())


def test_a_listing_without_end_is_incomplete() -> None:
    class Endless(ScriptedFetcher):
        def _next(self, url: str) -> Answer:
            return listing(f"Victim {len(self.asks)}", more=[f"{MAIN}page/{len(self.asks) + 1}/"])

    async def story() -> None:
        teller.live = Live(Endless(teller.clock), teller.store, teller.clock)
        visited = await teller.visit()
        assert len(visited.captures) == MOST_PAGES
        assert not visited.snapshot.complete

    teller = Teller()
    in_no_time(story())


# ----------------------------------------------------------------------------------------------- entries' own pages


def test_an_entry_that_left_is_withdrawn_with_its_own_page_and_a_control_as_witnesses() -> None:
    async def story() -> None:
        teller.own_pages(page("detail"), *NAMES)
        await teller.visit(main=listing(*NAMES))
        teller.own_pages(page("error", 404, why=["no-such-page"]), "Brill")
        left = [name for name in NAMES if name != "Brill"]
        for number in range(3):
            visited = await teller.visit(main=listing(*left))
            probed = [capture.url for capture in visited.captures if capture.target == "detail"]
            assert probed[0] == f"{MAIN}brill"
            assert len(probed) == 2
            assert probed[1].removeprefix(MAIN).capitalize() in left  # the control: an entry that is still there
            assert bool(visited.events) is (number == 2)
        assert teller.kinds() == [("withdrawn", "Brill")]
        (event,) = teller.store.events
        assert "detail-offline" in event.why

    teller = Teller()
    in_no_time(story())


def test_where_no_own_page_answers_they_are_no_witness() -> None:
    async def story() -> None:
        teller.own_pages(page("detail"), *NAMES)
        await teller.visit(main=listing(*NAMES))
        teller.own_pages(page("error", 404, why=["no-such-page"]), *NAMES)
        for _ in range(4):
            await teller.visit(main=listing(*(name for name in NAMES if name != "Brill")))
        assert all("detail-offline" not in event.why for event in teller.store.events)

    teller = Teller()
    in_no_time(story())


def test_own_pages_are_asked_of_the_mirror_that_showed_the_listing() -> None:
    async def story() -> None:
        await teller.visit(main=listing(*NAMES))
        await teller.visit(main="unreachable", second=listing(*NAMES[1:]))
        assert teller.fetcher.urls[-2] == f"{SECOND}acme"

    teller = Teller()
    in_no_time(story())


@pytest.mark.parametrize("why", ["detail = false", "incomplete", "no time left"])
def test_own_pages_that_are_not_asked_for(why: str) -> None:
    async def story() -> None:
        await teller.visit(main=listing(*NAMES))
        seconds, complete = (90.0 if why == "no time left" else 1.0), why != "incomplete"
        teller.site = Site(name="gang", mirrors=(MAIN,), detail=why != "detail = false")
        await teller.visit([MAIN], main=listing(*NAMES[1:], seconds=seconds, complete=complete))
        assert teller.fetcher.urls == [MAIN, MAIN]

    teller = Teller()
    in_no_time(story())


# ----------------------------------------------------------------------------------------------------------- time


def test_all_pages_of_a_visit_share_its_time() -> None:
    async def story() -> None:
        teller.site = Site(name="gang", mirrors=(MAIN,))
        first = listing(*NAMES[:3], more=[f"{MAIN}page/2/"], seconds=60)
        teller.fetcher.answers[f"{MAIN}page/2/"] = listing(*NAMES[3:], seconds=60)
        visited = await teller.visit([MAIN], main=first)
        assert [ask.timeout_seconds for ask in teller.fetcher.asks] == [90, 30]
        assert [capture.verdict for capture in visited.captures] == ["", "timeout"]
        assert visited.captures[-1].finished_at - visited.captures[0].requested_at == timedelta(seconds=90)

    teller = Teller()
    in_no_time(story())


def test_a_mirror_that_hangs_leaves_time_for_the_others() -> None:
    async def story() -> None:
        pages = [f"{SECOND}page/2/"]
        teller.fetcher.answers[pages[0]] = listing(*NAMES[3:], seconds=20)
        visited = await teller.visit(main=listing(seconds=10_000), second=listing(*NAMES[:3], more=pages, seconds=20))
        assert visited.snapshot.complete
        assert visited.failing == {MAIN}
        assert [ask.timeout_seconds for ask in teller.fetcher.asks] == [45, 45, 25]

    teller = Teller()
    in_no_time(story())


def test_a_site_that_hangs_costs_the_time_of_one_visit() -> None:
    async def story() -> None:
        began = teller.clock.now()
        visited = await teller.visit(main=listing(seconds=10_000), second=listing(seconds=10_000))
        assert (visited.is_miss, visited.snapshot.verdict, visited.failing) == (True, "timeout", {MAIN, SECOND})
        assert teller.clock.now() - began == timedelta(minutes=10, seconds=90)

    teller = Teller()
    in_no_time(story())


def test_a_clock_that_is_set_back_lengthens_no_visit() -> None:
    class Setting(ScriptedFetcher):
        def _next(self, url: str) -> Answer:
            teller.clock.set_by(hours=-5)
            return super()._next(url)

    async def story() -> None:
        teller.fetcher = Setting(teller.clock)
        teller.live = Live(teller.fetcher, teller.store, teller.clock)
        teller.fetcher.answers[f"{MAIN}page/2/"] = listing(*NAMES[3:])
        await teller.visit(main=listing(*NAMES[:3], more=[f"{MAIN}page/2/"]))
        assert max(ask.timeout_seconds for ask in teller.fetcher.asks) == 90

    teller = Teller()
    in_no_time(story())


# --------------------------------------------------------------------------------------------------- broken off


def test_nothing_follows_from_a_visit_that_was_cut_short() -> None:
    async def story() -> None:
        before = (await teller.visit(main=listing(*NAMES))).decision.roster
        teller.live.cut_short()
        visited = await teller.visit()
        assert [(capture.verdict, capture.why[0]) for capture in visited.captures] == [("timeout", "stopped")]
        assert teller.fetcher.urls == [MAIN]  # nothing more was asked
        assert visited.decision.roster == before
        assert teller.store.underway == []  # and yet it is recorded

    teller = Teller()
    in_no_time(story())


def test_a_clock_that_jumps_makes_no_loss_old() -> None:
    """Each capture notes the machine's own clock: by that one, the list has been short for an hour only."""

    class Dated(ScriptedFetcher):
        async def fetch(self, ask: Ask) -> tuple[Exchange, ...]:
            facts = {"monotonic_start": 600.0 * teller.visits, "boot_id": "this"}
            return tuple(replace(exchange, facts=facts) for exchange in await super().fetch(ask))

    async def story() -> None:
        await teller.visit(main=listing(*NAMES))
        for number in range(6):
            teller.clock.set_by(days=number == 3)
            await teller.visit(main=listing(*NAMES[:3]))
        assert ("withdrawn", "Fervo") not in teller.kinds()

    teller = Teller()
    teller.fetcher = Dated(teller.clock)
    teller.live = Live(teller.fetcher, teller.store, teller.clock)
    in_no_time(story())
