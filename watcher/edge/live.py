"""Steps 1 and 2 of a visit in earnest: asked through the proxy, and on the disk before anything reads it."""

from __future__ import annotations

import asyncio

from watcher.edge.fetch import HELD, Held
from watcher.ports import Ask, Clock, Fetcher, Origin, Store
from watcher.records import Capture, Exchange


class Live:
    """``visit.Retrieve`` over a fetcher and a store, until it is cut short."""

    def __init__(self, fetcher: Fetcher, store: Store, clock: Clock) -> None:
        self._fetcher, self._store, self._clock = fetcher, store, clock
        self._asking: set[asyncio.Task[tuple[Exchange, ...]]] = set()
        self._is_cut = False

    async def __call__(self, ask: Ask, origin: Origin) -> tuple[Capture, ...]:
        held = Held()
        HELD.set(held)
        try:
            return await self._store.keep(origin, await self._fetch(ask))
        finally:
            held.give_back()

    def cut_short(self) -> None:
        """From now on nothing is asked, and what is under way is a miss at once: the watcher has to stop."""
        self._is_cut = True
        for task in self._asking:
            task.cancel()

    async def _fetch(self, ask: Ask) -> tuple[Exchange, ...]:
        requested_at = self._clock.now()
        if not self._is_cut:
            task = asyncio.ensure_future(self._fetcher.fetch(ask))
            self._asking.add(task)
            try:
                return await task
            except asyncio.CancelledError:
                # either it is the visit that is cancelled, or only what it waits for was
                visit = asyncio.current_task()
                if not self._is_cut or (visit and visit.cancelling()):
                    raise
            finally:
                self._asking.discard(task)
        return (
            Exchange(
                url=ask.url,
                mirror=ask.mirror,
                requested_at=requested_at,
                finished_at=self._clock.now(),
                verdict="timeout",
                why=("stopped", "the watcher was stopped before an answer came"),
                isolation=ask.isolation,
            ),
        )
