"""What is due, through any course of plans, looks, pauses and sites that come and go, against a plain table of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.props.fakes import in_no_time
from watcher.edge.feed import HeapFeed, HeapLease

SITES = ("a", "b", "c")
SITE = st.sampled_from(SITES)
WAIT = st.sampled_from((-5.0, 0.0, 3.0, 10.0, 60.0))
STEPS = st.lists(
    st.tuples(st.just("plan"), SITE, WAIT)
    | st.tuples(st.just("done"), SITE, WAIT)
    | st.tuples(st.just("drop"), SITE, WAIT)
    | st.tuples(st.just("pause"), st.sets(SITE), WAIT)
    | st.tuples(st.just("wait"), SITE, WAIT)
    | st.tuples(st.just("ask"), st.integers(1, 4), WAIT),
    max_size=30,
)


def here() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Told:
    """What the feed was told."""

    feed: HeapFeed = field(default_factory=HeapFeed)
    due: dict[str, float | None] = field(default_factory=dict)
    """By site; None: it is being looked at, and nothing else was planned since."""
    out: dict[str, HeapLease] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)

    def plan(self, site: str, wait: float) -> None:
        self.feed.plan(site, wait)
        known = self.due.get(site)
        if known is None or here() + wait < known:
            self.due[site] = here() + wait

    async def done(self, site: str, wait: float) -> None:
        if site not in self.out:
            return
        await self.out.pop(site).done(wait)
        if site in self.due:
            known = self.due[site]
            soonest = here() + wait if known is None else min(max(known, here()), here() + wait)
            self.due[site] = soonest

    def drop(self, site: str) -> None:
        self.feed.drop(site)
        self.due.pop(site, None)

    def pause(self, sites: set[str]) -> None:
        self.feed.pause(sites)
        for site in self.paused - sites:
            known = self.due.get(site)
            if known is not None:
                self.due[site] = max(known, here())
        self.paused = set(sites)

    def ready(self) -> set[str]:
        return {
            site
            for site, due in self.due.items()
            if due is not None and due <= here() and site not in self.paused and site not in self.out
        }

    async def ask(self, most: int) -> None:
        """As many as are due, no more than asked for, and none that is looked at or paused."""
        ready = self.ready()
        try:
            async with asyncio.timeout(0.001):
                found = await self.feed.leases(most)
        except TimeoutError:
            found = ()
        sites = [lease.site for lease in found]
        assert len(sites) == len(set(sites)) == min(most, len(ready))
        assert set(sites) <= ready
        for lease in found:
            self.out[lease.site] = lease
            self.due[lease.site] = None

    def look(self) -> None:
        expected = {site: here() - due for site in self.ready() if (due := self.due[site]) is not None and due < here()}
        assert self.feed.late() == expected


async def story(steps: list[tuple[str, object, float]]) -> None:
    told = Told()
    for act, what, wait in steps:
        match act, what:
            case "plan", str(site):
                told.plan(site, wait)
            case "done", str(site):
                await told.done(site, max(0.0, wait))
            case "drop", str(site):
                told.drop(site)
            case "pause", set(sites):
                told.pause(sites)
            case "wait", _:
                await asyncio.sleep(max(0.0, wait))
            case "ask", int(most):
                await told.ask(most)
        told.look()
    for site in list(told.out):
        await told.done(site, 1.0)
    told.pause(set())
    await asyncio.sleep(200)
    await told.ask(99)
    assert told.out.keys() == told.due.keys(), "no site is forgotten"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(steps=STEPS)
@example(
    steps=[
        ("plan", "a", 0.0), ("ask", 1, 0.0), ("plan", "a", 3.0), ("done", "a", 60.0), ("wait", "a", 3.0),
        ("ask", 1, 0.0),
    ]
)  # fmt: skip
def test_what_is_due_is_given_out_once_and_nothing_is_forgotten(steps: list[tuple[str, object, float]]) -> None:
    in_no_time(story(steps))
