"""The index over a fleet: copies that verify, one ledger over all, and what is told."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fleet_index.fleet import NAMES, Fleet, captures_of, events_of
from tests.props.fakes import PlainReader
from watcher.edge.index import Arrival
from watcher.edge.index_copies import copies
from watcher.edge.index_texts import read_texts
from watcher.edge.index_union import progress
from watcher.edge.ledger import Ledger
from watcher.edge.search import search
from watcher.edge.sign import SigningKey
from watcher.edge.verify import verify
from watcher.edge.verify_store import verify_store

FEWER = tuple(name for name in NAMES if name != "Dorvani")


def said(folder: Path) -> list[str]:
    return [event.kind if event.entry is None else f"{event.kind} {event.entry.title}" for event in events_of(folder)]


def failed(folder: Path, key: str) -> list[str]:
    return [f"{one.check}: {one.detail}" for one in verify_store(folder, key=key) if not one.ok]


async def test_the_index_is_the_union_of_the_ledgers(tmp_path: Path) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 3)
        await fleet.round(NAMES, 2, site="other")
        await fleet.round(("Jorvatt", *NAMES), 3)
        await fleet.vantages["oslo"].look("unreachable")
        await fleet.ship("oslo")
        async with await fleet.index() as index:
            await index.follow(fleet.feed())
        folder = tmp_path / "index"
        theirs = [capture for one in fleet.vantages.values() for capture in captures_of(one.folder).values()]
        mine = captures_of(folder).values()  # leaf and bytes on disk are each store's own
        assert {one.id: replace(one, leaf=0, stored_bytes=0) for one in mine} == {
            one.id: replace(one, leaf=0, stored_bytes=0) for one in theirs
        }
        assert said(folder) == ["listed Jorvatt"]
        for vantage in fleet.vantages.values():
            assert failed(vantage.folder, vantage.key.vkey) == []
            with Ledger.open(vantage.folder) as theirs_ledger, Ledger.open(folder) as my_ledger:
                for capture in theirs_ledger.captures():
                    assert my_ledger.wire(capture.id) == theirs_ledger.wire(capture.id)
                    assert my_ledger.reading(capture.id) == theirs_ledger.reading(capture.id)
                    assert my_ledger.snapshot(capture.visit) == theirs_ledger.snapshot(capture.visit)
        with Ledger.open(folder) as ledger:
            standings = {entry.title: entry.standing for site, entry in ledger.entries(site="gang")}
            assert standings == dict.fromkeys(("Jorvatt", *NAMES), "listed")
            assert {one.site for one in ledger.status()} == {"gang", "other"}
            assert progress(ledger.connection).keys() == {"berlin", "oslo"}
            assert all(left_out == 0 for _, left_out in progress(ledger.connection).values())


async def test_copies_are_the_vantages_logs_and_verify_with_their_keys(tmp_path: Path) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 3)
        async with await fleet.index() as index:
            await index.follow(fleet.feed())
        found = copies(tmp_path / "index")
        assert found.keys() == {"berlin", "oslo"}
        for name, folder in found.items():
            vantage = fleet.vantages[name]
            assert failed(folder, vantage.key.vkey) == []
            with Ledger.open(folder) as copy, Ledger.open(vantage.folder) as original:
                assert copy.log.size == original.log.size > 6
                assert copy.log.root() == original.log.root()
            other = fleet.vantages["oslo" if name == "berlin" else "berlin"]
            assert any(line.startswith("checkpoints") for line in failed(folder, other.key.vkey))
        assert [one for one in verify_store(tmp_path / "index") if not one.ok] == []


async def test_a_withdrawal_that_two_confirmed_is_told_by_the_index(tmp_path: Path) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 4)
        await fleet.round({"berlin": FEWER, "oslo": NAMES}, 6)
        async with await fleet.index(agree=2) as index:
            await index.follow(fleet.feed())
        folder = tmp_path / "index"
        assert [event.kind for event in fleet.events()["berlin"]] == ["withdrawn"]
        assert said(folder) == ["vantages-disagree Dorvani"]
        behind = len(fleet.stream)
        await fleet.round(FEWER, 6)
        async with await fleet.index(agree=2) as index:
            await index.follow(fleet.feed(behind))
        assert said(folder) == ["vantages-disagree Dorvani", "withdrawn Dorvani"]
        event = events_of(folder)[-1]
        assert event.vantage == "index"
        assert "vantages-agree:2" in event.why
        mine = captures_of(folder)
        assert {event.before, event.after} <= mine.keys()
        with Ledger.open(folder) as ledger:
            before, after = (ledger.snapshot(mine[name].visit) for name in (event.before, event.after))  # type: ignore[index]
            assert before is not None
            assert after is not None
            assert "Dorvani" in {entry.title for entry in before.entries}
            assert "Dorvani" not in {entry.title for entry in after.entries}


async def test_said_twice_nothing_changes(tmp_path: Path) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 3)
        await fleet.round(("Jorvatt", *FEWER), 8)
        async with await fleet.index() as index:
            await index.follow(fleet.feed())
            resume = await index.resume_from()
        assert resume == len(fleet.stream)
        before = dump(tmp_path / "index")
        async with await fleet.index() as index:
            await index.follow(fleet.feed())
            await index.follow(fleet.feed(5))
            assert await index.resume_from() == resume
        assert dump(tmp_path / "index") == before
        async with await fleet.index(tmp_path / "anew") as index:
            await index.follow(fleet.feed())
            await index.follow(fleet.feed())
        assert dump(tmp_path / "anew") == before
        assert said(tmp_path / "anew").count("withdrawn Dorvani") == 1


def dump(folder: Path) -> dict[str, list[object]]:
    with Ledger.open(folder) as ledger:
        names = [name for (name,) in ledger.connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        plain = [name for name in names if not name.startswith(("sqlite_", "_sqlite", "words"))]
        return {name: sorted(ledger.connection.execute(f"SELECT * FROM {name}"), key=repr) for name in plain}


async def test_what_pages_say_can_be_searched(tmp_path: Path) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 3)
        await fleet.round(("Jorvatt", *FEWER), 2)
        async with await fleet.index() as index:
            await index.follow(fleet.feed())
            assert await read_texts(index.union, PlainReader()) == 4  # two versions, seen by two
            assert await read_texts(index.union, PlainReader()) == 0
    with Ledger.open(tmp_path / "index") as ledger, Ledger.open(tmp_path / "berlin") as lone:
        for text in ("leaks of a gang", "Dorvani", "Jorvatt"):
            mine, theirs = (
                {(hit.what, hit.site, hit.title, hit.url, hit.excerpt) for hit in search(one, text).hits}
                for one in (ledger, lone)
            )
            assert "page" in {what for what, *_ in theirs}
            assert mine == theirs


async def test_whoever_is_no_vantage_or_signs_for_another_is_not_heard(tmp_path: Path) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 2)
        stranger = Fleet(tmp_path / "strangers", "mallory")
        async with stranger:
            await stranger.round(FEWER, 9)
            forged = [Arrival(vantage="berlin", data=one.data) for one in stranger.stream]
            swapped = [Arrival(vantage="oslo", data=one.data) for one in fleet.stream if one.vantage == "berlin"]
            flipped = [replace(one, data=one.data[:-70] + b"x" + one.data[-69:]) for one in fleet.stream]
            async with await fleet.index() as index:
                for arrival in [*stranger.stream, *forged, *swapped, *flipped]:
                    await index.take(arrival)
                with Ledger.open(tmp_path / "index") as ledger:
                    assert list(ledger.captures()) == []
                await index.follow(fleet.feed())
        assert len(captures_of(tmp_path / "index")) == 4


async def test_a_vantage_that_lacks_a_message_is_waited_for_and_the_others_go_on(tmp_path: Path) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 4)
        lost = next(place for place, one in enumerate(fleet.stream) if one.vantage == "berlin" and place > 1)
        async with await fleet.index() as index:
            for place, arrival in enumerate(fleet.stream):
                if place != lost:
                    await index.take(arrival)
            seen = [capture.vantage for capture in captures_of(tmp_path / "index").values()]
            assert (seen.count("berlin"), seen.count("oslo")) == (1, 4)
            await index.follow(fleet.feed())
        seen = [capture.vantage for capture in captures_of(tmp_path / "index").values()]
        assert (seen.count("berlin"), seen.count("oslo")) == (4, 4)


@pytest.mark.parametrize(
    ("order", "moved"),
    [(("berlin", "oslo", "turin"), 2), (("oslo", "turin", "berlin"), 1), (("turin", "berlin", "oslo"), 1)],
)
async def test_visits_of_one_microsecond_stay_each_vantages_own(
    tmp_path: Path, order: tuple[str, ...], moved: int
) -> None:
    """Two vantages, the same site, the same microsecond: the name of the visit is the same, and nothing else is."""
    async with Fleet(tmp_path, "berlin", "oslo", "turin") as fleet:
        await fleet.round(NAMES, 2)
        shown = {"berlin": NAMES, "oslo": FEWER, "turin": (*NAMES, "Jorvatt")}
        now = fleet.clock.at
        for later, name in ((0, "berlin"), (0, "oslo"), (1, "turin")):  # the next name is taken, too
            fleet.clock.at = now + timedelta(microseconds=later)
            await fleet.vantages[name].look(shown[name])
        for name in order:
            await fleet.ship(name)
        await fleet.round(NAMES)
        async with await fleet.index() as index:
            await index.follow(fleet.feed())
        visits: dict[str, set[str]] = defaultdict(set)
        with Ledger.open(tmp_path / "index") as ledger:
            mine = {one.id: one for one in ledger.captures()}
            for name, vantage in fleet.vantages.items():
                with Ledger.open(vantage.folder) as own:
                    for theirs in own.captures():
                        here = mine.pop(theirs.id)
                        visits[here.visit].add(name)
                        assert replace(here, visit=theirs.visit, leaf=theirs.leaf, stored_bytes=0) == replace(
                            theirs, stored_bytes=0
                        )
                        assert [one.id for one in ledger.captures_of(here.visit)] == [theirs.id]
                        snapshot, said_there = ledger.snapshot(here.visit), own.snapshot(theirs.visit)
                        assert snapshot is not None
                        assert replace(snapshot, visit=theirs.visit) == said_there
            assert mine == {}
            assert len(visits) == 3 * 4
            assert all(len(names) == 1 for names in visits.values())
            assert all(left_out == 0 for _, left_out in progress(ledger.connection).values())
            assert ledger.connection.execute("SELECT count(*) FROM fleet_moved").fetchone()[0] == moved
        assert [one for one in verify(tmp_path / "index") if not one.ok] == []
        before = dump(tmp_path / "index")
        async with await fleet.index() as index:
            await index.follow(fleet.feed())
        assert dump(tmp_path / "index") == before


async def test_an_index_is_verified_with_every_vantages_key(tmp_path: Path) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 4)
        await fleet.round(FEWER, 6)
        async with await fleet.index(agree=2) as index:
            await index.follow(fleet.feed())
        keys = {name: vantage.key.vkey for name, vantage in fleet.vantages.items()}
    folder = tmp_path / "index"

    def wrong(**changed: str) -> list[str]:
        results = verify(folder, keys=tuple({**keys, **changed}.values()))
        assert {"leaves", "berlin: leaves", "oslo: checkpoints", "union", "agreement"} <= {one.check for one in results}
        return [one.check for one in results if not one.ok]

    assert wrong() == []
    stranger = SigningKey(origin="oslo", secret=Ed25519PrivateKey.generate()).vkey
    assert wrong(oslo=stranger) == ["oslo: checkpoints"]
    copy, union = folder / "vantages" / "oslo" / "ledger.db", folder / "ledger.db"
    for path, statement, check in (
        (copy, "UPDATE capture SET elapsed = elapsed + 1 WHERE n = 2", "oslo: leaves"),
        (copy, "UPDATE node SET hash = zeroblob(32)", "oslo: tree"),
        (copy, "DELETE FROM event", "agreement"),
        (union, "DELETE FROM capture WHERE n = 3", "union"),
    ):
        before = path.read_bytes()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute(statement).rowcount > 0
            connection.commit()
        assert check in wrong()
        path.write_bytes(before)
    assert wrong() == []
