"""What the disk and SQLite refuse, as a person is told it: which file, what is wrong, and how to mend it; never a
traceback, and never the same words for what is mended otherwise."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.edge.keeping import exchange, keep, visit_at
from watcher.edge import durable, trouble
from watcher.edge.bodies import BodyFiles
from watcher.edge.ledger import Ledger
from watcher.edge.lock import Lock
from watcher.edge.object_bodies import MARK, frames_of
from watcher.edge.pause_files import files, said
from watcher.edge.store import LedgerStore
from watcher.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, WatcherError

PLACE = Path("/var/store/ledger.db")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: a full disk, in small."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heeded = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heeded)


@pytest.mark.parametrize(
    ("number", "kind", "mend"),
    [
        (errno.ENOSPC, StoreFull, "make room"),
        (errno.EDQUOT, StoreFull, "make room"),
        (errno.EFBIG, StoreFull, "make room"),
        (errno.EROFS, StoreError, "the right to write"),
        (errno.EACCES, StoreError, "the right to write"),
        (errno.EPERM, StoreError, "the right to write"),
        (errno.EIO, StoreError, "look at the disk"),
        (errno.ENOTDIR, StoreError, "name another [watcher] store"),
        (errno.EISDIR, StoreError, "move what is there"),
        (errno.EEXIST, StoreError, "move what is there"),
    ],
)
def test_what_the_system_refuses(number: int, kind: type[StoreError], mend: str) -> None:
    with pytest.raises(StoreError) as caught, trouble.told(PLACE):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is kind
    assert str(PLACE) in str(caught.value)
    assert mend in caught.value.hint
    assert isinstance(caught.value.__cause__, OSError)


def refused(work: Callable[[sqlite3.Connection], object], path: Path) -> StoreError:
    """What SQLite itself says of this, told."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        with pytest.raises(StoreError) as caught, trouble.told(path):
            work(connection)
        return caught.value


def test_what_sqlite_refuses(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a BLOB)")
        connection.commit()

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 3")
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")

    def write_read_only(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("INSERT INTO t VALUES (1)")

    full, forbidden = refused(fill, path), refused(write_read_only, path)
    assert (type(full), full.hint) == (StoreFull, trouble.ROOM)
    assert (type(forbidden), forbidden.hint) == (StoreError, "give this user the right to read and write there")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        busy = refused(lambda connection: connection.execute("INSERT INTO t VALUES (1)"), path)
    assert (type(busy), busy.hint) == (StoreError, "close what has it open")
    path.write_bytes(b"no database at all" * 100)
    damaged = refused(lambda connection: connection.execute("SELECT * FROM t"), path)
    assert type(damaged) is StoreDamaged
    assert len({full.hint, forbidden.hint, busy.hint, damaged.hint}) == 4
    for error in (full, forbidden, busy, damaged):
        assert str(path) in str(error)


def test_what_is_no_trouble_of_the_disk_is_left_alone() -> None:
    for error in (KeyError("a"), WatcherError("b"), StoreDamaged("c")):
        with pytest.raises(type(error)) as caught, trouble.told(PLACE):
            raise error
        assert caught.value is error


# --------------------------------------------------------------------------------------------------- small files


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        fsync(handle)

    def renamed(old: str, new: Path) -> None:
        done.append(f"{Path(old).name} -> {new.name}")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    durable.put(tmp_path / "near" / "secret", b"x")
    part = done[0]
    assert part.endswith(".part")
    assert done == [part, f"{part} -> secret", "near"]


def test_a_small_file_for_which_there_is_no_room_leaves_the_old_one_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "private" / "file"
    durable.put(path, b"old")
    with largest_file(1000), pytest.raises(StoreFull, match="no room left to write in"):
        durable.put(path, bytes(5000))
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file"]
    durable.put(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_small_file_is_its_owners_alone_unless_it_is_meant_for_others(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        durable.put(tmp_path / "a" / "secret", b"")
        durable.put(tmp_path / "bundle", b"", private=False)
        os.umask(0o027)
        durable.put(tmp_path / "ours", b"", private=False)
        assert os.umask(0o027) == 0o027, "the mask is as it was"
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "secret": 0o600, "bundle": 0o644, "ours": 0o640}


def test_a_small_file_takes_the_place_of_a_link_and_writes_not_through_it(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"theirs")
    (tmp_path / "link").symlink_to(elsewhere)
    durable.put(tmp_path / "link", b"ours")
    assert elsewhere.read_bytes() == b"theirs"
    assert not (tmp_path / "link").is_symlink()


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(StoreError, match="file"):
        durable.put(tmp_path / "file", b"")
    assert os.listdir(tmp_path) == ["file"]


# ------------------------------------------------------------------------------------------------- a store's own


async def test_a_file_that_may_not_grow_refuses_the_visit_and_the_next_one_is_kept(tmp_path: Path) -> None:
    large = b"".join(b"%x" % (number * 2654435761 % 2**32) for number in range(60_000))
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        await keep(store, 0)
        with largest_file(150_000), pytest.raises(StoreFull) as caught:
            await keep(store, 1, exchange(large, visit_at(1)[1]))
        assert caught.value.hint == trouble.ROOM
        (kept,) = await keep(store, 2, exchange(large, visit_at(2)[1]))
    assert list((tmp_path / "bodies" / "new").iterdir()) == []
    with Ledger.open(tmp_path) as ledger:
        assert [one.visit for one in ledger.captures()] == [visit_at(0)[0], visit_at(2)[0]]
        assert ledger.wire(kept.id)[1].endswith(large)


@pytest.mark.parametrize("name", ["ledger.db", "lock", "bodies", "bodies/new"])
def test_something_else_in_a_files_place_is_told_by_name_and_the_store_is_free(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if name in ("ledger.db", "lock"):
        path.mkdir()
    else:
        path.write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        LedgerStore.open(tmp_path, vantage="local")
    assert str(tmp_path / name.partition("/")[0]) in str(caught.value)
    assert caught.value.hint
    if name != "lock":
        Lock.take(tmp_path).release()


def test_who_has_the_store_is_said_and_a_lock_file_of_whatever_bytes_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff\x1b[2J\n" * 100)
    with Lock.take(tmp_path):
        with pytest.raises(StoreBusy, match=rf"in use by another watcher \(pid {os.getpid()} on "):
            Lock.take(tmp_path)
        os.truncate(tmp_path / "lock", 0)
        with pytest.raises(StoreBusy, match="it does not say which"):
            Lock.take(tmp_path)
    assert (tmp_path / "lock").read_bytes() == b""
    Lock.take(tmp_path).release()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"url":"s3://b/p"}', b"\xff", b'{"url":1}', b"null"])
def test_a_mark_that_does_not_say_where_the_bodies_are_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MARK).write_bytes(content)
    with pytest.raises(StoreDamaged, match="does not say where the bodies are") as caught:
        frames_of(tmp_path, BodyFiles(tmp_path / "bodies"))
    assert str(tmp_path / MARK) in str(caught.value)
    assert "restore" in caught.value.hint


def test_a_store_without_pauses_and_one_whose_folder_is_something_else_has_none(tmp_path: Path) -> None:
    assert files(tmp_path) == {}
    assert said(tmp_path, "anybody") == b""
    (tmp_path / "paused").write_bytes(b"")
    assert files(tmp_path) == {}
