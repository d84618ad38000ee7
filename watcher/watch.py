"""The long-running process: who is due, who is visited, and how it stops.

One site's trouble is one site's: it is told, and the others go on. What concerns all of them, a proxy that is gone or
a disk that is full, is told once, waited out, and watching goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import structlog

from watcher.core.adaptive import EVEN_PACE, NOTHING_YET, Watched, intervals, rates
from watcher.core.cadence import Starts, is_unchecked, wait_for
from watcher.core.mirrors import turn
from watcher.core.resighted import came
from watcher.edge.feed import HeapFeed
from watcher.errors import ProxyError, StoreDamaged, StoreError, WatcherError
from watcher.look import Means, Visited
from watcher.ports import Feed, Lease, WatchStore
from watcher.records import Site, TargetStatus
from watcher.visit import visit

AT_ONCE = 256
"""Visits in flight at the same time."""
STARTS_A_SECOND = 300
"""Visits begun in a second, a proxy. How many circuits are built together, ``edge.socks`` sees to."""
STARTS_AT_ONCE = 40
GRACE_SECONDS = 7.0
"""How long a stop waits for visits in flight."""
LAST_SECONDS = 1.5
"""And for those that were then cut short to be recorded."""
OVERTIME = timedelta(minutes=5)
"""Beyond its timeout a visit reads and writes for this long at most; then it hangs, and is given up."""
TROUBLE_WAIT = timedelta(seconds=30)
"""After trouble of ours (disk, proxy) a target is tried again this soon."""
LONGEST_WAIT_SECONDS = 30.0
"""Between two looks whether trouble that concerns all is over."""
ROUND_SECONDS = 60.0
"""How often unchecked targets are looked for, and the intervals of adaptive sites worked out anew."""
DAY = timedelta(days=1)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


NONE_FAIL: frozenset[str] = frozenset()
"""The same one for all: an empty set takes 200 bytes."""

Isolate = Literal["site", "visit", "none"]


@dataclass(slots=True, eq=False)
class Target:
    """One site, and how looking at it went."""

    site: Site
    wait: timedelta = timedelta(0)
    """From its last visit to the next."""
    visits: int = 0
    misses: int = 0
    troubles: int = 0
    """Visits in a row that came to nothing through our own fault."""
    circuit: int = 0
    failing: frozenset[str] = NONE_FAIL
    unfinished: bool = False
    """Something of it was kept, and trouble or a crash came before it was recorded."""
    put_off: bool = False
    """Only because of trouble that concerns all."""
    watched: Watched = NOTHING_YET
    """What watching it brought so far, for an adaptive interval."""
    baseline: datetime | None = None
    """When its first entries were seen."""
    adaptive: timedelta = EVEN_PACE.mean
    hurried: bool = False
    """The next look is a quick one, after news or a miss."""

    @property
    def interval(self) -> timedelta:
        return self.site.every if isinstance(self.site.every, timedelta) else self.adaptive


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a watch asks of the world, beside what its visits do."""

    well: Callable[[], Awaitable[None]]
    """Returns if proxy and store can be used; raises what is wrong with them."""
    finish: Callable[[Site, Means], Awaitable[tuple[Visited, ...]]]
    """Concludes the site's visits that were kept and never recorded."""
    cut_short: Callable[[], None] = lambda: None
    """Turns what is being fetched into misses, at once."""


class Watch:
    """Visits what is due, with ``means``, until told to stop."""

    def __init__(
        self,
        means: Means,
        store: WatchStore,
        outside: Outside,
        *,
        feed: Feed | None = None,
        isolate: Isolate = "site",
        proxies: int = 1,
        on_visit: Callable[[Visited], None] = lambda _: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._means, self._store, self._outside = means, store, outside
        self._isolate, self._on_visit, self._chance = isolate, on_visit, chance
        self._log = structlog.get_logger("watcher")
        self._salt = secrets.token_hex(4)
        self._starts = Starts(STARTS_A_SECOND * max(1, proxies), STARTS_AT_ONCE)
        self._targets: dict[str, Target] = {}
        self._feed = feed or HeapFeed()
        self._asking: asyncio.Task[Sequence[Lease]] | None = None
        """What is due, asked of the feed."""
        self._flying: dict[str, asyncio.Task[None]] = {}
        """By site: two visits to one site at a time would each undo what the other concludes."""
        self._wake = asyncio.Event()
        self._round_at = float("-inf")
        self._unchecked = 0
        self._told: set[str] = set()
        """Trouble that concerns all, as long as it lasts."""
        self._waiting: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------ once, now

    async def check(self, sites: Sequence[Site]) -> tuple[WatcherError, ...]:
        """The trouble of ours that came of visiting every site once, whatever the schedule says. Trouble that concerns
        all ends it, and is then the only one."""
        await self._remember(sites)
        slots = asyncio.Semaphore(AT_ONCE)
        troubles: list[WatcherError] = []

        async def one(target: Target) -> None:
            async with slots:
                await asyncio.sleep(self._starts.take(asyncio.get_running_loop().time()))
                outcome = await self._safely(target)
            if isinstance(outcome, Visited):
                self._on_visit(outcome)
                return
            troubles.append(outcome)
            if _concerns_all(outcome):
                raise outcome

        tasks = [asyncio.create_task(one(self._targets[site.name])) for site in sites]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for error in [error for task in done if not task.cancelled() and (error := task.exception())]:
            if error not in troubles:
                raise error
        return tuple([trouble for trouble in troubles if _concerns_all(trouble)][:1] or troubles)

    # ------------------------------------------------------------------------------------- for a long time

    async def run(self, sites: Sequence[Site], stop: asyncio.Event) -> None:
        """Visit what is due until ``stop`` is set; then finish, or record as misses, what is in flight."""
        await self._remember(sites)
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set():
                self._wake.clear()
                self._make_round()
                await self._sleep(await self._start_due())
        finally:
            for task in (stopped, self._asking, self._waiting):
                if task:
                    task.cancel()
            await self._land()

    async def use(self, sites: Sequence[Site], means: Means, isolate: Isolate) -> None:
        """Watch these sites from now on, and so; what is in flight is finished as it began."""
        self._means, self._isolate = means, isolate
        names = {site.name for site in sites}
        for name in [name for name in self._targets if name not in names]:
            del self._targets[name]
            self._feed.drop(name)
        await self._remember(sites)
        self._wake.set()

    async def _remember(self, sites: Sequence[Site]) -> None:
        """Take up every site where the last process left it; new ones, and visits that were broken off, are due now."""
        now = self._means.clock.now()
        known = {status.site: status for status in await self._store.status()}
        unfinished = {visit.rpartition("@")[0] for visit in await self._store.unrecorded_visits()}
        for site in sites:
            target = self._targets.get(site.name)
            if target is not None:
                target.site = site
                if site.name not in self._flying:
                    self._feed.plan(site.name, target.interval.total_seconds())
                continue
            target = self._targets[site.name] = Target(site=site, unfinished=site.name in unfinished)
            wait = 0.0
            if (status := known.get(site.name)) is not None:
                _take_up(target, status)
                if status.next_visit and not target.unfinished:
                    # a clock that was set back must not put a site to sleep for longer than its own interval
                    longest = wait_for(target.interval, misses=target.misses, look_again=None, chance=1.0)
                    wait = max(0.0, min(status.next_visit - now, longest).total_seconds())
            self._feed.plan(site.name, wait)

    async def _start_due(self) -> float | None:
        """Start what is due; the seconds until there is more to do, None for "when something happens"."""
        here = asyncio.get_running_loop().time()
        if self._asking and self._asking.done():
            leases, self._asking = self._asking.result(), None
            for lease in leases:
                if self._waiting or lease.site not in self._targets:
                    await lease.done(0.0)
                    continue
                self._starts.take(here)
                self._flying[lease.site] = asyncio.create_task(self._fly(self._targets[lease.site], lease))
                self._flying[lease.site].add_done_callback(partial(self._landed, lease.site))
        if self._asking or self._waiting:
            return None
        most = self._starts.free(here, AT_ONCE - len(self._flying))
        if most:
            self._asking = asyncio.create_task(self._feed.leases(most))
            self._asking.add_done_callback(lambda _: self._wake.set())
        return self._starts.wait(here) or None

    async def _sleep(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds or ROUND_SECONDS, ROUND_SECONDS)):
                await self._wake.wait()

    async def _fly(self, target: Target, lease: Lease) -> None:
        target.put_off = False
        outcome = await self._safely(target)
        self._take_note(target, outcome)
        await lease.done(target.wait.total_seconds())

    def _take_note(self, target: Target, outcome: Visited | WatcherError) -> None:
        if isinstance(outcome, Visited):
            target.troubles = 0
            if self._told and not self._waiting:
                self._told.clear()
                self._log.info("all is well again")
            with contextlib.suppress(OSError):  # nobody reads what is printed: no reason to stop watching
                self._on_visit(outcome)
            return
        self._tell(outcome, target.site.name)
        target.troubles += 1
        target.put_off = _concerns_all(outcome)
        if target.put_off and not self._waiting:
            self._feed.aside(True)
            self._waiting = asyncio.create_task(self._wait_until_well())
        usual = TROUBLE_WAIT if target.put_off else target.interval
        target.wait = wait_for(usual, misses=target.troubles, look_again=None, chance=self._chance())

    def _landed(self, name: str, _: asyncio.Task[None]) -> None:
        del self._flying[name]
        self._wake.set()

    async def _land(self) -> None:
        """Let visits in flight finish; what does not in time is cut short, and recorded as a miss."""
        flying = set(self._flying.values())
        if not flying:
            return
        self._log.info("stopping", visits_in_flight=len(flying))
        _, late = await asyncio.wait(flying, timeout=GRACE_SECONDS)
        if late:
            self._outside.cut_short()
            _, late = await asyncio.wait(late, timeout=LAST_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    # --------------------------------------------------------------------------------------------- trouble

    def _tell(self, trouble: WatcherError, site: str = "") -> None:
        """Tell trouble of one site each time, and trouble that concerns all once."""
        if not _concerns_all(trouble):
            self._log.error("trouble", site=site, error=str(trouble), mend=trouble.hint)
        elif type(trouble).__name__ not in self._told:
            self._told.add(type(trouble).__name__)
            self._log.error("watching waits", error=str(trouble), mend=trouble.hint)

    async def _wait_until_well(self) -> None:
        """Start no visit until proxy and store can be used again."""
        wait = 1.0
        while True:
            try:
                await self._outside.well()
                break
            except WatcherError as trouble:
                self._tell(trouble)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        self._waiting = None
        self._feed.aside(False)
        # one that had trouble before is not hurried: it may be the only one that has it
        for target in [target for target in self._targets.values() if target.put_off and target.troubles == 1]:
            self._feed.plan(target.site.name, self._chance())
        self._wake.set()

    def _make_round(self) -> None:
        """Now and then: share the visits of adaptive sites out anew, and raise the alarm for who is never visited."""
        here = asyncio.get_running_loop().time()
        if here < self._round_at + ROUND_SECONDS:
            return
        self._round_at = here
        adaptive = [target for target in self._targets.values() if not isinstance(target.site.every, timedelta)]
        paces = intervals(rates([target.watched for target in adaptive]), EVEN_PACE)
        for target, interval in zip(adaptive, paces, strict=True):
            target.adaptive = interval
        late = {
            name: by
            for name, by in self._feed.late().items()
            if name in self._targets and is_unchecked(timedelta(seconds=by), self._targets[name].interval)
        }
        if len(late) > self._unchecked:
            longest = max(late, key=lambda name: late[name])
            self._log.warning("unchecked", targets=len(late), longest=longest, late_seconds=round(late[longest]))
        self._unchecked = len(late)

    # ------------------------------------------------------------------------------------------ one visit

    async def _safely(self, target: Target) -> Visited | WatcherError:
        """The visit, or the trouble of ours that kept it from being made."""
        name, was_unfinished = target.site.name, target.unfinished
        trouble: WatcherError
        try:
            async with asyncio.timeout((self._means.timeout + OVERTIME).total_seconds()):
                return await self._visit(target)
        except WatcherError as error:
            trouble = error
        except TimeoutError:
            trouble = WatcherError(f"{name}: the visit hung, and was given up", hint="this is a fault of watcher's")
        except Exception as error:  # noqa: BLE001 - the one broad except: no site's visit may stop the others
            self._log.exception("visit failed", site=name)
            trouble = WatcherError(f"{name}: the visit failed: {error!r}", hint="this is a fault of watcher's")
        # what cannot be finished, though nothing else is wrong, is left to the next start
        target.unfinished = _concerns_all(trouble) or not was_unfinished
        return trouble

    async def _visit(self, target: Target) -> Visited:
        means = self._means
        if target.unfinished:
            for finished in await self._outside.finish(target.site, means):
                if finished.events:
                    self._on_visit(finished)
            target.unfinished = False
        mirrors = turn(target.site.mirrors, target.visits, target.failing)
        target.visits += 1
        chance = self._chance()
        rest = wait_for(target.interval, misses=0, look_again=None, chance=chance)
        visited = await visit(target.site, mirrors, self._token(target), means, rest=rest)
        target.failing = visited.failing or NONE_FAIL
        target.misses = target.misses + 1 if visited.is_miss else 0
        look_again = visited.decision.look_again
        if visited.is_miss or look_again is not None:
            target.circuit += 1
        now = means.clock.now()
        if not isinstance(target.site.every, timedelta):
            _watch_news(target, visited, now)
            # news comes in heaps and outages pass: one quick look, never two in a row, or a budget would be none
            target.hurried = look_again is None and not target.hurried and (visited.is_miss or bool(visited.events))
            look_again = means.policy.confirm_gap if target.hurried else look_again
        if visited.same is not None:
            target.wait = rest  # and noted with what was seen
            return visited
        target.wait = wait_for(target.interval, misses=target.misses, look_again=look_again, chance=chance)
        await self._store.schedule(target.site.name, now + target.wait)
        return visited

    def _token(self, target: Target) -> str:
        """The SOCKS credential: a circuit for each visit, or for each site until a miss or a missing entry."""
        number = {"none": 0, "site": target.circuit, "visit": target.visits}[self._isolate]
        return f"{target.site.name}-{number}-{self._salt}" if self._isolate != "none" else ""


def _concerns_all(trouble: WatcherError) -> bool:
    """Whether no other site can be visited either: the proxy is gone, the store cannot be written."""
    return isinstance(trouble, ProxyError | StoreError) and not isinstance(trouble, StoreDamaged)


def _take_up(target: Target, status: TargetStatus) -> None:
    """What the last process knew of a site: the mirror that was not asked for longest leads."""
    asked = {mirror.url: mirror.last_visit for mirror in status.mirrors}
    ages = [asked.get(url) or LONG_AGO for url in target.site.mirrors]
    target.visits = ages.index(min(ages))
    target.misses = status.misses_in_a_row


def _watch_news(target: Target, visited: Visited, now: datetime) -> None:
    """How many entries came since the site's baseline, and how long ago that was."""
    news = target.watched.news
    if visited.same is None:
        firsts = came(visited.decision.roster.entries)
        target.baseline = min(firsts, default=None)
        news = len(firsts) - firsts.count(target.baseline) if target.baseline else 0
    days = (now - target.baseline) / DAY if target.baseline else 0.0
    target.watched = Watched(news=news, days=max(days, 0.0))
