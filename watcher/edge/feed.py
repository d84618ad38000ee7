"""What is due on one machine: ``watcher.ports.Feed`` as a heap. The ledger remembers it over starts."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Collection, Mapping, Sequence

NOT_PLANNED = float("inf")


class HeapLease:
    """A site that is being looked at."""

    def __init__(self, feed: HeapFeed, site: str) -> None:
        self._feed, self.site = feed, site

    async def done(self, wait_seconds: float) -> None:
        """The look is over; the site is due again after so long."""
        self._feed.landed(self.site, wait_seconds)


class HeapFeed:
    """Sites by when they are due, on the loop's clock, which no change of the wall clock moves.

    Of more sites than can be looked at in time the most pressing go first: the one whose wait would first be twice what
    it was meant to be. So a quick look after five minutes goes before a usual one, a site with a short interval before
    one with a long one, and one that has not answered for long last; and none is passed over for ever.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, float, str]] = []
        """When due, by when the wait is twice as long, and the site; it may stand here more than once: what ``_due``
        says counts."""
        self._ready: list[tuple[float, float, str]] = []
        """The same of what is due: by when the wait is twice as long, when it was due, and the site."""
        self._leased: set[str] = set()
        self._paused: frozenset[str] = frozenset()
        self._changed = asyncio.Event()

    def plan(self, site: str, wait_seconds: float) -> None:
        """The site is due after so long; one that was planned before, or is being looked at, by then at the latest."""
        due = asyncio.get_running_loop().time() + wait_seconds
        if due < self._due.get(site, NOT_PLANNED):
            self._put(site, due, wait_seconds)

    def drop(self, site: str) -> None:
        """The site is watched no more."""
        self._due.pop(site, None)

    def late(self) -> Mapping[str, float]:
        """The sites that wait to be looked at and were due already, and for how many seconds."""
        here = asyncio.get_running_loop().time()
        return {site: here - due for site, due in self._due.items() if due < here and self._is_to_be_looked_at(site)}

    async def leases(self, most: int) -> Sequence[HeapLease]:
        """Sites that are due, the most pressing first; waits until there is one."""
        while True:
            if found := self._take(most):
                return found
            self._changed.clear()
            wait = self._heap[0][0] - asyncio.get_running_loop().time() if self._heap else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def aside(self, is_aside: bool) -> None:
        """Nobody else could look instead."""

    def is_ours(self, site: str) -> bool:  # noqa: ARG002 - alone, all sites are
        """Whether this watcher is the one to look at the site."""
        return True

    def pause(self, sites: Collection[str]) -> None:
        """From now on these are not looked at, and all others are; what was due while it was paused is due now."""
        resumed, self._paused = self._paused.difference(sites), frozenset(sites)
        for site in resumed:
            self._take_over(site)

    def _is_to_be_looked_at(self, site: str) -> bool:
        return site not in self._leased and site not in self._paused and self.is_ours(site)

    def _take_over(self, site: str) -> None:
        """If the site was due while it was paused or another's, it is due now."""
        due = self._due.get(site, NOT_PLANNED)
        if due != NOT_PLANNED and self.is_ours(site):
            self._put(site, max(due, asyncio.get_running_loop().time()), 0.0)

    def landed(self, site: str, wait_seconds: float) -> None:
        """The site is not being looked at any more."""
        self._leased.discard(site)
        if site in self._due:
            here = asyncio.get_running_loop().time()
            wait = min(max(0.0, self._due[site] - here), wait_seconds)
            self._put(site, here + wait, wait)

    def _put(self, site: str, due: float, wait_seconds: float) -> None:
        self._due[site] = due
        heapq.heappush(self._heap, (due, due + wait_seconds, site))
        self._changed.set()

    def _take(self, most: int) -> list[HeapLease]:
        here = asyncio.get_running_loop().time()
        found: list[HeapLease] = []
        while self._heap and self._heap[0][0] <= here:
            due, twice, site = heapq.heappop(self._heap)
            heapq.heappush(self._ready, (twice, due, site))
        while self._ready and len(found) < most:
            _, due, site = heapq.heappop(self._ready)
            # else planned anew since, or dropped; what is being looked at is planned when it lands
            if self._due.get(site) == due and self._is_to_be_looked_at(site):
                self._leased.add(site)
                self._due[site] = NOT_PLANNED
                found.append(HeapLease(self, site))
        # what is left at the top may be out of date, too: it wakes us once, for nothing
        return found
