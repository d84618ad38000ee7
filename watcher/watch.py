"""The long-running process: who is due, who is visited, and how it stops.

One site's trouble is one site's: it is logged, and the others go on. What concerns all of them, a proxy that is gone
or a disk that is full, is told once, waited out, and watching goes on from there.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from watcher.core.adaptive import Pace, Watched, intervals, rates
from watcher.core.cadence import next_visit
from watcher.core.mirrors import turn
from watcher.errors import ProxyError, StoreError, WatcherError
from watcher.ports import Origin, WatchStore
from watcher.records import Exchange, Site
from watcher.visit import Means, Visited, visit

AT_ONCE = 256
"""Visits in flight at the same time."""
GRACE_SECONDS = 8.0
"""How long a stop waits for visits in flight."""
TROUBLE_WAIT = timedelta(seconds=30)
"""After trouble of ours (disk, proxy) a target is tried again this soon."""
STARTUP_SPREAD_SECONDS = 60.0
"""Targets overdue at the start are spread over this long at most, when there are many."""
REPACE_SECONDS = 60.0
"""How often the intervals of adaptive sites are worked out anew."""
DAY = timedelta(days=1)
OVERDUE = 2
"""A target unchecked for more than this many intervals is an alarm."""

EVEN_PACE = Pace()
NOTHING_YET = Watched(news=0, days=0.0)

Isolate = Literal["site", "visit", "none"]


@dataclass(slots=True, eq=False)
class Target:
    """One site's place in the schedule."""

    site: Site
    due: float
    """On the loop's clock, which no change of the wall clock moves."""
    visits: int = 0
    misses: int = 0
    circuit: int = 0
    failing: frozenset[str] = frozenset()
    watched: Watched = NOTHING_YET
    """What watching it brought so far, for an adaptive interval."""
    adaptive: timedelta = EVEN_PACE.mean
    dropped: bool = False
    """Taken out of the configuration while a visit was in flight."""

    @property
    def interval(self) -> timedelta:
        return self.site.every if isinstance(self.site.every, timedelta) else self.adaptive


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one look at every target brought."""

    visited: tuple[Visited, ...]
    troubles: tuple[WatcherError, ...]
    """Trouble of ours, not of the sites."""


class Watch:
    """Visits what is due, with ``means``, until told to stop."""

    def __init__(
        self,
        means: Means,
        store: WatchStore,
        *,
        isolate: Isolate = "site",
        proxy_answers: Callable[[], Awaitable[None]],
        on_visit: Callable[[Visited], None] = lambda _: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.means, self.store = means, store
        self._isolate, self._proxy_answers, self._on_visit, self._chance = isolate, proxy_answers, on_visit, chance
        self._log = structlog.get_logger("watcher")
        self._salt = secrets.token_hex(4)
        self._targets: dict[str, Target] = {}
        self._heap: list[tuple[float, str]] = []
        self._flying: dict[asyncio.Task[None], Target] = {}
        self._wake = asyncio.Event()
        self._paced_at = float("-inf")
        self._proxy_watch: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------ once, now

    async def check(self, sites: Sequence[Site]) -> Checked:
        """Every site visited once, whatever the schedule says. Raises ``ProxyError`` if the proxy is no use."""
        await self._remember(sites)
        slots = asyncio.Semaphore(AT_ONCE)
        troubles: list[WatcherError] = []

        async def one(target: Target) -> Visited | None:
            async with slots:
                return await self._safely(target, troubles)

        tasks = [asyncio.create_task(one(self._targets[site.name])) for site in sites]
        try:
            visited = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return Checked(visited=tuple(one for one in visited if one), troubles=tuple(troubles))

    # ------------------------------------------------------------------------------------- for a long time

    async def run(self, sites: Sequence[Site], stop: asyncio.Event) -> None:
        """Visit what is due until ``stop`` is set; then finish, or record as misses, what is in flight."""
        await self._remember(sites)
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set():
                self._wake.clear()
                await self._sleep(self._start_due())
        finally:
            stopped.cancel()
            if self._proxy_watch:
                self._proxy_watch.cancel()
            await self._land()

    async def use(self, sites: Sequence[Site]) -> None:
        """Watch these sites from now on; what is in flight is finished."""
        names = {site.name for site in sites}
        for name in [name for name in self._targets if name not in names]:
            self._targets.pop(name).dropped = True
        await self._remember(sites)
        self._wake.set()

    async def _remember(self, sites: Sequence[Site]) -> None:
        """Take up every site where the last process left it; new ones are due at once."""
        now, here = self.means.clock.now(), asyncio.get_running_loop().time()
        known = {status.site: status for status in await self.store.status()}
        overdue = 0
        for site in sites:
            if site.name in self._targets:
                self._targets[site.name].site = site
                continue
            target = Target(site=site, due=here)
            status = known.get(site.name)
            wait = 0.0
            if status and status.next_visit:
                # a clock that was set back must not put a site to sleep for longer than its own interval
                wait = min((status.next_visit - now).total_seconds(), target.interval.total_seconds())
            if wait <= 0:
                wait = min(overdue / AT_ONCE, STARTUP_SPREAD_SECONDS)
                overdue += 1
            target.due, target.misses = here + wait, status.misses_in_a_row if status else 0
            self._targets[site.name] = target
            heapq.heappush(self._heap, (target.due, site.name))

    def _start_due(self) -> float | None:
        """Start what is due; the seconds until there is more to do, None for "when something happens"."""
        here = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= here and len(self._flying) < AT_ONCE and not self._proxy_watch:
            due, name = heapq.heappop(self._heap)
            target = self._targets.get(name)
            if target is None or target.due != due or target in self._flying.values():
                continue
            self._alarm_if_late(target, here - due)
            task = asyncio.create_task(self._fly(target))
            self._flying[task] = target
            task.add_done_callback(self._landed)
        if not self._heap or len(self._flying) >= AT_ONCE or self._proxy_watch:
            return None
        return max(0.0, self._heap[0][0] - here)

    def _alarm_if_late(self, target: Target, late: float) -> None:
        if late > OVERDUE * target.interval.total_seconds():
            self._log.warning("target unchecked", site=target.site.name, late_seconds=round(late))

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _fly(self, target: Target) -> None:
        here = asyncio.get_running_loop().time()
        troubles: list[WatcherError] = []
        try:
            visited = await self._safely(target, troubles)
        except ProxyError as error:
            visited = None
            self._await_proxy(error)
        if visited is None:
            target.due = here + TROUBLE_WAIT.total_seconds() * (1 + self._chance())

    def _landed(self, task: asyncio.Task[None]) -> None:
        target = self._flying.pop(task)
        if not target.dropped:
            heapq.heappush(self._heap, (target.due, target.site.name))
        self._wake.set()

    def _await_proxy(self, error: ProxyError) -> None:
        """Start no visit until the proxy answers again; told once."""
        if self._proxy_watch:
            return
        self._log.error("proxy gone", error=str(error), mend=error.hint)

        async def until_it_answers() -> None:
            wait = 1.0
            while True:
                try:
                    await self._proxy_answers()
                    break
                except ProxyError:
                    await asyncio.sleep(wait)
                    wait = min(2 * wait, 30.0)
            self._log.info("proxy back")
            self._proxy_watch = None
            for target in self._targets.values():
                if target not in self._flying.values() and target.due > asyncio.get_running_loop().time():
                    self._hurry(target)
            self._wake.set()

        self._proxy_watch = asyncio.create_task(until_it_answers())

    def _hurry(self, target: Target) -> None:
        """Bring forward a target that was only put off because the proxy was gone."""
        soon = asyncio.get_running_loop().time() + self._chance()
        if target.misses == 0 and target.due - soon <= 2 * TROUBLE_WAIT.total_seconds():
            target.due = soon
            heapq.heappush(self._heap, (target.due, target.site.name))

    async def _land(self) -> None:
        """Let visits in flight finish; what does not in time is cancelled, and recorded as a miss."""
        if not self._flying:
            return
        tasks = list(self._flying)
        self._log.info("stopping", visits_in_flight=len(tasks))
        _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    # ------------------------------------------------------------------------------------------ one visit

    async def _safely(self, target: Target, troubles: list[WatcherError]) -> Visited | None:
        """The visit; or None, and the trouble told, when something of ours failed."""
        name = target.site.name
        try:
            return await self._visit(target)
        except ProxyError:
            raise
        except StoreError as error:
            self._log.error("store trouble", site=name, error=str(error), mend=error.hint)
            troubles.append(error)
        except WatcherError as error:
            self._log.error("trouble", site=name, error=str(error), mend=error.hint)
            troubles.append(error)
        except Exception as error:  # noqa: BLE001 - the one broad except: no site's visit may stop the others
            self._log.exception("visit failed", site=name)
            troubles.append(WatcherError(f"{name}: the visit failed: {error!r}", hint="this is a fault of watcher's"))
        return None

    async def _visit(self, target: Target) -> Visited:
        began = self.means.clock.now()
        mirrors = turn(target.site.mirrors, target.visits, target.failing)
        target.visits += 1
        try:
            visited = await visit(target.site, mirrors, self._token(target), self.means)
        except asyncio.CancelledError:
            await self._record_stopped(target, mirrors[0])
            raise
        target.failing = frozenset(one.mirror for one in visited.captures if one.is_miss and one.target == "listing")
        target.misses = target.misses + 1 if visited.is_miss else 0
        look_again = visited.decision.look_again
        if visited.is_miss or look_again is not None:
            target.circuit += 1
        now = self.means.clock.now()
        if not isinstance(target.site.every, timedelta):
            target.watched = _watched(visited, now)
            self._set_paces()
        due = next_visit(now, target.interval, misses=target.misses, look_again=look_again, chance=self._chance())
        target.due = asyncio.get_running_loop().time() + (due - now).total_seconds()
        await self.store.schedule(target.site.name, due)
        self._log.debug("visited", site=target.site.name, seconds=(now - began).total_seconds())
        self._on_visit(visited)
        return visited

    async def _record_stopped(self, target: Target, mirror: str) -> None:
        now = self.means.clock.now()
        stopped = Exchange(
            url=mirror,
            mirror=mirror,
            requested_at=now,
            finished_at=now,
            verdict="timeout",
            why=("stopped", "the watcher was stopped during this visit"),
        )
        visit_id = f"{target.site.name}@{now.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}"
        await self.store.keep(Origin(site=target.site.name, target="listing", visit=visit_id), [stopped])

    def _token(self, target: Target) -> str:
        """The SOCKS credential: a circuit for each visit, or for each site until a miss or a missing entry."""
        number = {"none": 0, "site": target.circuit, "visit": target.visits}[self._isolate]
        return f"{target.site.name}-{number}-{self._salt}" if self._isolate != "none" else ""

    def _set_paces(self) -> None:
        """Share the visits of adaptive sites out anew, now and then."""
        here = asyncio.get_running_loop().time()
        if here < self._paced_at + REPACE_SECONDS:
            return
        self._paced_at = here
        targets = [one for one in self._targets.values() if not isinstance(one.site.every, timedelta)]
        for target, interval in zip(
            targets, intervals(rates([one.watched for one in targets]), EVEN_PACE), strict=True
        ):
            target.adaptive = interval


def _watched(visited: Visited, now: datetime) -> Watched:
    """How many entries came since the site's baseline, and how long ago that was."""
    firsts = [entry.first_seen for entry in visited.decision.roster.entries.values()]
    if not firsts:
        return NOTHING_YET
    return Watched(news=sum(one > min(firsts) for one in firsts), days=max((now - min(firsts)) / DAY, 0.0))
