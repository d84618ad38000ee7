"""The heap of what is due."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine

import pytest

from tests.props.fakes import in_no_time
from watcher.edge.feed import HeapFeed


def here() -> float:
    return asyncio.get_running_loop().time()


async def due(feed: HeapFeed, most: int = 99) -> list[str]:
    return [lease.site for lease in await feed.leases(most)]


async def test_the_longest_due_comes_first_and_no_more_than_asked_for() -> None:
    feed = HeapFeed()
    for site, wait in (("c", -1.0), ("a", -3.0), ("b", -2.0), ("later", 500.0)):
        feed.plan(site, wait)
    assert [await due(feed, 2), await due(feed, 2)] == [["a", "b"], ["c"]]


def test_who_asks_waits_until_something_is_due() -> None:
    async def story() -> None:
        feed = HeapFeed()
        feed.plan("a", 30)
        feed.plan("b", 60)
        assert (await due(feed), here()) == (["a"], 30)
        asked = asyncio.create_task(due(feed))
        await asyncio.sleep(5)
        feed.plan("c", 5)
        assert (await asked, here()) == (["c"], 40)
        assert (await due(feed), here()) == (["b"], 60)

    in_no_time(story())


def test_planned_again_a_site_is_due_at_the_earlier_time() -> None:
    async def story() -> None:
        feed = HeapFeed()
        for wait in (50, 20, 70):
            feed.plan("a", wait)
        (lease,) = await feed.leases(9)
        assert here() == 20
        await lease.done(100)
        assert (await due(feed), here()) == (["a"], 120)

    in_no_time(story())


@pytest.mark.parametrize(
    ("meanwhile", "at"),
    [
        (lambda feed: feed.plan("a", 0), 10.0),
        (lambda feed: feed.plan("a", 30), 30.0),
        (lambda feed: feed.plan("a", 300), 110.0),
        (lambda feed: (feed.drop("a"), feed.plan("a", 30)), 30.0),
        (lambda feed: feed.drop("a"), 500.0),
    ],
)
def test_a_site_that_is_looked_at_is_no_ones_until_that_is_over(
    meanwhile: Callable[[HeapFeed], object], at: float
) -> None:
    async def story() -> None:
        feed = HeapFeed()
        feed.plan("a", 0)
        feed.plan("other", 500)
        (lease,) = await feed.leases(9)
        meanwhile(feed)
        asked = asyncio.create_task(due(feed, 1))
        await asyncio.sleep(10)
        assert not asked.done()
        assert feed.late() == {}
        await lease.done(100)
        await asked
        assert here() == at

    in_no_time(story())


def test_who_is_late_and_by_how_much() -> None:
    async def story() -> None:
        feed = HeapFeed()
        for site, wait in (("a", 0), ("b", 10), ("c", 20)):
            feed.plan(site, wait)
        await asyncio.sleep(15)
        assert feed.late() == {"a": 15, "b": 5}
        await feed.leases(1)
        assert feed.late() == {"b": 5}

    in_no_time(story())


def test_who_is_behind_makes_quick_looks_first_and_passes_nobody_over() -> None:
    async def story() -> None:
        feed = HeapFeed()
        hours = {"slow": 1.0, "usual": 0.25, "other": 0.25, "quick": 1 / 12, "dead": 6.0}
        for site in hours:
            feed.plan(site, 0)
        for lease in await feed.leases(9):
            if lease.site == "quick":
                await asyncio.sleep(60)  # due a minute later than it would be
            await lease.done(hours[lease.site] * 3600)
        await asyncio.sleep(7 * 3600)
        assert set(feed.late()) == set(hours)
        assert [await due(feed, 1) for _ in hours] == [["quick"], ["other"], ["usual"], ["slow"], ["dead"]]

    in_no_time(story())


def test_a_quick_look_goes_before_a_usual_one_unless_that_has_waited_for_long() -> None:
    async def story() -> None:
        feed = HeapFeed()
        for at, site, wait in ((0, "old", 900), (300, "usual", 900), (720, "quick", 300), (1600, "quick-later", 300)):
            await asyncio.sleep(at - here())
            feed.plan(site, wait)
        await asyncio.sleep(3600)
        assert [await due(feed, 1) for _ in range(4)] == [["quick"], ["old"], ["usual"], ["quick-later"]]

    in_no_time(story())


def test_a_flood_of_quick_looks_does_not_keep_a_slow_site_from_its_turn() -> None:
    async def story() -> None:
        feed = HeapFeed()
        for number in range(5):
            feed.plan(f"quick{number}", 10)
        feed.plan("slow", 1000)
        turns = 0
        while True:  # one look every four seconds: half of what the quick ones would need
            await asyncio.sleep(4)
            for lease in await feed.leases(1):
                turns += lease.site == "slow"
                await lease.done(1000 if lease.site == "slow" else 10)
            if here() > 10_000:
                break
        assert turns >= 4

    in_no_time(story())


def test_a_paused_site_is_not_due_until_it_goes_on() -> None:
    async def story() -> None:
        feed = HeapFeed()
        for site, wait in (("a", 0), ("b", 10), ("c", 40), ("d", 15)):
            feed.plan(site, wait)
        feed.pause({"b", "c"})
        assert (await due(feed), here()) == (["a"], 0)
        feed.plan("b", 5)
        assert (await due(feed), here()) == (["d"], 15)
        assert feed.late() == {}
        asked = asyncio.create_task(due(feed))
        await asyncio.sleep(5)
        feed.pause({"b"})  # c goes on, and is due later
        await asyncio.sleep(5)
        assert not asked.done()
        feed.pause(set())
        assert (await asked, here()) == (["b"], 25)
        assert (await due(feed), here()) == (["c"], 40)

    in_no_time(story())


def test_a_site_that_is_paused_or_goes_on_while_it_is_looked_at_is_looked_at_once() -> None:
    async def story() -> None:
        feed = HeapFeed()
        feed.plan("a", 0)
        (lease,) = await feed.leases(9)
        feed.pause({"a"})
        await lease.done(30)
        asked = asyncio.create_task(due(feed))
        await asyncio.sleep(50)
        assert not asked.done()
        feed.pause({"b"})
        assert (await asked, here()) == (["a"], 50)
        feed.pause({"a"})
        feed.pause(set())
        feed.drop("a")
        feed.plan("z", 7)
        assert (await due(feed), here()) == (["z"], 57)

    in_no_time(story())


def test_no_site_is_lost_or_leased_twice_whatever_happens() -> None:
    async def story(seed: int) -> None:
        chance, feed, out = random.Random(seed), HeapFeed(), {}
        sites = {f"s{number}" for number in range(8)}
        for site in sites:
            feed.plan(site, chance.random() * 10)
        for _ in range(300):
            match chance.randrange(4):
                case 0 if out:
                    await out.pop(chance.choice(sorted(out))).done(chance.random() * 10)
                case 1:
                    feed.plan(chance.choice(sorted(sites)), chance.random() * 10)
                case 2:
                    site = chance.choice(sorted(sites))
                    feed.drop(site)
                    feed.plan(site, chance.random() * 10)
                case _ if len(out) < len(sites):
                    for lease in await feed.leases(chance.randint(1, 3)):
                        assert lease.site not in out
                        out[lease.site] = lease
        for lease in out.values():
            await lease.done(1)
        await asyncio.sleep(20)
        assert set(await due(feed)) == sites

    def one(seed: int) -> Coroutine[None, None, None]:
        return story(seed)

    for seed in range(20):
        in_no_time(one(seed))
