"""Tells of events: at least once each, and with the signed log head that covers them.

What is owed stands in the store, written with the event itself: whatever ends the process, an alert is repeated at
worst, never lost. Each sink gets its alerts in order. One that fails is tried again, later and later, and one that
hangs is given up on; the others do not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import structlog

from watcher.edge import batching
from watcher.edge.apprise_sink import AppriseSink
from watcher.edge.ledger import Owed
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.errors import DeliveryError, StoreError
from watcher.ports import Clock, Sink

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
SEND_SECONDS = 60.0
"""What one alert may take."""
MOST_AT_ONCE = 1000
"""Alerts of one round; of what comes at once a sink may make one message."""
IDLE_SECONDS = 5.0
"""How long an unwanted look at the outbox waits; a look that is asked for comes at once."""
CHECKPOINT_SECONDS = 60.0
"""How often a head is signed that tells nobody anything new."""


class Delivery:
    """The sinks of one watcher, and what they are still owed."""

    def __init__(self, store: LedgerStore, key: SigningKey, clock: Clock) -> None:
        self._store, self._key, self._clock = store, key, clock
        self._sinks: dict[str, Sink] = {}
        self._resting: dict[str, datetime] = {}
        """Sinks that failed, and until when they are left alone."""
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._log = structlog.get_logger("watcher")
        self._signed = -1
        self._note = ""
        self._wake = asyncio.Event()

    async def use(self, sinks: Sequence[Sink]) -> None:
        """Say who is to be told from now on."""
        self._sinks = {sink.name: sink for sink in sinks}
        self._resting.clear()
        await self._store.subscribe(list(self._sinks))

    def soon(self) -> None:
        """Look at the outbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver what is due, until cancelled; what is being sent then goes on."""
        loop = asyncio.get_running_loop()
        sign_at, told = loop.time(), ""
        while True:
            self._wake.clear()
            try:
                await self._begin_round()
                if loop.time() >= sign_at:
                    await self.checkpoint()
                    sign_at = loop.time() + CHECKPOINT_SECONDS
                told = ""
            except StoreError as error:
                if str(error) != told:
                    self._log.error("alerts wait", error=str(error), mend=error.hint)
                told = str(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()

    async def close(self, seconds: float) -> None:
        """Tell what can still be told in so many seconds, and sign the last head. ``run`` must have ended."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.flush()
            await self.checkpoint()
        except StoreError as error:
            self._log.error("alerts wait", error=str(error), mend=error.hint)

    async def dismiss(self) -> None:
        """Break off what is still being sent, which is then told again, and end the processes that deliver."""
        sending = list(self._busy.values())
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        for sink in self._sinks.values():
            if isinstance(sink, AppriseSink):
                await sink.close()

    async def flush(self) -> None:
        """One try at everything that is due, and a signed head over all of it."""
        at_work = True
        while at_work:
            at_work = bool(self._busy)  # who ends while a round is begun may be due again, and was not asked
            await self._begin_round()
            if self._busy:
                at_work = True
                await asyncio.gather(*self._busy.values())
        await self.checkpoint()

    async def checkpoint(self) -> str:
        """The signed head of the log as it stands; kept, so that it can be shown later."""
        size, root = await self._store.head()
        if size != self._signed:
            self._note = str(self._key.checkpoint(size, root)) if size else ""
            if size:
                await self._store.checkpoint(size, self._note)
            self._signed = size
        return self._note

    # -------------------------------------------------------------------------------------------------- one round

    async def _begin_round(self) -> None:
        """Set every sink to work that is owed something, and neither rests nor is at work."""
        now = self._clock.now()
        # a sink that rests for longer than any does failed before the clock was set back
        free = [
            n for n in self._sinks if n not in self._busy and not now < self._resting.get(n, now) <= now + LONGEST_WAIT
        ]
        owed = await self._owed(free) if free else ()
        if not owed:
            return
        checkpoint = await self.checkpoint()
        for name in dict.fromkeys(alert.sink for alert in owed):
            mine = [alert for alert in owed if alert.sink == name]
            self._busy[name] = asyncio.create_task(self._serve(self._sinks[name], mine, checkpoint))
            self._busy[name].add_done_callback(partial(self._served, name))

    async def _owed(self, free: Sequence[str]) -> tuple[Owed, ...]:
        held = max(batching.longest_hold(sink) for sink in self._sinks.values())
        return await self._store.undelivered(MOST_AT_ONCE, sinks=free, held=held)

    def _served(self, name: str, _: asyncio.Task[None]) -> None:
        del self._busy[name]

    async def _serve(self, sink: Sink, alerts: Sequence[Owed], checkpoint: str) -> None:
        """Alerts of one sink in order, until one does not arrive."""
        try:
            for alert in alerts:
                if not sink.wants(alert.event):
                    await self._store.not_wanted(alert)
            wanted = [alert for alert in alerts if sink.wants(alert.event)]
            for batch in await batching.ready(sink, wanted, self._store, self._clock.now()):
                if not await self._deliver(sink, batch, checkpoint):
                    return
        except StoreError as error:
            # an alert that went out is not known to have: it will be repeated
            self._resting[sink.name] = self._clock.now() + FIRST_WAIT
            self._log.error("alerts wait", sink=sink.name, error=str(error), mend=error.hint)
            return
        self.soon()  # there may be more

    async def _deliver(self, sink: Sink, batch: batching.Batch, checkpoint: str) -> bool:
        """Whether the batch arrived."""
        tries = max(alert.tries for alert in batch)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await batching.send(sink, batch, checkpoint)
        except (DeliveryError, TimeoutError) as error:
            why = str(error) or f"no answer within {SEND_SECONDS:g} s"
            wait = min(FIRST_WAIT * 2 ** min(tries, 20), LONGEST_WAIT)
            self._log.error("alert not delivered", sink=sink.name, tries=tries + 1, error=why)
            self._resting[sink.name] = self._clock.now() + wait
            await batching.failed(batch, why, self._clock.now() + wait, self._store)
            return False
        self._resting.pop(sink.name, None)
        await batching.arrived(batch, checkpoint, self._store, self._clock.now())
        return True
