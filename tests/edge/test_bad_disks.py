"""A batch of jobs on a disk that fills, a ledger that others hold, memory that ends: each job gets one answer, what was
acknowledged is there, what was refused is not, and the store verifies afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.edge.keeping import entries, event, keep, whole_visit
from tests.edge.test_durability import check_whole, small_disk
from watcher.edge.ledger import Ledger
from watcher.edge.lock import Lock
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import StoreBusy, StoreError, StoreFull, UsageError, WatcherError

ROOT = Path(__file__).parent.parent.parent


def body(number: int) -> bytes:
    return b"<li>" + random.Random(number).randbytes(1_500).hex().encode()


async def batch(store: LedgerStore, numbers: Sequence[int]) -> dict[int, BaseException | None]:
    """Whole visits at once; what became of each."""
    answers = await asyncio.wait_for(
        asyncio.gather(*(whole_visit(store, n, body(n), entries(1)) for n in numbers), return_exceptions=True), 60
    )
    return {n: one if isinstance(one, BaseException) else None for n, one in zip(numbers, answers, strict=True)}


def check_kept(folder: Path, answers: dict[int, BaseException | None]) -> None:
    """The acknowledged visits are recorded, once, and of the refused none told its event; all of the log holds."""
    check_whole(folder, [])
    with Ledger.open(folder) as ledger:
        told = [one.id for one in ledger.events()]
        assert sorted(told) == sorted(event(n).id for n, error in answers.items() if error is None)
        bodies = [ledger.wire(capture.id)[1] for capture in ledger.captures()]
    for number, error in answers.items():
        found = [one for one in bodies if one.endswith(body(number))]
        assert len(found) == 1 or (error is not None and not found)


def leave(disk: Path, more: int) -> None:
    """No more than so many bytes are free from now on."""
    with (disk / "filler").open("ab") as file:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
        os.posix_fallocate(file.fileno(), file.tell(), max(1, free - more))


def test_a_disk_that_fills_at_any_write_of_a_batch_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """So many pages are free, each time while six visits are recorded together; then there is room again."""
    answers: dict[int, BaseException | None] = {}
    fates = set()

    async def run(disk: Path) -> None:
        async with LedgerStore.open(disk / "store", vantage="local") as store:
            answers.update(await batch(store, [1]))
            for step, pages in enumerate((0, 1, 2, 4, 7, 12, 20, 35, 60, 100)):
                await store.do(lambda desk: desk.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
                numbers = range(10 * step + 10, 10 * step + 16)
                leave(disk, pages * 4096)
                found = await batch(store, numbers)
                (disk / "filler").unlink()
                fates.add(sum(error is None for error in found.values()))
                refused = [error for error in found.values() if error]
                assert all(isinstance(error, StoreFull) and "make room" in error.hint for error in refused), refused
                again = await batch(store, [n for n in numbers if found[n]])
                assert set(again.values()) <= {None}, "what was refused is taken once there is room"
                answers.update(found | again)
        check_kept(disk / "store", answers)

    with small_disk(tmp_path / "disk", "8m") as disk:
        asyncio.run(run(disk))
    assert {0, 6} <= fates


async def test_a_job_that_loses_the_transaction_takes_no_other_with_it(tmp_path: Path) -> None:
    """Whatever it raises, and though the others were written before and behind it: each has its answer."""

    def losing(error: Exception | None) -> Any:
        def work(desk: Desk) -> None:
            desk.db.conn.execute("INSERT INTO sink (name, active) VALUES ('lost', 1)")
            desk.db.conn.rollback()
            if error:
                raise error

        return work

    async with LedgerStore.open(tmp_path, vantage="local") as store:
        bad = (MemoryError(), UsageError("no", hint="x"), KeyError("x"), sqlite3.OperationalError("gone"), None)
        for number, error in enumerate(bad):
            before, lost, behind = await asyncio.wait_for(
                asyncio.gather(
                    whole_visit(store, 2 * number, body(2 * number), entries(1)),
                    store.do(losing(error)),
                    keep(store, 2 * number + 1),
                    return_exceptions=True,
                ),
                20,
            )
            assert not isinstance(before, BaseException)
            assert not isinstance(behind, BaseException)
            assert isinstance(lost, StoreError if error is None or isinstance(error, sqlite3.Error) else type(error))
        assert await store.do(lambda desk: desk.db.execute("SELECT count(*) FROM sink").fetchone()) == (0,)
    check_whole(tmp_path, [])
    with Ledger.open(tmp_path) as ledger:
        assert len(list(ledger.events())) == len(bad)


STARVED = """
import asyncio, contextlib, json, sys
from pathlib import Path
from tests.edge.test_bad_disks import batch
from watcher.edge.store import LedgerStore

async def run():
    said = {}
    async with LedgerStore.open(Path(sys.argv[1]), vantage="local") as store:
        def note(found):
            said.update({n: type(e).__name__ if e else "" for n, e in found.items()})
        note(await batch(store, range(5)))
        with contextlib.suppress(MemoryError):
            await store.do(lambda desk: desk.db.execute(f"PRAGMA hard_heap_limit={sys.argv[2]}").fetchall())
        for start in (10, 20, 30):
            note(await batch(store, range(start, start + 8)))
    print(json.dumps(said), flush=True)

asyncio.run(run())
"""


@pytest.mark.parametrize("heap", [60_000, 850_000])
def test_memory_that_ends_within_sqlite_ends_no_writer(tmp_path: Path, heap: int) -> None:
    """SQLite gives up the whole transaction then; whoever asked is told, and nobody waits for ever."""
    run = subprocess.run(
        [sys.executable, "-c", STARVED, str(tmp_path / "store"), str(heap)],
        capture_output=True, text=True, timeout=60, cwd=ROOT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2_000:]
    said = {int(number): error for number, error in json.loads(run.stdout.splitlines()[-1]).items()}
    assert set(said.values()) <= {"", "MemoryError", "StoreError", "StoreFull"}
    assert [said[number] for number in range(5)] == [""] * 5
    check_kept(tmp_path / "store", {n: MemoryError() if error else None for n, error in said.items()})


# -------------------------------------------------------------------------------------------- others at the ledger


@contextmanager
def held(folder: Path, how: str = "IMMEDIATE") -> Iterator[None]:
    """The ledger, held by another program."""
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        other.execute("UPDATE sink SET active = active")
        yield


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
async def test_a_ledger_that_another_program_holds_is_waited_for_and_then_told(tmp_path: Path, how: str) -> None:
    answers: dict[int, BaseException | None] = {}
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        with held(tmp_path, how):
            waiting = asyncio.create_task(batch(store, range(4)))
            await asyncio.sleep(0.3)
            assert not waiting.done()
        answers |= await waiting
        await store.do(lambda desk: desk.db.execute("PRAGMA busy_timeout = 50"))
        with held(tmp_path, how):
            refused = await batch(store, range(10, 13))
        for error in refused.values():
            assert isinstance(error, StoreError)
            assert "is held by another program" in str(error)
            assert error.hint == "close what has it open"
        answers |= await batch(store, range(10, 13))
    assert set(answers.values()) == {None}
    check_kept(tmp_path, answers)


OWNER = """
import sys, time
from pathlib import Path
from watcher.edge.store import LedgerStore
import asyncio
from tests.edge.keeping import keep
async def run():
    store = LedgerStore.open(Path(sys.argv[1]), vantage="local")
    await keep(store, 0)
    print("mine", flush=True)
    time.sleep(1_000)
asyncio.run(run())
"""


def owner_of(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, cwd=ROOT)


async def test_a_store_is_its_owners_until_the_process_is_gone_and_then_anybodys(tmp_path: Path) -> None:
    """Stopped is not gone; killed is, at once, whatever the file says; and all that it was told is kept is there."""
    with owner_of(tmp_path) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"mine\n"
        for stop in (None, signal.SIGSTOP):
            if stop:
                owner.send_signal(stop)
            with pytest.raises(StoreBusy, match=f"pid {owner.pid} on ") as told:
                LedgerStore.open(tmp_path, vantage="local")
            assert "stop that one first" in told.value.hint
            with Ledger.open(tmp_path) as ledger:
                assert len(list(ledger.captures())) == 1
        owner.kill()
    assert f"pid {owner.pid}" in (tmp_path / "lock").read_text()
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        assert set((await batch(store, range(1, 4))).values()) == {None}
    check_whole(tmp_path, [])


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


async def test_a_store_on_a_disk_that_may_only_be_read_is_told_and_can_be_read_again_later(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        async with LedgerStore.open(disk / "store", vantage="local") as store:
            answers = await batch(store, range(3))
        remount(disk, "ro")
        try:
            with pytest.raises(StoreError) as told:
                LedgerStore.open(disk / "store", vantage="local")
            assert str(disk / "store") in str(told.value)
            assert "give this user the right to" in told.value.hint
            with pytest.raises(WatcherError):
                Lock.take(disk / "store")
        finally:
            remount(disk, "rw")
        async with LedgerStore.open(disk / "store", vantage="local") as store:
            answers |= await batch(store, range(3, 6))
        check_kept(disk / "store", answers)


async def test_no_handle_is_left_to_open_a_store_with(tmp_path: Path) -> None:
    """Nothing is left held, or half made, by one that could not be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        answers = await batch(store, range(2))
    before, refused = len(os.listdir("/proc/self/fd")), []
    for spare in range(12):
        taken: list[int] = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 30, hard))
        try:
            while len(taken) < 1_000:
                taken.append(os.dup(0))
        except OSError:
            for handle in taken[:spare]:
                os.close(handle)
        try:
            opened = LedgerStore.open(tmp_path, vantage="local")
        except StoreError as error:
            refused.append(error)
        else:
            await opened.close()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for handle in taken[spare:]:
                os.close(handle)
    assert all(error.hint for error in refused)
    assert any("ulimit -n" in error.hint for error in refused)
    assert len(os.listdir("/proc/self/fd")) <= before
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        answers |= await batch(store, range(2, 4))
    check_kept(tmp_path, answers)
