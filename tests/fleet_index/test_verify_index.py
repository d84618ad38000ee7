"""An index that says what no vantage told, or leaves out what one did, is found out: by its own copies."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fleet_index.fleet import NAMES, Fleet, events_of
from watcher.core import note
from watcher.edge.verify_index import verify_index

FEWER = tuple(name for name in NAMES if name != "Dorvani")
UNION = "."
BERLIN, OSLO = "vantages/berlin", "vantages/oslo"


async def played(folder: Path) -> tuple[str, ...]:
    """An index over two vantages that both saw an entry go; the keys of both."""
    async with Fleet(folder, "berlin", "oslo") as fleet:
        await fleet.round(NAMES, 4)
        await fleet.round(FEWER, 6)
        async with await fleet.index(agree=2) as index:
            await index.follow(fleet.feed())
        return tuple(vantage.key.vkey for vantage in fleet.vantages.values())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    folder = tmp_path_factory.mktemp("fleet")
    keys = asyncio.run(played(folder))
    return folder / "index", keys


def wrong(folder: Path, keys: tuple[str, ...], held: bytes | None = None) -> dict[str, str]:
    return {one.check: one.detail for one in verify_index(folder, keys=keys, held=held) if not one.ok}


def test_a_sound_index_holds(made: tuple[Path, tuple[str, ...]]) -> None:
    folder, keys = made
    results = {one.check: one.detail for one in verify_index(folder, keys=keys)}
    assert wrong(folder, keys) == {}
    assert "captures of 2 vantages are in it" in results["union"]
    assert "wait" not in results["union"]
    events = events_of(folder)
    assert [event.kind for event in events] == ["withdrawn"]
    assert results["agreement"] == "1 events follow from what the vantages told"


def changed_event(old: str, new: str) -> str:
    """The statement that has every event say something else, whatever its case."""
    text = f"replace(replace(CAST(data AS TEXT), '{old}', '{new}'), '{old.casefold()}', '{new.casefold()}')"
    return f"UPDATE event SET data = CAST({text} AS BLOB)"


@pytest.mark.parametrize(
    ("store", "harm", "check", "said"),
    [
        (UNION, "DELETE FROM capture WHERE n IN (2, 5)", "union", "captures that the union lacks: c"),
        (
            UNION,
            "UPDATE place SET vantage = 'ghost' WHERE vantage = 'oslo'",
            "union",
            "captures are of no vantage that shipped",
        ),
        (UNION, changed_event("agrees:oslo", "agrees:rome"), "agreement", "there is no copy of vantage rome"),
        (UNION, changed_event("agrees:", "hears-of:"), "agreement", "nobody is said to agree"),
        (UNION, changed_event("Dorvani", "Estrin"), "agreement", "told of it"),
        (UNION, changed_event('"vantage":"index"', '"vantage":"oslo"'), "agreement", "is not what its vantage told"),
        (UNION, "UPDATE leaf SET hash = zeroblob(32) WHERE n = 4", "leaves", "leaf 4"),
        (OSLO, "UPDATE leaf SET hash = zeroblob(32) WHERE n = 4", "oslo: leaves", "leaf 4"),
        (BERLIN, "UPDATE checkpoint SET note = replace(note, 'berlin', 'madrid')", "berlin: checkpoints", ""),
        (BERLIN, "DELETE FROM body WHERE id = 1", "berlin: leaves", "lacks"),
    ],
)
def test_what_does_not_follow_is_named(
    made: tuple[Path, tuple[str, ...]], tmp_path: Path, store: str, harm: str, check: str, said: str
) -> None:
    folder, keys = tmp_path / "index", made[1]
    shutil.copytree(made[0], folder)
    with closing(sqlite3.connect(folder / store / "ledger.db")) as connection:
        assert connection.execute(harm).rowcount > 0
        connection.commit()
    found = wrong(folder, keys)
    assert said in found[check]
    mine = {name.partition(":")[0] for name in found}
    others = {BERLIN: "oslo", OSLO: "berlin"}.get(store)
    assert others not in mine, "who did nothing is not blamed"


def test_who_is_said_to_agree_and_told_nothing_is_named(made: tuple[Path, tuple[str, ...]], tmp_path: Path) -> None:
    """It had shown the entry itself: then only its own word counts, not that its last copies lack it."""
    folder, keys = tmp_path / "index", made[1]
    shutil.copytree(made[0], folder)
    with closing(sqlite3.connect(folder / OSLO / "ledger.db")) as connection:
        connection.execute("DELETE FROM event")
        connection.commit()
    assert "vantage oslo never found the entry gone" in wrong(folder, keys)["agreement"]


def test_what_is_not_taken_up_yet_is_counted_and_no_fault(made: tuple[Path, tuple[str, ...]], tmp_path: Path) -> None:
    folder, keys = tmp_path / "index", made[1]
    shutil.copytree(made[0], folder)
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        last = "SELECT max(c.n) FROM capture c JOIN place p ON p.id = c.place WHERE p.vantage = 'oslo'"
        (number,) = connection.execute(last).fetchone()
        connection.execute("DELETE FROM capture WHERE n = ?", (number,))
        connection.execute("UPDATE fleet_vantage SET leaf = 3 WHERE name = 'oslo'")
        connection.commit()
    assert "union" not in wrong(folder, keys)
    results = {one.check: one.detail for one in verify_index(folder, keys=keys)}
    assert "wait to be taken up" in results["union"]


def test_a_checkpoint_that_was_held_is_looked_for_in_the_log_that_it_names(
    made: tuple[Path, tuple[str, ...]], tmp_path: Path
) -> None:
    folder, keys = made
    with closing(sqlite3.connect(folder / OSLO / "ledger.db")) as connection:
        (held,) = connection.execute("SELECT note FROM checkpoint ORDER BY size LIMIT 1").fetchone()
    assert note.parse_checkpoint(note.parse(held.encode())).origin == "oslo"
    results = {one.check: one.ok for one in verify_index(folder, keys=keys, held=held.encode())}
    assert results["oslo: held"]
    assert "held" not in results
    assert "berlin: held" not in results
    shorter = tmp_path / "index"
    shutil.copytree(folder, shorter)
    with closing(sqlite3.connect(shorter / OSLO / "ledger.db")) as connection:
        connection.execute("DELETE FROM leaf WHERE n > 0")
        connection.execute("DELETE FROM node")
        connection.commit()
    assert "oslo: held" in wrong(shorter, keys, held.encode())
