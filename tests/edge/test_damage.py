"""A ledger whose rows are no longer what was written: whoever reads them says so, and how to mend it; nobody breaks."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.edge.keeping import START, entries, keep, miss, visit_at, whole_visit
from watcher.cli.main import cli
from watcher.edge.ledger import Ledger
from watcher.edge.ledger_entries import EntriesWanted
from watcher.edge.ledger_sights import WebLedger
from watcher.edge.ledger_web import EventsWanted
from watcher.edge.lock import Lock
from watcher.edge.search import search
from watcher.edge.store import LedgerStore
from watcher.edge.verify_store import verify_store
from watcher.errors import StoreDamaged, StoreError

SPANS = [START + timedelta(hours=hour) for hour in range(3)]
READS: dict[str, Callable[[WebLedger], object]] = {
    "captures": lambda ledger: list(ledger.captures()),
    "bytes": lambda ledger: [ledger.wire(one.id) for one in ledger.captures()],
    "pages": lambda ledger: [ledger.page(one.id) for one in ledger.captures() if not one.is_miss],
    "readings": lambda ledger: [ledger.reading(one.id) for one in ledger.captures()],
    "snapshots": lambda ledger: list(ledger.snapshots("alpha")),
    "state": lambda ledger: ledger.state("alpha"),
    "entries": lambda ledger: list(ledger.entries()),
    "entry": lambda ledger: ledger.entry("alpha", "victim-0"),
    "entries page": lambda ledger: ledger.entries_page(EntriesWanted()),
    "events": lambda ledger: list(ledger.events()),
    "events page": lambda ledger: ledger.events_page(EventsWanted()),
    "events of an entry": lambda ledger: ledger.events_of("alpha", "victim-0"),
    "alerts": lambda ledger: ledger.owed(START + timedelta(days=9)),
    "status": lambda ledger: ledger.status(),
    "records": lambda ledger: [ledger.record_of(leaf) for leaf in range(ledger.log.size)],
    "looks": lambda ledger: ledger.recent_looks(5),
    "levels": lambda ledger: ledger.listed_over(SPANS),
    "search": lambda ledger: search(ledger, "velmora"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a bit of everything."""
    folder = tmp_path_factory.mktemp("whole") / "store"
    asyncio.run(fill(folder))
    return folder


async def fill(folder: Path) -> None:
    async with LedgerStore.open(folder, vantage="local", now=lambda: START) as store:
        await store.subscribe(["file:/alerts"])
        for number in range(4):
            await whole_visit(store, number, b"<li>Velmora, version %d</li>" % number, entries(3))
        await keep(store, 5, miss(visit_at(5)[1], response=bytes(5000)))
        await store.act({"act": "spoken", "at": "2026-11-22T15:04:05Z"})


@pytest.fixture
def damaged(whole: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the store to which this was done behind everybody's back."""

    def harmed(sql: str) -> Path:
        folder = tmp_path / "store"
        shutil.copytree(whole, folder)
        with closing(sqlite3.connect(folder / "ledger.db")) as connection:
            assert connection.execute(sql).rowcount > 0
            connection.commit()
        return folder

    return harmed


def told(folder: Path) -> set[str]:
    """Who said that the store is damaged; anything else that is raised fails the test."""
    found = set()
    with closing(WebLedger.open(folder)) as ledger:
        for name, read in READS.items():
            try:
                read(ledger)
            except StoreError:
                found.add(name)
    return found


def faults(folder: Path) -> set[str]:
    """What verify finds wrong, but for the rule that this store's readings only claim to have been made with."""
    return {
        one.detail for one in verify_store(folder) if not one.ok and "is not the one that was used" not in one.detail
    }


def test_of_a_whole_store_nobody_complains(whole: Path) -> None:
    assert told(whole) == set()


NO_TEXT = "x'7b226964223a22ff227d'"
"""``{"id":"\\xff"}``: JSON, but for one byte that is no UTF-8."""
BEYOND = 9_000_000_000_000_000_000
"""Microseconds; no time that has a date."""
EVENTS = {"events", "events page", "alerts", "records"}
ENTRIES = {"state", "entries", "entries page", "entry"}
CAPTURES = {"captures", "bytes", "pages", "readings", "snapshots", "records"}


@pytest.mark.parametrize(
    ("harm", "tell"),
    [
        ("UPDATE event SET data = x'00ff'", EVENTS),
        (f"UPDATE event SET data = {NO_TEXT}", EVENTS),
        ("UPDATE event SET data = x'7b7d'", EVENTS),
        ("UPDATE event SET data = CAST(CAST(data AS TEXT) || '}' AS BLOB)", EVENTS | {"events of an entry"}),
        ("UPDATE act SET record = x'ff'", {"records"}),
        (f"UPDATE act SET record = {NO_TEXT}", {"records"}),
        (f"UPDATE capture SET started = {BEYOND}", CAPTURES),
        (f"UPDATE capture SET requested = {BEYOND}", CAPTURES),
        ("UPDATE capture SET rest = x'00'", CAPTURES),
        ("UPDATE pack SET data = x'03'", CAPTURES),
        (f"UPDATE snapshot SET taken = {BEYOND}", {"snapshots", "records"}),
        ("UPDATE reading SET content = 4096", {"readings", "snapshots", "records"}),
        ("UPDATE content SET frame = x'00'", {"readings", "snapshots", "records"}),
        ("DELETE FROM capture", {"snapshots", "records"}),
        ("UPDATE place SET url = CAST(x'ffff' AS TEXT)", CAPTURES),
        ("UPDATE site SET name = CAST(x'616c706861ff' AS TEXT)", {"captures", "entries", "status"}),
    ],
)
def test_whoever_reads_a_damaged_row_of_evidence_says_so_and_verify_finds_it(
    damaged: Callable[[str], Path], harm: str, tell: set[str]
) -> None:
    folder = damaged(harm)
    assert tell <= told(folder)
    assert faults(folder)


@pytest.mark.parametrize(
    ("harm", "tell"),
    [
        ("UPDATE entry SET data = CAST('{}' AS BLOB)", ENTRIES),
        ("UPDATE entry SET look = 77", ENTRIES),
        ("UPDATE entry SET look = -9", ENTRIES),
        ("DELETE FROM sight", ENTRIES - {"entry"}),
        ('UPDATE sight SET looks = \'[["today","c1"]]\'', ENTRIES),
        ("UPDATE sight SET looks = CAST(x'5b5bff5d5d' AS TEXT)", ENTRIES),
        (f"UPDATE target SET last_visit = {BEYOND}", {"status"}),
        ("UPDATE piece SET text = x'4b04ff'", {"search"}),
        ("UPDATE piece SET text = x'00'", {"search"}),
        ("UPDATE piece SET text = x'fb0f00'", {"search"}),
    ],
)
def test_whoever_reads_a_damaged_belief_says_so_and_the_evidence_stands(
    damaged: Callable[[str], Path], harm: str, tell: set[str]
) -> None:
    folder = damaged(harm)
    assert tell <= told(folder)
    assert faults(folder) == set()


@pytest.fixture(scope="module")
def lax(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store with tables that take a value of any type, as a damaged file may hold one."""
    folder = tmp_path_factory.mktemp("lax") / "store"
    shutil.copytree(whole, folder)
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        for word, instead in (("STRICT, WITHOUT", "WITHOUT"), ("STRICT", ""), (" NOT NULL", "")):
            connection.execute(
                "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'",
                (word, instead),
            )
    return folder


def columns(ledger: Path) -> list[tuple[str, str]]:
    """Every column of every table that has rows, but for those that are SQLite's own."""
    with closing(sqlite3.connect(ledger)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND NOT (name GLOB 'words*' OR name GLOB '*sqlite*')"
        )
        filled = [name for (name,) in tables if connection.execute(f"SELECT 1 FROM {name}").fetchone()]
        return [(name, row[1]) for name in filled for row in connection.execute(f"PRAGMA table_info({name})")]


def changed_columns(lax: Path, store: Path, value: str) -> Iterator[str]:
    """Each column in turn has this value, in a store of its own; its name."""
    shutil.copytree(lax, store)
    for table, column in columns(lax / "ledger.db"):
        shutil.copy(lax / "ledger.db", store)
        with closing(sqlite3.connect(store / "ledger.db", isolation_level=None)) as connection:
            try:
                connection.execute(f"UPDATE {table} SET {column} = {value}")
            except (sqlite3.IntegrityError, sqlite3.OperationalError):
                continue  # a key, or indexed by what is in it: SQLite itself would find the index damaged
        yield f"{table}.{column}"


@pytest.mark.parametrize("value", ["'x'", "NULL", "-1", str(BEYOND)])
def test_no_reader_breaks_on_a_value_that_its_column_cannot_have(lax: Path, tmp_path: Path, value: str) -> None:
    """Each column in turn: who reads it says that it is damaged, or does not mind; verify comes to its end."""
    changed = set()
    for column in changed_columns(lax, tmp_path / "store", value):
        try:
            told(tmp_path / "store")
            faults(tmp_path / "store")
        except Exception as error:
            raise AssertionError(f"{column} = {value}") from error
        changed.add(column.partition(".")[0])
    assert {"body", "capture", "content", "entry", "event", "sight", "target"} <= changed


@pytest.mark.parametrize("value", ["'x'", "5"])
async def test_no_writer_breaks_on_a_value_that_its_column_cannot_have(lax: Path, tmp_path: Path, value: str) -> None:
    """Each column in turn: who writes on says that the store is damaged, or does not mind; nothing else is raised."""
    complained = set()
    for column in changed_columns(lax, tmp_path / "store", value):
        try:
            await write_on(tmp_path / "store")
        except StoreError:
            complained.add(column)
        except Exception as error:
            raise AssertionError(f"{column} = {value}") from error
    assert "leaf.hash" in complained, "of a number the log would take as many zeros"


async def write_on(folder: Path) -> None:
    """What a watcher does with a store that it finds: another visit, alerts, a checkpoint, a prune."""
    async with LedgerStore.open(folder, vantage="local", now=lambda: START + timedelta(days=2)) as store:
        for name in await store.unrecorded_visits():
            await store.captures_of(name)
        await store.state("alpha")
        await store.last("alpha")
        await whole_visit(store, 9, b"<li>Velmora, another version</li>", entries(4))
        await store.schedule("alpha", START + timedelta(days=3))
        for alert in await store.undelivered(START + timedelta(days=3)):
            await store.not_wanted(alert)
        size, _ = await store.head()
        await store.checkpoint(size, "a note")
        await store.prune(START + timedelta(days=1))


async def test_a_prune_takes_no_number_for_a_digest(lax: Path, tmp_path: Path) -> None:
    """Not even to say what would go: of a number, as many zeros would be a digest of another body."""
    shutil.copytree(lax, tmp_path / "store")
    with closing(sqlite3.connect(tmp_path / "store" / "ledger.db", isolation_level=None)) as connection:
        connection.execute("UPDATE body SET digest = 32")
    async with LedgerStore.open(tmp_path / "store", vantage="local", now=lambda: START + timedelta(days=2)) as store:
        with pytest.raises(StoreDamaged, match="int in place of bytes"):
            await store.prune(START + timedelta(days=1), dry_run=True)


def test_a_damaged_schema_is_told_and_not_quoted_as_it_is(whole: Path, tmp_path: Path) -> None:
    """SQLite names what is malformed, in whatever bytes are there."""
    ledger = tmp_path / "ledger.db"
    data = (whole / "ledger.db").read_bytes()
    assert data.count(b"CREATE TABLE mirror") == 1
    ledger.write_bytes(data.replace(b"CREATE TABLE mirror", b"CREATE \xff\xfe\xfd\xfcE mirror"))
    with pytest.raises(StoreDamaged, match=r"ledger\.db is damaged") as error:
        Ledger.open(tmp_path)
    assert "restore a copy" in error.value.hint
    with pytest.raises(StoreDamaged, match="is damaged"):
        LedgerStore.open(tmp_path, vantage="local")
    Lock.take(tmp_path).release()  # who could not open it does not keep it


def test_the_commands_say_what_is_damaged_and_how_to_mend_it(
    damaged: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = damaged(f"UPDATE event SET data = {NO_TEXT}")
    (tmp_path / "watcher.toml").write_text(
        f'[watcher]\nstore = "{folder}"\n[[site]]\nname = "alpha"\nmirrors = ["http://alpha.example/"]\n'
    )
    with pytest.raises(SystemExit, match=str(StoreDamaged.exit_code)):
        cli(["-c", str(tmp_path / "watcher.toml"), "events"])
    said = capsys.readouterr().err
    assert "a row of the ledger is damaged" in said
    assert "restore a copy of the store" in said
