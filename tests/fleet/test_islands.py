"""Three vantages on machines of their own, one of them cut off for some leases: the others look at its sites, it goes
on alone, and ships later. The machines are network namespaces; their links go down without a word, as cables do."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fleet.islands import Island, inside_of_its_own
from tests.fleet.playing import PlayedFleet, check_all, check_index, looked_at, looks_of
from tests.fleet.test_playing import all_looked_at, until_looked_at

EVERY, LEASE, SITES = 1.0, 1.5, 24
START = datetime(2026, 1, 1, tzinfo=UTC)


async def story(folder: Path) -> None:
    with ExitStack() as stack:
        islands = [stack.enter_context(Island(number)) for number in range(3)]
        slow = islands[2].slow(100)
        print("one link is slow" if slow else "no link is slow: the kernel lacks sch_netem")
        async with PlayedFleet(
            folder, count=3, sites=SITES, every_seconds=EVERY, lease_seconds=LEASE, islands=islands
        ) as fleet:
            index = await fleet.follow()
            await until_looked_at(fleet, ["v0", "v1", "v2"])
            assert not await all_looked_at(fleet, ["v0", "v2"], START)  # the sites are shared out

            islands[1].cut()
            cut = datetime.now(UTC)
            await until_looked_at(fleet, ["v0", "v2"])  # the others took over what was its own
            await asyncio.sleep(3 * LEASE)
            until = datetime.now(UTC)
            assert looked_at(folder, ["v1"], until - timedelta(seconds=2 * EVERY))  # and it goes on, alone
            islands[1].mend()
            async with asyncio.timeout(40):  # until it leaves the others' sites to them again
                while await all_looked_at(fleet, ["v1"], datetime.now(UTC) - timedelta(seconds=3 * EVERY)):  # noqa: ASYNC110
                    await asyncio.sleep(0.5)

            await fleet.all_shipped()
            await asyncio.to_thread(index.catch_up)
            check_all(fleet, await fleet.copies(folder / "copies"))
            assert check_index(fleet, index) > 0
        alone = [one for one in looks_of(folder, ["v1"]) if cut < one.began < until]
        assert len(alone) >= SITES  # what it saw while it was cut off is among what was shipped


@pytest.mark.namespace
def test_a_vantage_that_is_cut_off_goes_on_alone_and_ships_later(tmp_path: Path) -> None:
    inside_of_its_own(__name__, str(tmp_path), seconds=180)


if __name__ == "__main__":
    asyncio.run(story(Path(sys.argv[1])))
