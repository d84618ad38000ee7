"""A ledger and its copy: whatever the owner writes, and however it is shipped, they are one."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.edge.keeping import START, entries, exchange, keep, miss, outcome, reading, visit_at, whole_visit
from tests.fleet.copying import KEY, NOW, messages_of, receive, rows_of, ship
from watcher.core import custody
from watcher.core.shipping import TABLES, Parcel, Row
from watcher.edge import parcels, schema
from watcher.edge.ledger import Ledger
from watcher.edge.store import LedgerStore
from watcher.edge.verify_store import verify_store
from watcher.errors import EvidenceError


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LedgerStore]:
    async with LedgerStore.open(tmp_path / "own", vantage="a", now=lambda: NOW) as store:
        yield store


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[LedgerStore]:
    async with LedgerStore.open(tmp_path / "copy", vantage="index") as store:
        yield store


def same(store: LedgerStore, copy: LedgerStore) -> None:
    """The copy holds what the store holds, and every check says of it what it says of the store."""
    assert rows_of(copy.folder) == rows_of(store.folder)
    checks = verify_store(copy.folder, key=KEY.vkey)
    assert checks == verify_store(store.folder, key=KEY.vkey)
    # the readings and events of these tests are made up, and no rule gives them
    wrong = {check.check for check in checks if not check.ok} - {"readings", "events", "checkpoints", "times"}
    assert not wrong, [check for check in checks if not check.ok]


async def sign(store: LedgerStore) -> None:
    await store.act(custody.key_record(old="", new=KEY.vkey, at=NOW, vantage="a"))
    size, root = await store.head()
    await store.checkpoint(size, str(KEY.checkpoint(size, root)))


async def test_every_table_is_shipped_or_left_out_on_purpose(store: LedgerStore) -> None:
    made_again = {"piece", "stood", "named", "looked", "unsearched", "words"}
    own = {"underway", "sink", "delivery", "unshipped", "parcel", "shipped", "lately", "_sqlite_migrations"}
    with Ledger.open(store.folder) as ledger:
        names = ledger.connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for table, keys in TABLES.items():
            columns = ledger.connection.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
            assert tuple(name for name, pk in sorted(columns, key=lambda one: one[1]) if pk) == keys
    there = {name for (name,) in names if not name.startswith(("words_", "sqlite_"))}
    assert there == TABLES.keys() | made_again | own


async def test_what_was_there_before_joining_and_what_comes_after_is_shipped(
    store: LedgerStore, copy: LedgerStore
) -> None:
    await whole_visit(store, 0, b"page", entries(3))
    await sign(store)
    await store.do(parcels.join)
    await ship(store, copy)
    same(store, copy)
    await whole_visit(store, 1, b"another page", entries(4))
    await keep(store, 2, miss(START + timedelta(minutes=30)))
    await sign(store)
    await ship(store, copy)
    same(store, copy)
    assert await messages_of(store) == []


async def test_a_store_that_never_joined_marks_nothing(store: LedgerStore) -> None:
    await whole_visit(store, 0, b"page", entries(3))
    assert await messages_of(store) == []
    with Ledger.open(store.folder) as ledger:
        assert not ledger.connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'trigger'").fetchall()


async def test_joining_again_ships_only_what_is_new(tmp_path: Path, copy: LedgerStore) -> None:
    async with LedgerStore.open(tmp_path / "own", vantage="a", now=lambda: NOW) as store:
        await store.do(parcels.join)
        await whole_visit(store, 0, b"page", entries(3))
        await ship(store, copy)
    async with LedgerStore.open(tmp_path / "own", vantage="a", now=lambda: NOW) as store:  # alone for a while
        await whole_visit(store, 1, b"another page", entries(4))
    async with LedgerStore.open(tmp_path / "own", vantage="a", now=lambda: NOW) as store:
        await store.do(parcels.join)
        messages = await messages_of(store)
        assert messages[0][0] == 2
        await receive(copy, messages)
        same(store, copy)
        with Ledger.open(copy.folder) as ledger:
            assert ledger.log.size == 6


async def test_a_change_is_shipped_as_it_stands_however_often_it_changed(store: LedgerStore, copy: LedgerStore) -> None:
    await store.do(parcels.join)
    await ship(store, copy)
    for number in range(20):
        await store.schedule("alpha", START + timedelta(minutes=number))
    marks = await store.do(lambda desk: desk.db.execute("SELECT count(*) FROM unshipped").fetchone()[0])
    assert marks == 2  # the site, its target
    await ship(store, copy)
    same(store, copy)


async def test_rows_that_go_go_from_the_copy(store: LedgerStore, copy: LedgerStore) -> None:
    await store.do(parcels.join)
    await whole_visit(store, 0, b"page", entries(3))
    await ship(store, copy)
    visit, _ = visit_at(1)
    kept = await keep(store, 1, exchange(b"fewer", START + timedelta(minutes=15)))
    await store.record(outcome(visit, kept, {kept[0].id: reading(entries(2))}))
    await ship(store, copy)
    same(store, copy)
    assert len(rows_of(copy.folder)["entry"]) == 2


async def test_large_bodies_go_along_as_files(store: LedgerStore, copy: LedgerStore) -> None:
    await store.do(parcels.join)
    body = random.Random(5).randbytes(1_200_000).hex().encode()
    await whole_visit(store, 0, body, entries(1))
    messages = await messages_of(store)
    assert len(messages) >= 3  # and none is larger than an engine takes
    assert max(len(data) for _, data in messages) < 1_000_000
    await receive(copy, messages)
    same(store, copy)
    with Ledger.open(copy.folder) as ledger:
        assert [ledger.body(one.body_digest or "") for one in ledger.captures()] == [body]


async def test_small_parcels_are_whole_at_the_end_and_never_refer_to_what_is_not_there(
    store: LedgerStore, copy: LedgerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "PARCEL_BYTES", 2_000)
    await store.do(parcels.join)
    chance = random.Random(11)
    for number in range(12):
        await whole_visit(store, number, chance.randbytes(200).hex().encode(), entries(chance.randint(1, 9)))
    messages = await messages_of(store)
    assert len(messages) > 8
    for message in messages:
        await receive(copy, [message])
        with Ledger.open(copy.folder) as ledger:
            for child, column, parent, key in (
                ("capture", "place", "place", "id"),
                ("capture", "body", "body", "id"),
                ("body", "base", "body", "id"),
                ("reading", "content", "content", "id"),
                ("snapshot", "content", "content", "id"),
            ):
                lost = ledger.connection.execute(
                    f"SELECT 1 FROM {child} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {parent})"
                ).fetchall()
                assert not lost, (child, column)
    same(store, copy)


async def test_what_arrived_and_was_never_acknowledged_comes_again_the_same(tmp_path: Path, copy: LedgerStore) -> None:
    async with LedgerStore.open(tmp_path / "own", vantage="a", now=lambda: NOW) as store:
        await store.do(parcels.join)
        await whole_visit(store, 0, b"page", entries(3))
        before = await messages_of(store)
        await receive(copy, before)
    async with LedgerStore.open(tmp_path / "own", vantage="a", now=lambda: NOW) as store:
        await whole_visit(store, 1, b"another page", entries(4))
        after = await messages_of(store)
        assert after[: len(before)] == before
        await receive(copy, after)
        same(store, copy)


async def test_shipping_anew_after_the_stream_was_lost(store: LedgerStore, copy: LedgerStore) -> None:
    await store.do(parcels.join)
    await whole_visit(store, 0, b"page", entries(3))
    await ship(store, copy)
    await copy.do(lambda desk: desk.db.execute("INSERT INTO site VALUES (77, 'nobody')"))
    await whole_visit(store, 1, b"lost", entries(2))
    (lost,) = await messages_of(store)
    await store.do(partial(parcels.arrived, seq=lost[0]))
    await store.do(parcels.ship_anew)
    messages = await messages_of(store)
    assert messages[0][0] == lost[0] + 1  # a number is never used twice
    await receive(copy, messages)
    same(store, copy)


async def test_what_the_stream_has_and_the_store_still_keeps_decides_where_shipping_goes_on(store: LedgerStore) -> None:
    await store.do(parcels.join)
    made = 0
    while made < parcels.KEPT + 6:
        await store.act(custody.key_record(old="", new=f"{made}", at=NOW, vantage="a"))
        made += await store.do(partial(parcels.make_parcel, vantage="a", sign=KEY.sign, at=NOW))

    async def at(last: int) -> tuple[bool, int, int]:
        """Whether it goes on behind this message; what is then held to have arrived, and waits first."""
        goes_on = await store.do(partial(parcels.level, last=last))
        waits = await store.do(partial(parcels.waiting, most=1))
        return goes_on, await store.do(parcels.last_sent), waits[0][0] if waits else 0

    assert await at(0) == (True, 0, 1)
    assert await at(3) == (True, 3, 4), "they arrived, and nobody could tell us so"
    await store.do(partial(parcels.arrived, seq=made))
    await store.do(partial(parcels.arrived, seq=5))
    assert await store.do(parcels.last_sent) == made, "word that comes late takes nothing back"
    oldest = made - parcels.KEPT + 1
    assert await at(made) == (True, made, 0)
    assert await at(made - 2) == (True, made - 2, made - 1), "an engine forgot its last two"
    await store.do(partial(parcels.arrived, seq=made))
    assert await at(oldest - 1) == (True, oldest - 1, oldest), "and as many as are kept"
    await store.do(partial(parcels.arrived, seq=made))
    assert (await at(oldest - 2))[0] is False, "one more is lost: all of it is shipped anew"


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([Row(table="site", values=(1,))], "site with 1 columns"),
        ([Row(table="site", values=(1, "x", 3))], "site with 3 columns"),
        ([Row(table="site", values=("one", "x"))], "none of the ledger's"),
        ([Row(table="site", values=(2**63, "x"))], "none of the ledger's"),
        ([Row(table="site", values=(1, None))], "none of the ledger's"),
        ([Row(table="entry", values=(1,), gone=True)], "entry with 1 columns"),
        ([Row(table="file", values=(b"../../x", b""))], "a file that is none"),
        ([Row(table="descriptor", values=("../../x", b""))], "a file that is none"),
    ],
)
async def test_rows_that_do_not_fit_are_refused_and_nothing_of_the_parcel_is_kept(
    copy: LedgerStore, rows: list[Row], match: str
) -> None:
    before = rows_of(copy.folder)
    parcel = Parcel(
        form=schema.VERSION, at=NOW, whole=True, anew=True, rows=(Row(table="site", values=(5, "good")), *rows)
    )
    with pytest.raises(EvidenceError, match=match):
        await copy.do(partial(parcels.take_in, parcel=parcel, last=1))
    assert rows_of(copy.folder) == before
    assert await copy.do(parcels.last_received) == 0


async def test_rows_of_another_form_are_refused(copy: LedgerStore) -> None:
    parcel = Parcel(form=schema.VERSION + 1, at=NOW, whole=True, rows=())
    with pytest.raises(EvidenceError, match="must be of one version"):
        await copy.do(partial(parcels.take_in, parcel=parcel, last=1))
