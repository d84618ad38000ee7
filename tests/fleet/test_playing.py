"""A fleet for a few seconds, with everything that may happen to one: killed, cut off, without a server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fleet.playing import PlayedFleet, check_all, check_index, looked_at
from watcher.errors import StoreError

EVERY, LEASE = 1.0, 1.5
START = datetime(2026, 1, 1, tzinfo=UTC)


async def test_whatever_happens_nothing_is_lost_doubled_or_orphaned(tmp_path: Path) -> None:
    async with PlayedFleet(tmp_path, count=3, sites=24, every_seconds=EVERY, lease_seconds=LEASE) as fleet:
        first, second, third = fleet.vantages
        index = await fleet.follow()
        await until_looked_at(fleet, ["v0", "v1", "v2"])
        assert not await all_looked_at(fleet, ["v1", "v2"], START)  # the sites are shared out

        await asyncio.to_thread(first.kill)
        await until_looked_at(fleet, ["v1", "v2"])  # taken over
        first.start()
        await asyncio.to_thread(index.kill)
        await asyncio.to_thread(fleet.server.kill)
        await until_looked_at(fleet, ["v0", "v1", "v2"])  # without a server everyone goes on
        await asyncio.to_thread(fleet.server.start)
        index.start()

        second.line.cut()
        await until_looked_at(fleet, ["v0", "v2"])  # cut off: others look at its sites, and it goes on with them
        assert looked_at(fleet.folder, ["v1"], datetime.now(UTC) - timedelta(seconds=2 * EVERY))
        await asyncio.to_thread(third.kill)
        second.line.mend()
        third.start()

        await fleet.all_shipped()
        await asyncio.to_thread(index.catch_up)
        assert check_index(fleet, index) > 0
        check_all(fleet, await fleet.copies(tmp_path / "copies"))


async def until_looked_at(fleet: PlayedFleet, names: list[str]) -> None:
    """Wait until these vantages have between them looked at all sites, from now on."""
    now = datetime.now(UTC)
    async with asyncio.timeout(40):
        while not await all_looked_at(fleet, names, now):  # noqa: ASYNC110 - what is waited for is in databases
            await asyncio.sleep(0.1)


async def all_looked_at(fleet: PlayedFleet, names: list[str], since: datetime) -> bool:
    try:
        return len(await asyncio.to_thread(looked_at, fleet.folder, names, since)) == fleet.sites
    except StoreError:  # not made yet
        return False
