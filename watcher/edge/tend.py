"""What a store's owner does beside watching: takes in acts that others left, has checkpoints stamped and cosigned.

Nothing here delays a visit or an alert; what fails is tried again later.
"""

from __future__ import annotations

import asyncio

import structlog

from watcher.edge import acts
from watcher.edge.descriptor import Descriptors
from watcher.edge.store import LedgerStore
from watcher.edge.timestamp import Stamper
from watcher.edge.witness import Witnesses
from watcher.errors import StoreError

IDLE_SECONDS = 20.0
WITNESS_SECONDS = 600.0
"""A new checkpoint is cosigned at least this long after the last one; one that covers news, at once."""


class Tending:
    """The log's upkeep."""

    def __init__(self, store: LedgerStore, stamper: Stamper, witnesses: Witnesses, descriptors: Descriptors) -> None:
        self._store, self._stamper, self._witnesses, self._descriptors = store, stamper, witnesses, descriptors
        self._log = structlog.get_logger("watcher")
        self._wake = asyncio.Event()
        self._next_witness = 0.0

    def soon(self) -> None:
        """There is news: have the newest checkpoint stamped now."""
        self._stamper.soon()
        self._next_witness = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Tend the log, and fetch descriptors beside, until cancelled."""
        fetching = asyncio.create_task(self._descriptors.run())
        try:
            await self._tend()
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    async def _tend(self) -> None:
        while True:
            self._wake.clear()
            await self.once()
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def once(self) -> None:
        """One round; trouble with the store is told, and not the end."""
        try:
            await acts.take_in(self._store)
            await self._stamper.flush()
            if (now := asyncio.get_running_loop().time()) >= self._next_witness:
                self._next_witness = now + WITNESS_SECONDS
                await self._witnesses.flush()
        except StoreError as error:
            self._log.error("store trouble", error=str(error), mend=error.hint)
