"""The ledger as everyone reads it, and how old, new and strange ones are opened."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.edge.keeping import (
    MIRROR,
    START,
    entries,
    event,
    exchange,
    keep,
    miss,
    outcome,
    reading,
    roster,
    visit_at,
    whole_visit,
)
from watcher.core import merkle
from watcher.edge import schema
from watcher.edge.custody_log import CustodyLog, Kind
from watcher.edge.ledger import Found, Ledger
from watcher.edge.store import LedgerStore
from watcher.errors import StoreDamaged, StoreError, UsageError
from watcher.ports import Origin
from watcher.records import Roster


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LedgerStore]:
    async with LedgerStore.open(tmp_path / "store", vantage="local") as store:
        yield store


@pytest.fixture
def ledger(store: LedgerStore) -> Iterator[Ledger]:
    with Ledger.open(store.folder) as ledger:
        yield ledger


# ------------------------------------------------------------------------------------------------------- captures


async def overlapping_visits(store: LedgerStore) -> list[tuple[datetime, str]]:
    """Visits to three sites that run at the same time and long; every capture's time and identifier, sorted."""
    chance, kept = random.Random(1), []
    for number in range(12):
        site = f"site{number % 3}"
        visit, at = visit_at(number, site, minutes=1)
        for page in range(3):
            asked = at + timedelta(seconds=chance.randint(0, 200))
            sent = exchange(f"{number}{page}".encode(), asked, url=f"{MIRROR}{number}/{page}")
            (capture,) = await store.keep(Origin(site=site, target="listing", visit=visit), [sent])
            kept.append((asked, capture.id))
        if number % 2:
            await store.record(outcome(visit, [capture], {capture.id: reading()}))
    return sorted(kept)


async def test_captures_come_in_the_order_of_their_times_though_visits_overlap(
    store: LedgerStore, ledger: Ledger
) -> None:
    kept = await overlapping_visits(store)
    ids = [name for _, name in kept]
    found = list(ledger.captures())
    assert [capture.requested_at for capture in found] == [at for at, _ in kept]
    assert sorted(capture.id for capture in found) == sorted(ids)
    for place in (0, 5, 35):
        later = [capture.id for capture in ledger.captures(after=found[place].id)]
        assert later == [capture.id for capture in found[place + 1 :]]
        since = [capture.id for capture in ledger.captures(since=found[place].requested_at)]
        assert since == [one.id for one in found if one.requested_at >= found[place].requested_at]
    with pytest.raises(UsageError, match="no capture"):
        list(ledger.captures(after="c0"))


async def test_captures_of_a_site_are_its_own_recorded_or_not(store: LedgerStore, ledger: Ledger) -> None:
    await overlapping_visits(store)
    every = list(ledger.captures())
    for site in ("site0", "site1", "site2"):
        assert list(ledger.captures(site)) == [capture for capture in every if capture.site == site]
        middle = every[len(every) // 2].requested_at
        wanted = [capture for capture in every if capture.site == site and capture.requested_at >= middle]
        assert list(ledger.captures(site, since=middle)) == wanted
    assert list(ledger.captures("site9")) == []
    assert ledger.unrecorded_visits() == tuple(visit_at(n, f"site{n % 3}", minutes=1)[0] for n in range(0, 12, 2))


async def test_the_last_listing_at_a_time(store: LedgerStore, ledger: Ledger) -> None:
    seen = []
    for number, sent in enumerate((exchange, miss, exchange)):
        _, at = visit_at(number)
        seen.append((await keep(store, number, sent(at=at)))[0])
    visit, at = visit_at(3)
    hop = exchange(at=at, status=302, response=b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
    await store.keep(Origin(site="alpha", target="listing", visit=visit), [hop])
    await store.keep(Origin(site="alpha", target="detail", visit=visit), [exchange(at=at, url=f"{MIRROR}x")])
    for moment, wanted in [
        (START - timedelta(seconds=1), None),
        (seen[0].requested_at, seen[0].id),
        (visit_at(1)[1] + timedelta(minutes=1), seen[0].id),
        (visit_at(9)[1], seen[2].id),
    ]:
        found = ledger.capture_at("alpha", moment)
        assert (found.id if found else None) == wanted
    assert ledger.capture_at("beta", visit_at(9)[1]) is None


async def test_what_there_is_not(store: LedgerStore, ledger: Ledger) -> None:
    await keep(store, 0)
    for name in ("", "c", "c0", "x0", "c" + "0" * 16, "c" + "g" * 16, "e1", "c" + "0" * 17):
        assert ledger.capture(name) is None
        assert ledger.reading(name) is None
        assert ledger.event(name) is None
    assert ledger.snapshot(visit_at(0)[0]) is None
    for digest in ("", "zz", "ab" * 32):
        with pytest.raises(UsageError, match="no body"):
            ledger.body(digest)
    with pytest.raises(UsageError, match="no capture"):
        ledger.wire("c0")
    with pytest.raises(UsageError, match="no leaf 5"):
        ledger.record_of(5)


async def test_identifiers_are_found_by_their_beginning(store: LedgerStore, ledger: Ledger) -> None:
    captures = [await whole_visit(store, number, f"{number}".encode(), entries(1)) for number in range(30)]
    names = sorted(capture.id for capture in captures)
    assert len(set(names)) == 30
    for name in names:
        assert ledger.find(name) == (Found("capture", name),)
        short = name[:3]
        assert list(ledger.find(short)) == [Found("capture", one) for one in names if one.startswith(short)]
    assert ledger.find(event(3).id) == (Found("event", event(3).id),)
    assert len(ledger.find("e")) == 20
    assert ledger.find("C") == ledger.find("zz") == ()


async def test_the_same_retrieval_elsewhere_or_later_has_another_identifier(store: LedgerStore) -> None:
    visit, at = visit_at(0)
    sent = exchange(at=at)
    origin = Origin(site="alpha", target="listing", visit=visit)
    variants = [
        sent,
        replace(sent, url=f"{MIRROR}2"),
        replace(sent, requested_at=at + timedelta(microseconds=1)),
        replace(sent, request=b"other"),
        replace(sent, response=sent.response + b"x"),
        replace(sent, response=sent.response.replace(b"nginx", b"Nginx")),
        replace(sent, finished_at=sent.finished_at + timedelta(microseconds=1)),
    ]
    ids = {(await store.keep(origin, [one]))[0].id for one in variants}
    ids.add((await store.keep(replace(origin, target="detail"), [sent]))[0].id)
    assert len(ids) == len(variants) + 1


# -------------------------------------------------------------------------------------------- entries and events


async def test_entries_by_site_standing_and_words(store: LedgerStore, ledger: Ledger) -> None:
    for site in ("beta", "alpha"):
        visit, at = visit_at(0, site)
        (capture,) = await keep(store, 0, site=site)
        beliefs = roster(site, entries(3, site), at, capture.id)
        renamed = replace(
            beliefs.entries[f"{site}-1"], title="ÉCLAT Énergie", aliases=("Acme",), standing="withdrawn",
            withdrawn_at=at, first_seen=START - timedelta(days=1),
        )  # fmt: skip
        beliefs = Roster(site=site, entries={**beliefs.entries, renamed.key: renamed})
        await store.record(outcome(visit, [capture], {capture.id: reading()}, beliefs=beliefs))

    def found(**wanted: str) -> list[str]:
        return [entry.key for _, entry in ledger.entries(**wanted)]  # type: ignore[arg-type]

    assert found() == ["alpha-1", "alpha-0", "alpha-2", "beta-1", "beta-0", "beta-2"]
    assert found(site="beta") == ["beta-1", "beta-0", "beta-2"]
    assert found(standing="withdrawn") == ["alpha-1", "beta-1"]
    assert found(match="éclat") == found(match="ACME") == ["alpha-1", "beta-1"]
    assert found(match="beta-2") == ["beta-2"]
    assert found(site="gamma") == found(match="nobody") == []
    assert {site for site, _ in ledger.entries()} == set(ledger.sites()) == {"alpha", "beta"}


async def test_events_by_site_kind_and_time_and_from_where_one_left_off(store: LedgerStore, ledger: Ledger) -> None:
    told = [
        event(number, site=("alpha", "beta")[number % 2], kind=("listed", "withdrawn", "relisted")[number % 3])
        for number in range(6)
    ]
    for number, one in enumerate(told):
        visit, at = visit_at(number, one.site)
        (capture,) = await keep(store, number, exchange(at=at), site=one.site)
        await store.record(outcome(visit, [capture], {capture.id: reading()}, events=[one]))
    assert list(ledger.events()) == told
    assert list(ledger.events(site="beta")) == told[1::2]
    assert list(ledger.events(kind="withdrawn")) == [told[1], told[4]]
    assert list(ledger.events(since=told[2].confirmed_at)) == told[2:]
    assert list(ledger.events(site="nowhere")) == []
    numbered = list(ledger.numbered_events())
    assert list(ledger.numbered_events(last=numbered[3][0])) == numbered[4:]
    assert ledger.event(told[2].id) == told[2]


async def test_when_a_site_is_due_is_remembered_before_and_after_its_first_visit(
    store: LedgerStore, ledger: Ledger
) -> None:
    due = START + timedelta(hours=1)
    await store.schedule("alpha", due)
    await store.status()
    (status,) = ledger.status()
    assert (status.next_visit, status.verdict, status.last_visit) == (due, "", None)
    await whole_visit(store, 0, b"page", entries(2))
    (status,) = ledger.status()
    assert (status.next_visit, status.verdict, status.listed) == (due, "listing", 2)
    assert status.last_visit == status.last_complete != None  # noqa: E711 - a chain: both are set, and the same


async def test_an_old_visit_read_again_does_not_change_how_things_stand(store: LedgerStore, ledger: Ledger) -> None:
    old, at = visit_at(0)
    (first,) = await keep(store, 0, exchange(at=at))
    await whole_visit(store, 1, b"page", entries(2))
    stands = ledger.status()
    await store.record(outcome(old, [first], {first.id: reading(verdict="blocked", complete=False)}, backfill=True))
    assert ledger.status() == stands
    snapshot = ledger.snapshot(old)
    assert snapshot is not None
    assert snapshot.backfill


# --------------------------------------------------------------------------------------------------- custody log


async def test_the_log_proves_every_leaf_in_every_size(store: LedgerStore, ledger: Ledger) -> None:
    """All shapes of the tree up to 70 leaves, through the nodes that are kept and those that are not."""
    roots = []
    for number in range(70):
        await store.act({"form": 1, "act": "test", "n": number})
        roots.append((await store.head())[1])
    leaves = list(ledger.log.leaves())
    for size in range(1, 71):
        assert ledger.log.root(size) == roots[size - 1] == merkle.root(size, merkle.nodes_of(leaves[:size]))
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, ledger.log.node_at)
            merkle.verify_inclusion(leaves[index], index, size, proof, roots[size - 1])
        proof = merkle.consistency_proof(size, 70, ledger.log.node_at)
        merkle.verify_consistency(size, 70, proof, roots[size - 1], roots[-1])


def test_an_append_to_a_large_log_looks_up_few_rows(tmp_path: Path) -> None:
    db = schema.open_owned(tmp_path)
    log = CustodyLog(db.conn)
    with db.atomic():
        for number in range(5000):
            log.append(Kind.ACT, None, number.to_bytes(32, "big"))
    asked: list[str] = []
    log.forget()
    db.conn.set_trace_callback(asked.append)
    for number in range(5000, 5010):
        log.append(Kind.ACT, None, number.to_bytes(32, "big"))
    assert len(asked) < 10 * 4
    asked.clear()
    merkle.inclusion_proof(3, log.size, log.node_at)
    assert len(asked) < 60
    db.conn.set_trace_callback(None)
    assert log.root() == merkle.root(log.size, merkle.nodes_of(list(log.leaves())))
    db.conn.close()


async def test_a_log_with_a_hole_is_told(store: LedgerStore, ledger: Ledger) -> None:
    for number in range(40):
        await store.act({"form": 1, "act": "test", "n": number})
    await store.do(lambda desk: desk.db.execute("DELETE FROM leaf WHERE n = 33"))
    await store.do(lambda desk: desk.db.execute("DELETE FROM act WHERE leaf = 2"))
    for index in (33 >> 1, 33):
        with pytest.raises(StoreDamaged, match="lacks its node"):
            ledger.log.node_at(1 if index == 33 >> 1 else 0, index)
    with pytest.raises(StoreDamaged, match="lacks the record of leaf 2"):
        ledger.record_of(2)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE capture SET rest = x'00'", "damaged|cut"),
        ("DELETE FROM pack", "lacks its pack"),
        ("DELETE FROM body", "lacks"),
        ("UPDATE body SET frame = x'00'", "damaged"),
        ("UPDATE body SET frame = NULL", "is gone"),
    ],
)
async def test_a_damaged_row_is_told_not_passed_over(store: LedgerStore, ledger: Ledger, harm: str, said: str) -> None:
    (capture,) = await keep(store, 0)
    await store.do(lambda desk: desk.db.execute(harm))
    with pytest.raises(StoreDamaged, match=said):
        ledger.wire(capture.id)


# ------------------------------------------------------------------------------------------------------- opening


def test_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store") as error:
        Ledger.open(tmp_path / "none")
    assert "watcher init" in error.value.hint


async def test_a_newer_ledger_is_refused_by_reader_and_owner(tmp_path: Path) -> None:
    await LedgerStore.open(tmp_path, vantage="local").close()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    before = (tmp_path / "ledger.db").read_bytes()
    for opens in (lambda: Ledger.open(tmp_path), lambda: LedgerStore.open(tmp_path, vantage="local")):
        with pytest.raises(StoreError, match=f"newer watcher \\(form {schema.VERSION + 1}") as error:
            opens()
        assert error.value.hint == "upgrade watcher"
    assert (tmp_path / "ledger.db").read_bytes() == before
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    connection.close()
    await LedgerStore.open(tmp_path, vantage="local").close()  # the lock was given back


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    with pytest.raises(StoreError, match="no watcher's ledger"):
        LedgerStore.open(tmp_path, vantage="local")
    (tmp_path / "ledger.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(StoreDamaged, match="damaged"):
        LedgerStore.open(tmp_path, vantage="local")


@pytest.mark.parametrize("steps", ["", "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT,"
                                   " name TEXT, applied_at TEXT)"])  # fmt: skip
async def test_a_ledger_that_was_never_finished_is_made_anew(tmp_path: Path, steps: str) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute(steps)
    connection.close()
    with pytest.raises(StoreError, match="never finished"):
        Ledger.open(tmp_path)
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        await keep(store, 0)


SEARCH = ("piece", "stood", "named", "looked", "unsearched", "brought", "unshipped", "parcel", "shipped", "lately")


async def test_an_older_ledger_is_brought_up_to_date_by_its_owner_with_all_it_holds(tmp_path: Path) -> None:
    """A file of form 1, as the first step of the migrations makes it, with a capture in it."""
    async with LedgerStore.open(tmp_path / "new", vantage="local") as store:
        capture = await whole_visit(store, 0, b"page", entries(2))
    old = tmp_path / "old"
    shutil.copytree(tmp_path / "new", old)
    connection = sqlite3.connect(old / "ledger.db")
    with connection:
        for table in ("delivery", "sink", "stamp", "checkpoint", "words", *SEARCH):
            connection.execute(f"DROP TABLE {table}")
        indexes = ("entry_standing", "entry_first", "event_confirmed", "event_kind", "event_watched", "entry_names")
        for index in indexes:
            connection.execute(f"DROP INDEX {index}")
        connection.execute("ALTER TABLE sight DROP COLUMN again")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name != 'evidence'")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(StoreError, match="form 1") as error:
        Ledger.open(old)
    assert "brings it up to date" in error.value.hint
    async with LedgerStore.open(old, vantage="local") as store:
        await store.subscribe(["stdout:"])
        assert (await store.status())[0].listed == 2
        with Ledger.open(old) as ledger:
            assert ledger.capture(capture.id) is not None
            form = ledger.connection.execute("PRAGMA user_version").fetchone()[0]
            names = ledger.connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
    steps = ("evidence", "delivery", "looking", "search", "brought", "names", "fleet", "again", "lately")
    assert (form, [name for (name,) in names]) == (schema.VERSION, list(steps))


def test_a_step_that_fails_leaves_the_ledger_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = schema._DELIVERY + "\nCREATE TABLE nonsense (;\n"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_DELIVERY", broken)
        with pytest.raises(StoreError):
            schema.open_owned(tmp_path)
    connection = sqlite3.connect(tmp_path / "ledger.db")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    connection.close()
    assert "capture" in tables
    assert not tables & {"delivery", "sink", "stamp", "checkpoint"}
    schema.open_owned(tmp_path).conn.close()


async def test_a_store_that_cannot_be_written_can_be_read(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path / "store", vantage="local") as store:
        capture = await whole_visit(store, 0, b"page", entries(1))
    for path in [*(tmp_path / "store").rglob("*"), tmp_path / "store"]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path in itertools.takewhile(lambda path: path != Path(tempfile.gettempdir()), (tmp_path, *tmp_path.parents)):
        path.chmod(0o755)
    code = (
        "import os, sqlite3, sys; from pathlib import Path; from watcher.edge.ledger import Ledger\n"
        "if os.geteuid() == 0: os.setuid(65534)  # root may write anywhere: look on as nobody\n"
        "with Ledger.open(Path(sys.argv[1])) as ledger: print(*(c.id for c in ledger.captures()))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "store")]
    found = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert found.stdout.split() == [capture.id], found.stderr
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["bodies", "ledger.db", "lock"]


async def test_readers_see_whole_visits_while_the_owner_writes(store: LedgerStore) -> None:
    """A reader in the middle of its answer keeps seeing the ledger as it was when it asked."""
    for number in range(3):
        await whole_visit(store, number, f"{number}".encode(), entries(2))
    with Ledger.open(store.folder) as ledger:
        answer = ledger.numbered_events()
        next(answer)
        for number in range(3, 6):
            await whole_visit(store, number, f"{number}".encode(), entries(2))
        assert len(list(answer)) == 2
        assert len(list(ledger.events())) == 6


def test_reading_needs_no_heavy_modules() -> None:
    """What the command line imports to look at a store, it imports at every start."""
    code = "import sys, watcher.edge.ledger\nprint(*sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlite_utils", "asyncio", "aiohttp", "cryptography", "selectolax", "structlog"} & set(found)
