"""A store changed behind the watcher's back: each change is caught and named; an untouched store raises no alarm."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.evidence.forging import OTHER
from tests.evidence.keeping import EVERYONE, Keeping, open_keeping
from tests.evidence.story import KEY, OTHERS, page, plain
from watcher.core import merkle, note
from watcher.edge.acts import opening
from watcher.edge.ledger import Ledger
from watcher.edge.schema import LEDGER
from watcher.edge.verify import verify

NOISE = random.Random(7).randbytes(50_000).hex().encode()
"""What does not compress: such a page is a file of its own."""


async def _play(folder: Path) -> None:
    keeping = await open_keeping(folder)
    async with keeping.store:
        await opening(keeping.store, KEY, config=b"", vantage="local", now=keeping.clock.now())
        await _look(keeping, OTHERS)
        await _look(keeping, EVERYONE, wire=plain(page(EVERYONE) + b"<!--" + NOISE + b"-->"))
        await _look(keeping, EVERYONE)
        keeping.darken()
        await keeping.look()
        for _ in range(3):
            await _look(keeping, OTHERS)


async def _look(keeping: Keeping, titles: tuple[str, ...], wire: bytes | None = None) -> None:
    keeping.show(titles, wire=wire)
    await keeping.look(minutes=12)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "store"
    asyncio.run(_play(folder))
    with sqlite3.connect(folder / LEDGER) as db:
        db.execute("PRAGMA journal_mode = DELETE")  # one file, to be copied
        kinds = [kind for (kind,) in db.execute("SELECT kind FROM event ORDER BY seq")]
    assert kinds == ["listed", "withdrawn"]
    assert list((folder / "bodies").glob("??/*.zst")), "a body must be a file of its own"
    return folder


def failing(folder: Path, *, held: Path | None = None, vkey: str | None = KEY.vkey) -> dict[str, str]:
    return {r.check: r.detail for r in verify(folder, keys=[vkey] if vkey else [], held=held) if not r.ok}


def test_a_good_store_raises_no_alarm(kept: Path, tmp_path: Path) -> None:
    assert failing(kept) == {}
    assert failing(kept, vkey=None) == {}  # its log names its key
    with Ledger.open(kept) as ledger:
        (tmp_path / "held").write_text(next(iter(ledger.checkpoints())).note)
    assert failing(kept, held=tmp_path / "held") == {}


class Damage(NamedTuple):
    """One change, and the checks of which one must name it."""

    name: str
    do: Callable[[sqlite3.Connection, Path], object]
    checks: frozenset[str]


LOGGED = frozenset({"leaves", "rows", "readings", "events"})
EVIDENCE = {
    "capture": ("id", "started", "place", "requested", "elapsed", "status", "verdict", "body", "leaf", "pack", "rest"),
    "reading": ("content", "leaf"),
    "snapshot": ("started", "taken", "finished", "content", "read_at", "leaf"),
    "event": ("id", "kind", "confirmed", "recorded", "leaf", "data", "site"),
    "leaf": ("kind", "ref", "hash"),
    "node": ("place", "hash"),
    "act": ("record",),
    "content": ("frame", "verdict"),
    "pack": ("data",),
    "place": ("url", "mirror", "target", "vantage"),
    "site": ("name",),
    "body": ("digest", "size", "frame", "erased"),
    "checkpoint": ("size", "note"),
}
"""Table to the columns that say something; what is merely quick to look up is none of them."""
NAMED_BY = {
    "node": frozenset({"tree", "checkpoints"}),
    "leaf": LOGGED | {"tree", "checkpoints"},
    "checkpoint": frozenset({"checkpoints"}),
    "body": LOGGED | {"bodies"},
    "content": LOGGED,
}


def other(value: object) -> object:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return value[: len(value) // 2] + bytes([value[len(value) // 2] ^ 4]) + value[len(value) // 2 + 1 :]
    return f"{value}x"


def in_the_tables(db: sqlite3.Connection) -> Iterator[Damage]:
    """Every column of some rows of every table changed; the rows removed."""
    for table, columns in EVIDENCE.items():
        checks = NAMED_BY.get(table, LOGGED)
        key = "rowid" if table != "snapshot" else "site || '/' || started"
        numbers = [row[0] for row in db.execute(f"SELECT {key} FROM {table} ORDER BY 1")]
        for number in dict.fromkeys([numbers[0], numbers[len(numbers) // 2], numbers[-1]]):
            for column in columns:
                (value,) = db.execute(f"SELECT {column} FROM {table} WHERE {key} = ?", (number,)).fetchone()
                if value is None:
                    continue

                def change(
                    db: sqlite3.Connection, _: Path, *, table: str = table, column: str = column,
                    key: str = key, value: object = value, number: object = number,
                ) -> None:  # fmt: skip
                    db.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (other(value), number))

                yield Damage(f"{table}.{column} of {number}", change, checks | {"database"})
            if table not in ("checkpoint", "site"):

                def remove(
                    db: sqlite3.Connection, _: Path, *, table: str = table, key: str = key, n: object = number
                ) -> None:
                    db.execute(f"DELETE FROM {table} WHERE {key} = ?", (n,))

                yield Damage(f"{table} {number} removed", remove, checks)


def of_the_log(db: sqlite3.Connection) -> Iterator[Damage]:
    """The log cut, reordered, with leaves swapped, doubled, or put in between."""
    size = db.execute("SELECT count(*) FROM leaf").fetchone()[0]
    for cut in range(1, size, 2):

        def shorten(db: sqlite3.Connection, _: Path, *, cut: int = cut) -> None:
            db.execute("DELETE FROM leaf WHERE n >= ?", (size - cut,))

        yield Damage(f"the last {cut} leaves cut off", shorten, frozenset({"checkpoints", "tree"}))
    for first in range(size - 1):

        def swap(db: sqlite3.Connection, _: Path, *, first: int = first) -> None:
            db.execute("UPDATE leaf SET n = -1 WHERE n = ?", (first,))
            db.execute("UPDATE leaf SET n = ? WHERE n = ?", (first, first + 1))
            db.execute("UPDATE leaf SET n = ? WHERE n = -1", (first + 1,))

        yield Damage(f"leaves {first} and {first + 1} swapped", swap, frozenset({"checkpoints", "tree"}))

    def add(db: sqlite3.Connection, _: Path) -> None:
        db.execute("INSERT INTO leaf SELECT max(n) + 1, 0, NULL, zeroblob(32) FROM leaf")

    yield Damage("a leaf of nothing", add, frozenset({"leaves"}))


def of_signatures(db: sqlite3.Connection) -> Iterator[Damage]:
    heads = db.execute("SELECT size, note FROM checkpoint").fetchall()
    for size, text in heads:
        root = note.parse_checkpoint(note.parse(text.encode())).root
        for name, made in {
            "by another key": OTHER.checkpoint(size, root),
            "with another root": KEY.checkpoint(size, bytes(32)),
            "of another size": KEY.checkpoint(size + 1, root),
            "of another log": note.sign(
                note.Checkpoint(origin="elsewhere", size=size, root=root).text(), KEY.verifier, KEY.sign
            ),
        }.items():

            def put(db: sqlite3.Connection, _: Path, *, size: int = size, made: note.Note = made) -> None:
                db.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (str(made), size))

            yield Damage(f"the checkpoint over {size} {name}", put, frozenset({"checkpoints"}))


def of_files(folder: Path) -> Iterator[Damage]:
    (body,) = (folder / "bodies").glob("??/*.zst")
    name = body.relative_to(folder)
    content = body.read_bytes()
    for place in range(0, len(content), len(content) // 12):
        flipped = content[:place] + bytes([content[place] ^ 8]) + content[place + 1 :]
        yield Damage(
            f"a bit of a body at {place}", lambda _, f, d=flipped: (f / name).write_bytes(d), frozenset({"bodies"})
        )
    for size in (0, 1, len(content) // 2, len(content) - 1):
        yield Damage(
            f"a body cut to {size}", lambda _, f, s=size: (f / name).write_bytes(content[:s]), frozenset({"bodies"})
        )
    yield Damage("a body removed", lambda _, f: (f / name).unlink(), frozenset({"bodies"}))
    yield Damage("a body longer", lambda _, f: (f / name).write_bytes(content + b"x"), frozenset({"bodies"}))
    yield Damage(
        "a file of no body",
        lambda _, f: (f / name).with_name("0" * 64 + ".zst").write_bytes(content),
        frozenset({"bodies"}),
    )


def test_every_change_to_a_store_is_caught_and_named(kept: Path, tmp_path: Path) -> None:
    with sqlite3.connect(kept / LEDGER) as db:
        damages = [*in_the_tables(db), *of_the_log(db), *of_signatures(db)]
    damages += of_files(kept)
    wrong, done = [], 0
    for damage in damages:
        folder = tmp_path / "forged"
        shutil.copytree(kept, folder)
        with sqlite3.connect(folder / LEDGER) as db:
            try:
                damage.do(db, folder)
            except sqlite3.IntegrityError:
                shutil.rmtree(folder)  # the ledger itself refuses it
                continue
        db.close()
        found = failing(folder)
        done += 1
        if not found.keys() & damage.checks:
            wrong.append(f"{damage.name}: {found}")
        shutil.rmtree(folder)
    assert not wrong, "\n".join(wrong)
    assert done >= 200, done


def test_a_log_written_anew_contradicts_a_checkpoint_that_was_kept(kept: Path, tmp_path: Path) -> None:
    """Everything is changed that has to be, and signed with the true key: only what somebody kept gives it away."""
    with Ledger.open(kept) as ledger:
        heads = list(ledger.checkpoints())
        (tmp_path / "held").write_text(heads[-1].note)
    folder = tmp_path / "forged"
    shutil.copytree(kept, folder)
    with sqlite3.connect(folder / LEDGER) as db:
        size = db.execute("SELECT count(*) FROM leaf").fetchone()[0]
        db.execute("DELETE FROM checkpoint WHERE size > ?", (heads[1].size,))
        rows = db.execute("SELECT n FROM leaf WHERE n >= ?", (heads[1].size,)).fetchall()
        assert size > heads[1].size
        for table, column in (("capture", "leaf"), ("snapshot", "leaf"), ("event", "leaf"), ("reading", "leaf")):
            db.execute(f"DELETE FROM {table} WHERE {column} >= ?", (heads[1].size,))
        db.execute("DELETE FROM reading WHERE capture NOT IN (SELECT n FROM capture)")
        db.executemany("DELETE FROM leaf WHERE n = ?", rows)
        db.execute("DELETE FROM act WHERE leaf >= ?", (heads[1].size,))
        leaves = [bytes(one) for (one,) in db.execute("SELECT hash FROM leaf ORDER BY n")]
        table = merkle.levels(leaves)
        db.execute("DELETE FROM node")
        db.executemany(
            "INSERT INTO node VALUES (?, ?)",
            [(level << 48 | i, h) for level, row in enumerate(table) if level >= 4 for i, h in enumerate(row)],
        )
    db.close()
    assert failing(folder) == {}  # a rollback: an older store, whole in itself
    assert set(failing(folder, held=tmp_path / "held")) == {"held"}
