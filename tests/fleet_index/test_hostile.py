"""A vantage with a good key that ships nonsense: it hurts nobody but itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fleet_index.fleet import NAMES, Fleet, captures_of
from watcher.edge import parcels
from watcher.edge.verify import verify
from watcher.edge.verify_store import verify_store

NONSENSE = {
    "an event that is none": "UPDATE event SET data = x'7b7d'",
    "an event that is no JSON": "UPDATE event SET data = x'00ff'",
    "another's event": "UPDATE event SET data = CAST(replace(CAST(data AS TEXT), 'oslo', 'berlin') AS BLOB)",
    "captures of another vantage": "UPDATE place SET vantage = 'berlin'",
    "bodies that are other bytes": "UPDATE body SET frame = x'28b52ffd00'",
    "readings that are none": "UPDATE content SET frame = zeroblob(30)",
    "visits that are not there": "DELETE FROM snapshot",
    "captures that are not there": "DELETE FROM capture",
    "sites that are not there": "DELETE FROM site",
    "leaves of no kind": "UPDATE leaf SET kind = 77, ref = NULL",
    "leaves about nothing": "UPDATE leaf SET ref = -1",
    "a log with holes": "DELETE FROM leaf WHERE n % 2",
    "times beyond all time": "UPDATE snapshot SET taken = 9000000000000000000",
    "captures at no time": "UPDATE capture SET started = 9000000000000000000",
    "checkpoints of another log": "UPDATE checkpoint SET size = size + 1000",
}


HARMLESS = {"leaves of no kind", "checkpoints of another log"}
"""What the projection need not see: it goes by the log alone, and `verify` names it."""


@pytest.mark.parametrize("what", NONSENSE)
async def test_who_ships_nonsense_is_not_followed_and_the_others_are(tmp_path: Path, what: str) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 2)
        await fleet.round(("Jorvatt", *NAMES), 2)
        # oslo's own program is changed: what it ships is signed with its own good key, and makes no sense
        oslo = fleet.vantages["oslo"].folder / "ledger.db"
        behind = len(fleet.stream)
        with closing(sqlite3.connect(oslo)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            changed = connection.execute(NONSENSE[what]).rowcount
            connection.commit()
        assert changed > 0
        await fleet.vantages["oslo"].store.do(parcels.ship_anew)
        await fleet.ship("oslo")
        await fleet.vantages["berlin"].look(("Kelmo", "Jorvatt", *NAMES))
        await fleet.ship("berlin")
        first = [one for one in fleet.stream[:behind] if one.vantage == "berlin"]
        async with await fleet.index() as index:
            for arrival in [*first, *fleet.stream[behind:]]:
                await index.take(arrival)
            await index.project("berlin")
            assert ("oslo" in index.trouble) or what in HARMLESS, index.trouble
    theirs = captures_of(tmp_path / "berlin").keys()
    assert captures_of(tmp_path / "index").keys() >= theirs
    assert [one for one in verify_store(tmp_path / "index") if not one.ok] == []
    results = verify(tmp_path / "index", keys=tuple(one.key.vkey for one in fleet.vantages.values()))
    assert not [one for one in results if not one.ok and one.check.startswith("berlin")]
    assert [one for one in results if not one.ok and one.check.startswith("oslo")]
