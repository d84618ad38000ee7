"""The long-running process, over fakes and in a loop that never waits: days of it in milliseconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.props.fakes import (
    START,
    Answer,
    LoopClock,
    MemoryStore,
    PlainReader,
    ScriptedFetcher,
    in_no_time,
    listing,
)
from watcher.core.cadence import LONGEST
from watcher.edge.live import Live
from watcher.errors import ProxyError, StoreDamaged, StoreFull, WatcherError
from watcher.look import Means, Visited
from watcher.ports import Ask
from watcher.records import Entry, Exchange, Hints, Page, Policy, Reading, Site
from watcher.watch import (
    AT_ONCE,
    GRACE_SECONDS,
    LAST_SECONDS,
    STARTS_A_SECOND,
    STARTS_AT_ONCE,
    Isolate,
    Outside,
    Watch,
)

NAMES = ("Acme", "Brill", "Corva", "Dremo", "Estol", "Fervo")
SAID = tuple(
    Entry(key=f"/{name.lower()}", title=name, fields={"size": "9 GB"} if name == "Acme" else {}) for name in NAMES
)
TIMEOUT = timedelta(seconds=90)
GONE = ProxyError("the proxy is gone", hint="start it")
FULL = StoreFull("no room", hint="make room")


def site(name: str = "gang", every: timedelta | str = "15m", mirrors: Sequence[str] = ()) -> Site:
    """Its mirrors are ``http://NAME.onion/`` unless others are named."""
    minutes = every if isinstance(every, timedelta) else timedelta(minutes=float(every.rstrip("m")))
    return Site(name=name, mirrors=tuple(mirrors) or (f"http://{name}.onion/",), every=minutes, detail=False)


class World:
    """A watcher in a world of fakes, started anew as often as a test wants."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.fetcher = ScriptedFetcher(self.clock)
        self.store = MemoryStore()
        self.reader = PlainReader()
        self.policy = Policy()
        self.wrong: WatcherError | None = None
        """What is wrong with proxy or store, for whoever asks."""
        self.finished: list[str] = []
        self.visited: list[Visited] = []
        self.at: list[float] = []
        """When each visit ended."""
        self.watch: Watch
        self.means: Means

    def answer(self, name: str, answer: Answer) -> None:
        self.fetcher.answers[f"http://{name}.onion/"] = answer

    def start(self, *, isolate: Isolate = "site", chance: Callable[[], float] = lambda: 0.0) -> Watch:
        """A fresh watcher on the same store: as if the process had been started again."""
        live = Live(self.fetcher, self.store, self.clock)
        self.means = Means(
            retrieve=live,
            store=self.store,
            reader=self.reader,
            clock=self.clock,
            policy=self.policy,
            vantage="local",
            timeout=TIMEOUT,
        )
        outside = Outside(well=self._well, finish=self._finish, cut_short=live.cut_short)
        self.watch = Watch(self.means, self.store, outside, isolate=isolate, on_visit=self._on_visit, chance=chance)
        return self.watch

    async def run(self, *sites: Site, seconds: float, **options: Any) -> None:
        """Watch for so long, and stop."""
        async with Running(self, sites, **options):
            await asyncio.sleep(seconds)

    async def _well(self) -> None:
        if self.wrong:
            raise self.wrong

    async def _finish(self, concerned: Site, means: Means) -> tuple[Visited, ...]:
        self.finished.append(concerned.name)
        for visit in [visit for visit in self.store.underway if visit.startswith(f"{concerned.name}@")]:
            self.store.underway.remove(visit)
        return ()

    def _on_visit(self, visited: Visited) -> None:
        self.visited.append(visited)
        self.at.append(asyncio.get_running_loop().time())

    @property
    def counts(self) -> Counter[str]:
        return Counter(visited.site for visited in self.visited)


class Running:
    """The watcher at work while the ``async with`` block lasts."""

    def __init__(self, world: World, sites: Sequence[Site], **options: Any) -> None:
        self._world, self._sites, self._stop = world, sites, asyncio.Event()
        self._watch = world.start(**options)

    async def __aenter__(self) -> Watch:
        self._task = asyncio.create_task(self._watch.run(self._sites, self._stop))
        return self._watch

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._task


def told(logs: Sequence[Any], event: str) -> list[Any]:
    return [line for line in logs if line["event"] == event]


# ------------------------------------------------------------------------------------------------------- schedule


def test_each_site_is_visited_at_its_own_interval() -> None:
    async def story() -> None:
        for name in ("often", "seldom"):
            world.answer(name, listing(*NAMES))
        await world.run(site("often", "15m"), site("seldom", "240m"), seconds=24 * 3600 - 1)
        assert world.counts == {"often": 96, "seldom": 6}

    world = World()
    in_no_time(story())


def test_visits_are_spread_by_chance() -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES))
        await world.run(site(), seconds=3600, chance=iter([0.0, 0.5, 0.99, 0.0, 0.0]).__next__)
        gaps = [later - earlier for earlier, later in zip(world.at, world.at[1:], strict=False)]
        assert gaps == pytest.approx([900, 945, 989.1])

    world = World()
    in_no_time(story())


def test_a_site_that_does_not_answer_is_asked_less_and_less_often() -> None:
    async def story() -> None:
        await world.run(site(every="60m"), seconds=30 * 3600)
        gaps = [round(later - earlier) for earlier, later in zip(world.at, world.at[1:], strict=False)]
        assert gaps == [3600, 7200, 14400, 21600, 21600, 21600]
        assert gaps[-1] == LONGEST.total_seconds()
        world.answer("gang", listing(*NAMES))
        await asyncio.sleep(7 * 3600)
        await world.run(site(every="60m"), seconds=7 * 3600 - 1)
        assert world.counts["gang"] == 7 + 7  # one answer, and it is back at its own interval

    world = World()
    in_no_time(story())


def test_something_missing_is_looked_for_soon_each_time_over_a_fresh_circuit() -> None:
    async def story() -> None:
        world.policy = Policy(confirm_visits=3, confirm_after=timedelta(0), confirm_gap=timedelta(minutes=5))
        world.answer("gang", [listing(*NAMES), listing(*NAMES[1:])])
        await world.run(site(every="60m"), seconds=3600 + 700)
        assert [round(at) for at in world.at] == [0, 3600, 3900, 4200]
        tokens = [ask.isolation for ask in world.fetcher.asks]
        assert tokens[0] == tokens[1]
        assert len(set(tokens)) == 3
        assert [event.kind for event in world.store.events] == ["withdrawn"]

    world = World()
    in_no_time(story())


@pytest.mark.parametrize(("isolate", "different"), [("site", 1), ("visit", 4), ("none", 1)])
def test_whose_circuits_are_shared(isolate: Isolate, different: int) -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES))
        world.answer("other", listing(*NAMES))
        await world.run(site(), site("other"), seconds=3599, isolate=isolate)
        tokens = {name: {ask.isolation for ask in world.fetcher.asks if name in ask.url} for name in ("gang", "other")}
        assert {name: len(found) for name, found in tokens.items()} == {"gang": different, "other": different}
        assert (tokens["gang"] == tokens["other"] == {""}) is (isolate == "none")

    world = World()
    in_no_time(story())


def test_where_more_is_new_adaptive_sites_are_looked_at_more_often() -> None:
    async def story() -> None:
        def news(count: int) -> Answer:
            return [listing(*(f"Victim{number}" for number in range(5 + count * step))) for step in range(100)]

        for name, count in (("busy", 1), ("quiet", 0)):
            world.answer(name, news(count))
        sites = [
            Site(name=n, mirrors=(f"http://{n}.onion/",), every="adaptive", detail=False) for n in ("busy", "quiet")
        ]
        await world.run(*sites, seconds=8 * 3600)
        assert world.counts["busy"] > 2 * world.counts["quiet"]
        assert world.counts["quiet"] >= 2

    world = World()
    in_no_time(story())


@pytest.mark.parametrize(
    ("then", "minutes"),
    [
        ([listing(*NAMES)], [15, 15, 15, 15]),
        ([listing(*NAMES, entries=SAID)], [15, 5, 15, 15]),  # one entry says something else; then all is as usual
        (["unreachable"], [15, 5, 30, 60]),  # the next miss is no reason to hurry again
        (["unreachable", listing(*NAMES)], [15, 5, 15, 15]),
    ],
)
def test_after_news_or_a_miss_an_adaptive_site_is_looked_at_once_more_soon(
    then: list[Answer], minutes: list[int]
) -> None:
    async def story() -> None:
        world.policy = Policy(confirm_gap=timedelta(minutes=5))
        world.answer("gang", [listing(*NAMES), *then])
        one = Site(name="gang", mirrors=("http://gang.onion/",), every="adaptive", detail=False)
        await world.run(one, seconds=4 * 3600)
        gaps = [round((later - earlier) / 60) for earlier, later in zip(world.at, world.at[1:], strict=False)]
        assert gaps[: len(minutes)] == minutes

    world = World()
    in_no_time(story())


# -------------------------------------------------------------------------------------------------- many at once


def test_many_that_are_due_together_start_spread_out_and_not_too_many_fly() -> None:
    async def story() -> None:
        sites = [site(f"s{number}") for number in range(1000)]
        for one in sites:
            world.answer(one.name, listing(*NAMES, seconds=30))
        await world.run(*sites, seconds=200)
        asked = [(one.requested_at - START).total_seconds() for one in world.store.captures]
        assert len(asked) == 1000
        assert sum(at < 0.001 for at in asked) <= STARTS_AT_ONCE + 1
        assert all(
            sum(at <= moment < at + 1 for moment in asked) <= STARTS_A_SECOND + STARTS_AT_ONCE + 1 for at in asked
        )
        assert world.fetcher.most_flying == AT_ONCE

    world = World()
    in_no_time(story())


def test_check_visits_everyone_once_whatever_the_schedule_says() -> None:
    async def story() -> None:
        sites = [site(f"s{number}") for number in range(300)]
        for one in sites:
            world.answer(one.name, listing(*NAMES, seconds=0.6))
        assert await world.start().check(sites) == ()
        assert sorted(world.counts) == sorted(one.name for one in sites)
        assert len(world.visited) == 300
        await world.start().check(sites)
        assert set(world.counts.values()) == {2}
        assert 250 > world.fetcher.most_flying > 2 * STARTS_AT_ONCE

    world = World()
    in_no_time(story())


# --------------------------------------------------------------------------------------------------------- starts


def test_a_new_process_goes_on_where_the_last_one_was() -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES))
        await world.run(site(), seconds=300)
        await world.run(site(), seconds=300)
        assert len(world.at) == 1  # it was visited already, and is not due
        await world.run(site(), seconds=400)
        assert [round(at) for at in world.at] == [0, 900]

    world = World()
    in_no_time(story())


def test_misses_are_remembered_over_a_start() -> None:
    async def story() -> None:
        for _ in range(40):
            await world.run(site(every="60m"), seconds=1800)
        assert world.counts["gang"] == 6  # after 0, 1, 3, 7, 13 and 19 hours

    world = World()
    in_no_time(story())


def test_a_mirror_is_asked_in_its_turn_over_starts_and_one_that_failed_comes_last() -> None:
    mirrors = ("http://a.onion/", "http://b.onion/", "http://c.onion/")

    async def story() -> None:
        for name in "abc":
            world.answer(name, listing(*NAMES))
        for _ in range(4):
            await world.start().check([site(mirrors=mirrors)])
            await asyncio.sleep(60)
        assert world.fetcher.urls == [*mirrors, mirrors[0]]
        world.answer("b", "unreachable")
        world.fetcher.asks.clear()
        for _ in range(4):
            await world.start().check([site(mirrors=mirrors)])
            await asyncio.sleep(60)
        a, b, c = mirrors  # b fails and c is read in its stead; then b has to wait for its next turn
        assert world.fetcher.urls == [b, c, a, b, c, a]

    world = World()
    in_no_time(story())


def test_mirrors_take_turns_within_a_process_too() -> None:
    mirrors = ("http://a.onion/", "http://b.onion/")

    async def story() -> None:
        world.answer("a", listing(*NAMES))
        world.answer("b", listing(*NAMES))
        await world.run(site(mirrors=mirrors), seconds=3599)
        assert world.fetcher.urls == [*mirrors, *mirrors]

    world = World()
    in_no_time(story())


@pytest.mark.parametrize("back", [timedelta(days=30), timedelta(seconds=-1)])
def test_a_clock_that_was_set_puts_no_site_to_sleep(back: timedelta) -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES))
        await world.run(site(), seconds=60)
        world.clock.set_by(seconds=-back.total_seconds())
        await world.run(site(), seconds=1000)
        assert world.counts["gang"] == 2

    world = World()
    in_no_time(story())


def test_a_clock_that_jumps_while_watching_changes_no_interval() -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES))
        async with Running(world, [site()]):
            for hours in (-7, 7, 48, -48):
                await asyncio.sleep(900)
                world.clock.set_by(hours=hours)
            await asyncio.sleep(800)
        assert world.counts["gang"] == 5

    world = World()
    in_no_time(story())


# -------------------------------------------------------------------------------------------------------- trouble


def test_one_site_that_makes_our_code_raise_stops_no_other() -> None:
    async def story() -> None:
        for name in ("bad", "good"):
            world.answer(name, listing(*NAMES))
        world.reader.poison.add("http://bad.onion/")
        with capture_logs() as logs:
            await world.run(site("bad"), site("good"), seconds=3599)
        assert world.counts == {"good": 4}
        # its pages are kept all the same, and it is asked less and less often
        assert len(told(logs, "visit failed")) == len(world.store.captures) - 4 == 3
        assert all("a fault in our code" in line["error"] for line in told(logs, "trouble"))
        world.reader.poison.clear()
        await world.run(site("bad"), seconds=60)
        assert world.counts["bad"] == 1

    world = World()
    in_no_time(story())


def test_check_goes_on_past_a_site_that_makes_our_code_raise() -> None:
    async def story() -> None:
        sites = [site(name) for name in ("bad", "good", "late")]
        for one in sites:
            world.answer(one.name, listing(*NAMES, seconds=5 if one.name == "late" else 0))
        world.reader.poison.add("http://bad.onion/")
        with capture_logs():
            (trouble,) = await world.start().check(sites)
        assert sorted(world.counts) == ["good", "late"]
        assert "bad: the visit failed: ZeroDivisionError" in str(trouble)

    world = World()
    in_no_time(story())


@pytest.mark.parametrize("wrong", [GONE, FULL], ids=["proxy", "disk"])
def test_trouble_that_concerns_all_is_told_once_and_waited_out(wrong: WatcherError) -> None:
    async def story() -> None:
        sites = [site(f"s{number}", "5m") for number in range(20)]
        for one in sites:
            world.answer(one.name, listing(*NAMES))
        with capture_logs() as logs:
            async with Running(world, sites):
                await asyncio.sleep(100)
                world.wrong = wrong
                break_all(world, sites, wrong)
                await asyncio.sleep(3600)
                asked = len(world.fetcher.asks)
                await asyncio.sleep(3600)
                assert len(world.fetcher.asks) == asked  # nobody is asked in vain
                world.wrong = world.store.trouble = None
                for one in sites:
                    world.answer(one.name, listing(*NAMES))
                await asyncio.sleep(60)
                assert set(world.counts.values()) == {2}
        assert [line["error"] for line in told(logs, "watching waits")] == [str(wrong)]
        assert len(told(logs, "all is well again")) == 1
        assert not any(capture.is_miss for capture in world.store.captures)  # no site is blamed
        # and it is an alarm if it takes too long
        assert [(line["targets"], line["longest"] in world.counts) for line in told(logs, "unchecked")] == [(20, True)]

    world = World()
    in_no_time(story())


def break_all(world: World, sites: Sequence[Site], wrong: WatcherError) -> None:
    if isinstance(wrong, StoreFull):
        world.store.trouble = wrong
    else:
        for one in sites:
            world.answer(one.name, wrong)


def test_trouble_that_comes_and_goes_is_told_each_time_it_comes() -> None:
    async def story() -> None:
        world.answer("gang", [GONE, listing(*NAMES), GONE, listing(*NAMES)])
        with capture_logs() as logs:
            await world.run(site(), seconds=1500)
        assert [line["event"] for line in logs if line["event"] != "stopping"] == [
            "watching waits", "all is well again", "watching waits", "all is well again",
        ]  # fmt: skip
        assert world.counts["gang"] == 2
        assert world.at[0] < 5  # it does not wait for the next interval

    world = World()
    in_no_time(story())


def test_a_damaged_body_is_one_sites_trouble() -> None:
    async def story() -> None:
        world.answer("bad", StoreDamaged("a body is not what was kept", hint="look"))
        world.answer("good", listing(*NAMES))
        with capture_logs() as logs:
            await world.run(site("bad"), site("good"), seconds=3599)
        assert world.counts == {"good": 4}
        assert told(logs, "watching waits") == []
        assert {line["site"] for line in told(logs, "trouble")} == {"bad"}

    world = World()
    in_no_time(story())


def test_a_site_whose_trouble_only_looks_like_everyones_is_not_hammered() -> None:
    """What it has to keep cannot be written, and all else can."""

    async def story() -> None:
        world.answer("bad", StoreFull("a body does not fit", hint="make room"))
        world.answer("good", listing(*NAMES))
        with capture_logs():
            await world.run(site("bad"), site("good"), seconds=3599)
        assert world.counts == {"good": 4}
        assert 5 < sum("bad" in ask.url for ask in world.fetcher.asks) < 12

    world = World()
    in_no_time(story())


@pytest.mark.parametrize("wrong", [GONE, FULL], ids=["proxy", "disk"])
def test_trouble_that_concerns_all_ends_a_check(wrong: WatcherError) -> None:
    async def story() -> None:
        sites = [site(f"s{number}") for number in range(400)]
        for one in sites:
            world.answer(one.name, listing(*NAMES, seconds=30))
        world.answer("s7", wrong)
        assert await world.start().check(sites) == (wrong,)
        assert world.visited == []
        assert asyncio.get_running_loop().time() < 1
        assert world.store.captures == []

    world = World()
    in_no_time(story())


def test_what_the_printing_of_a_check_raises_ends_it() -> None:
    async def story() -> None:
        sites = [site(f"s{number}") for number in range(3)]
        for one in sites:
            world.answer(one.name, listing(*NAMES, seconds=3 if one.name == "s2" else 0))

        def closed(_: Visited) -> None:
            raise BrokenPipeError

        world.start()._on_visit = closed
        with pytest.raises(BrokenPipeError):
            await world.watch.check(sites)
        assert asyncio.get_running_loop().time() < 1

    world = World()
    in_no_time(story())


def test_a_visit_that_was_broken_off_is_finished_before_the_next_one() -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES))
        world.answer("other", listing(*NAMES))
        world.store.underway.append("gang@2026-11-22T08:00:00.000000Z")
        await world.store.schedule("gang", START + timedelta(minutes=14))
        await world.store.schedule("other", START + timedelta(minutes=14))
        await world.run(site(), site("other"), seconds=600)
        assert world.finished == ["gang"]
        assert world.counts == {"gang": 1}  # at once: nobody knows what it would have seen

    world = World()
    in_no_time(story())


def test_a_visit_that_trouble_broke_off_is_finished_in_the_same_process() -> None:
    async def story() -> None:
        world.answer("gang", [listing(*NAMES, more=["http://gang.onion/2"])])
        world.fetcher.answers["http://gang.onion/2"] = [GONE, listing("Gorvo")]
        with capture_logs():
            await world.run(site(), seconds=60)
        assert world.finished == ["gang"]
        assert world.counts == {"gang": 1}
        assert world.store.underway == []

    world = World()
    in_no_time(story())


def test_a_visit_that_cannot_be_finished_does_not_keep_its_site_from_being_watched() -> None:
    class Poisoned(World):
        async def _finish(self, concerned: Site, means: Means) -> tuple[Visited, ...]:
            await super()._finish(concerned, means)
            raise ZeroDivisionError("a fault in our code")

    async def story() -> None:
        world.answer("gang", listing(*NAMES))
        world.store.underway.append("gang@2026-11-22T08:00:00.000000Z")
        with capture_logs():
            await world.run(site(), seconds=3600)
        assert world.finished == ["gang"]
        assert world.counts["gang"] == 3

    world = Poisoned()
    in_no_time(story())


def test_a_visit_that_hangs_is_given_up() -> None:
    class Stuck(PlainReader):
        async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
            if "bad" in page.url:
                await asyncio.sleep(10**9)
            return await super().read(page, memory, known, hints)

    async def story() -> None:
        world.reader = Stuck()
        for name in ("bad", "good"):
            world.answer(name, listing(*NAMES))
        with capture_logs() as logs:
            await world.run(site("bad"), site("good"), seconds=3599)
        assert world.counts == {"good": 4}
        given_up = told(logs, "trouble")
        assert "hung" in given_up[0]["error"]
        assert len(given_up) == 2  # at 390 s and, a quarter of an hour later, at 1680 s; the next is half an hour away

    world = World()
    in_no_time(story())


# ----------------------------------------------------------------------------------------------- other settings


def test_sites_come_and_go_while_watching() -> None:
    async def story() -> None:
        for name in ("stays", "goes", "comes"):
            world.answer(name, listing(*NAMES))
        async with Running(world, [site("stays"), site("goes")]) as watch:
            await asyncio.sleep(60)
            await watch.use([site("stays"), site("comes")], world.means, "site")
            await asyncio.sleep(3000)
        assert world.counts == {"stays": 4, "goes": 1, "comes": 4}

    world = World()
    in_no_time(story())


def test_a_shorter_interval_counts_from_now() -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES))
        async with Running(world, [site(every="600m")]) as watch:
            await asyncio.sleep(60)
            await watch.use([site(every="5m")], world.means, "site")
            await asyncio.sleep(310)
        assert world.counts["gang"] == 2

    world = World()
    in_no_time(story())


def test_a_site_that_is_taken_out_and_put_back_is_never_visited_twice_at_a_time() -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES, seconds=50))
        async with Running(world, [site()]) as watch:
            for _ in range(3):
                await asyncio.sleep(5)
                await watch.use([], world.means, "site")
                await watch.use([site()], world.means, "site")
            await asyncio.sleep(200)
        assert world.fetcher.most_flying == 1
        assert world.counts["gang"] == 2  # the one that was in flight, and one for the site as it is now

    world = World()
    in_no_time(story())


def test_the_next_visit_goes_by_the_new_policy() -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES, seconds=1000))
        async with Running(world, [site()]) as watch:
            await asyncio.sleep(100)
            longer = Means(
                retrieve=world.means.retrieve,
                store=world.store,
                reader=world.reader,
                clock=world.clock,
                policy=world.policy,
                vantage="local",
                timeout=timedelta(seconds=2000),
            )
            await watch.use([site()], longer, "site")
            await asyncio.sleep(2500)
        assert [ask.timeout_seconds for ask in world.fetcher.asks][:2] == [90, 2000]
        assert [visited.is_miss for visited in world.visited][:2] == [True, False]

    world = World()
    in_no_time(story())


# ------------------------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize(("seconds", "verdict", "took"), [(5, "listing", 4), (60, "timeout", GRACE_SECONDS)])
def test_a_stop_lets_visits_finish_or_records_them_as_misses(seconds: float, verdict: str, took: float) -> None:
    async def story() -> None:
        names = [f"s{number}" for number in range(20)]
        for name in names:
            world.answer(name, listing(*NAMES, seconds=seconds))
        async with Running(world, [site(name) for name in names]):
            await asyncio.sleep(1)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began == pytest.approx(took)
        assert {outcome.snapshot.verdict for outcome in world.store.outcomes} == {verdict}
        assert len(world.store.outcomes) == 20
        assert all("stopped" in outcome.snapshot.why for outcome in world.store.outcomes) is (verdict == "timeout")
        assert world.store.underway == []
        assert len(world.fetcher.asks) == 20  # and none was begun after that

    world = World()
    in_no_time(story())


def test_a_stop_does_not_wait_for_ever() -> None:
    class Stuck(PlainReader):
        async def read(self, *_: object) -> tuple[Reading, bytes]:
            await asyncio.sleep(10**9)
            raise AssertionError

    async def story() -> None:
        world.reader = Stuck()
        world.answer("gang", listing(*NAMES))
        async with Running(world, [site()]):
            await asyncio.sleep(1)
        assert asyncio.get_running_loop().time() == pytest.approx(1 + GRACE_SECONDS + LAST_SECONDS)
        assert len(world.store.underway) == 1  # kept, and finished after the next start

    world = World()
    in_no_time(story())


def test_a_stop_while_the_proxy_is_gone_is_at_once() -> None:
    async def story() -> None:
        world.wrong = GONE
        world.answer("gang", GONE)
        with capture_logs():
            await world.run(site(), seconds=100)
        assert asyncio.get_running_loop().time() == 100

    world = World()
    in_no_time(story())


def test_a_cancelled_check_leaves_nothing_running() -> None:
    async def story() -> None:
        world.answer("gang", listing(*NAMES, seconds=60))
        checking = asyncio.create_task(world.start().check([site()]))
        await asyncio.sleep(1)
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking
        assert world.fetcher.flying == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    world = World()
    in_no_time(story())


async def test_what_is_fetched_is_cut_short_even_where_the_visit_is_cancelled() -> None:
    class Never(ScriptedFetcher):
        async def fetch(self, ask: Ask) -> tuple[Exchange, ...]:
            self.flying += 1
            try:
                await asyncio.Event().wait()
            finally:
                self.flying -= 1
            raise AssertionError

    world = World()
    fetcher = Never(world.clock)
    live = Live(fetcher, world.store, world.clock)
    ask = Ask(url="http://gang.onion/", mirror="http://gang.onion/", isolation="", headers={}, timeout_seconds=9)
    task = asyncio.create_task(live._fetch(ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert fetcher.flying == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fetcher.flying == 0
