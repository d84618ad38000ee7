"""Tells of events: at least once each, and with the signed log head that covers them.

What is owed stands in the store, written with the event itself: whatever ends the process, an alert is repeated at
worst, never lost. A sink that fails is tried again, later and later; the others do not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from watcher.edge.ledger import Owed
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.errors import DeliveryError, StoreError
from watcher.ports import Clock, Sink

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
IDLE_SECONDS = 5.0
"""How long an unwanted look at the outbox waits; a look that is asked for comes at once."""


class Delivery:
    """The sinks of one watcher, and what they are still owed."""

    def __init__(self, store: LedgerStore, sinks: Sequence[Sink], key: SigningKey, clock: Clock) -> None:
        self._store, self._key, self._clock = store, key, clock
        self._sinks = {sink.name: sink for sink in sinks}
        self._log = structlog.get_logger("watcher")
        self._signed = -1
        self._note = ""
        self._wake = asyncio.Event()

    async def prepare(self) -> None:
        """Say who is to be told from now on."""
        await self._store.subscribe(list(self._sinks))

    def soon(self) -> None:
        """Look at the outbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver what is due, until cancelled; a head is signed whenever the log grew."""
        while True:
            self._wake.clear()
            try:
                await self.flush()
            except StoreError as error:
                self._log.error("store trouble", error=str(error), mend=error.hint)
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def flush(self) -> None:
        """Sign the head of the log, then one try at everything that is due."""
        checkpoint = await self.checkpoint()
        while owed := await self._store.undelivered():
            await asyncio.gather(*(self._deliver(alert, checkpoint) for alert in owed))

    async def checkpoint(self) -> str:
        """The signed head of the log as it stands; kept, so that it can be shown later."""
        size, root = await self._store.head()
        if size != self._signed:
            self._note = str(self._key.checkpoint(size, root)) if size else ""
            if size:
                await self._store.checkpoint(size, self._note)
            self._signed = size
        return self._note

    async def _deliver(self, alert: Owed, checkpoint: str) -> None:
        sink = self._sinks.get(alert.sink)
        if sink is None or not sink.wants(alert.event):
            await self._store.not_wanted(alert)
            return
        try:
            await sink.send(alert.event, checkpoint)
        except DeliveryError as error:
            wait = min(FIRST_WAIT * 2 ** min(alert.tries, 20), LONGEST_WAIT)
            self._log.error("alert not delivered", sink=alert.sink, tries=alert.tries + 1, error=str(error))
            await self._store.not_delivered(alert, str(error), self._clock.now() + wait)
        else:
            await self._store.delivered(alert, checkpoint)
