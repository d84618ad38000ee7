"""Who stops listening in the middle of a long answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

from watcher.edge.ledger_sights import WebLedger
from watcher.records import Capture
from watcher.web.ledgers import Ledgers


async def test_nothing_is_closed_under_who_still_reads(told: tuple[Path, tuple[Capture, ...]]) -> None:
    """SQLite forgives nobody who closes what another thread asks: the process would end, with no word."""
    ledgers = Ledgers(told[0] / "snapshots")
    reads, gone, after = threading.Event(), threading.Event(), list[object]()

    def rows(ledger: WebLedger) -> Iterator[int]:
        reads.set()
        assert gone.wait(20)
        after.append(ledger.connection.execute("SELECT 1").fetchone()[0])
        yield 1

    async def listen() -> None:
        async with ledgers.stream(rows) as batches:
            async for _ in batches:
                raise AssertionError("nobody listens any more")

    listening = asyncio.create_task(listen())
    assert await asyncio.to_thread(reads.wait, 20)
    listening.cancel()
    done, _ = await asyncio.wait([listening], timeout=0.05)
    assert not done  # it waits for who reads
    gone.set()
    await asyncio.wait([listening])
    assert listening.cancelled()
    assert after == [1]
    ledgers.close()
