"""What is acknowledged is there: after a kill at any moment, on a full disk, on a torn file; and what it costs."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.edge.keeping import (
    body_of,
    entries,
    event,
    exchange,
    keep,
    outcome,
    reading,
    visit_at,
    visits,
)
from watcher.core import custody, merkle
from watcher.edge.ledger import Ledger
from watcher.edge.store import LedgerStore
from watcher.errors import StoreDamaged, StoreError, StoreFull

REPOSITORY = Path(__file__).parents[2]


class Nursery:
    """A process that makes visits in children of its own, to be killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.edge.keeping"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, folder: Path, most: int, acknowledged: Path, *, stopped: bool = False) -> int:
        """The number of a process that makes visits."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{folder}\t{most}\t{acknowledged}\t{'stopped' if stopped else ''}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def ended(self) -> int:
        """How the process ended: its exit code, or less than 0 for a signal."""
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def acknowledged(path: Path) -> list[tuple[str, str, int]]:
    """What was acknowledged: ``kept`` or ``told``, the identifier, the number of the visit."""
    said = path.read_text() if path.exists() else ""
    whole = re.findall(r"^(kept|told) (\w+) (\d+) \.$", said, re.MULTILINE)
    return [(what, name, int(number)) for what, name, number in whole]


def check_whole(folder: Path, acks: list[tuple[str, str, int]]) -> None:
    """All that was acknowledged is there and exact, no event twice, every leaf from its record, the root over all."""
    with Ledger.open(folder) as ledger:
        captures = {capture.id: capture for capture in ledger.captures()}
        told = [one.id for one in ledger.events()]
        assert len(told) == len(set(told))
        for what, name, number in acks:
            if what == "kept":
                assert ledger.body(captures[name].body_digest or "") == body_of(number)
                assert ledger.wire(name)[1].endswith(body_of(number))
            else:
                assert name in told
                assert ledger.snapshot(visit_at(number)[0]) is not None
        leaves = list(ledger.log.leaves())
        for number, leaf in enumerate(leaves):
            assert merkle.leaf_hash(custody.leaf_data(ledger.record_of(number))) == leaf
        assert ledger.log.root() == merkle.root(len(leaves), merkle.nodes_of(leaves))


def test_killed_at_any_time_nothing_acknowledged_is_lost(nursery: Nursery, tmp_path: Path) -> None:
    """32 processes in a row on one store, each killed at a random moment, from before it opened the ledger on."""
    store, acks = tmp_path / "store", tmp_path / "acks"
    chance = random.Random(20261122)
    busy = 0
    for turn in range(32):
        before = len(acknowledged(acks))
        child = nursery.start(store, 10_000, acks)
        time.sleep(chance.uniform(0, 0.12))
        os.kill(child, signal.SIGKILL)
        assert nursery.ended() == -signal.SIGKILL
        busy += len(acknowledged(acks)) > before
        if turn % 8 == 7:
            check_whole(store, acknowledged(acks))
    assert busy >= 12, "most processes must have been killed at work"
    asyncio.run(visits(store, 1))  # and it goes on
    with Ledger.open(store) as ledger:
        assert ledger.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert len(ledger.unrecorded_visits()) <= 32


# --------------------------------------------------------------------------------- at each system call of a write

MOST_PLACES = 40
CALLS = "pwrite64,write,fsync,fdatasync,rename,ftruncate,unlink,mkdir"


def _strace_fault() -> str:
    if not shutil.which("strace"):
        return "no program strace: apt-get install strace"
    probe = subprocess.run(["strace", "-e", "trace=none", "true"], capture_output=True, text=True, check=False)
    return f"strace may not trace here: {probe.stderr.strip()}" if probe.returncode else ""


def traced(nursery: Nursery, store: Path, acks: Path, *options: str) -> int:
    """A process that makes one visit under strace; how it ended."""
    child = nursery.start(store, 1, acks, stopped=True)
    while Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.001)
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(child), *options], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert tracer.stderr
    assert "attached" in tracer.stderr.readline()
    os.kill(child, signal.SIGCONT)
    code = nursery.ended()
    tracer.communicate()
    return code


@pytest.mark.skipif(bool(_strace_fault()), reason=_strace_fault() or "-")
def test_killed_at_each_system_call_of_a_visit_nothing_is_torn(nursery: Nursery, tmp_path: Path) -> None:
    """The visit writes a body file, too. Whatever is killed where: the store opens, and the visit can be made again."""
    first = tmp_path / "first"
    asyncio.run(visits(first, 4))
    log = tmp_path / "trace"
    shutil.copytree(first, tmp_path / "counted")
    code = traced(nursery, tmp_path / "counted", tmp_path / "acks", "-e", f"trace={CALLS}", "-o", str(log))
    assert code == 0
    calls: dict[tuple[str, str], int] = {}
    for thread, call in re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.MULTILINE):
        calls[thread, call] = calls.get((thread, call), 0) + 1
    assert {"pwrite64", "fdatasync", "fsync", "rename"} <= {call for _, call in calls}
    most: dict[str, int] = {}
    for (_, call), count in calls.items():
        most[call] = max(most.get(call, 0), count)  # strace counts for each thread
    places = [(call, number) for call, count in sorted(most.items()) for number in range(1, count + 1)]
    if len(places) > MOST_PLACES:
        chance = random.Random(5)
        rare = [one for one in places if most[one[0]] <= 8]
        places = rare + chance.sample([one for one in places if one not in rare], MOST_PLACES - len(rare))
    killed = 0
    for call, number in places:
        store, acks = tmp_path / f"{call}-{number}", tmp_path / f"acks-{call}-{number}"
        shutil.copytree(first, store)
        inject = f"inject={call}:signal=KILL:when={number}"
        killed += traced(nursery, store, acks, "-e", f"trace={CALLS}", "-e", inject) == -signal.SIGKILL
        check_whole(store, acknowledged(acks))
        asyncio.run(visits(store, 1))
        assert list((store / "bodies" / "new").iterdir()) == []
        check_whole(store, acknowledged(acks))
        shutil.rmtree(store)
    assert killed >= len(places) * 0.9


# ------------------------------------------------------------------------------------------------------ full disk


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of so many bytes; skips the test where one cannot be mounted."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no file system of our own without root: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def grow(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def test_a_disk_too_small_for_any_store_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        with pytest.raises(StoreFull, match="no room") as error:
            LedgerStore.open(disk / "store", vantage="local")
        assert "make room" in error.value.hint
        with pytest.raises(StoreError, match="never finished"):
            Ledger.open(disk / "store")
        grow(disk, "8m")
        asyncio.run(visits(disk / "store", 6))
        check_whole(disk / "store", [])


async def _fill(store: LedgerStore, size: int) -> tuple[list[tuple[str, bytes]], int]:
    """Keep bodies until the disk is full; what was acknowledged, and the number of the visit that did not fit."""
    kept: list[tuple[str, bytes]] = []
    chance = random.Random(size)
    for number in range(1000):
        body = chance.randbytes(size)
        try:
            (capture,) = await keep(store, number, exchange(body, visit_at(number)[1]))
        except StoreFull:
            return kept, number
        kept.append((capture.id, body))
    raise AssertionError("the disk never filled")


@pytest.mark.parametrize("size", [3_000, 60_000])
def test_a_full_disk_is_told_harms_nothing_and_watching_goes_on_when_there_is_room(tmp_path: Path, size: int) -> None:
    """Small bodies fill the ledger, large ones the folder of bodies."""

    async def run(disk: Path) -> None:
        async with LedgerStore.open(disk / "store", vantage="local") as store:
            kept, number = await _fill(store, size)
            assert kept
            found = await asyncio.gather(*(keep(store, number + n) for n in range(5)), return_exceptions=True)
            visit, at = visit_at(number)
            full = [one for one in found if isinstance(one, StoreFull)]
            assert all(isinstance(one, (StoreFull, tuple)) for one in found)
            assert full or size > 32_768
            with Ledger.open(store.folder) as ledger:
                for name, body in kept:
                    assert ledger.wire(name)[1].endswith(body)
            grow(disk, "32m")
            (capture,) = await keep(store, number, exchange(b"room again", at))
            await store.record(outcome(visit, [capture], {capture.id: reading(entries(3))}, events=[event(1)]))
            assert list((store.folder / "bodies" / "new").iterdir()) == []
        check_whole(disk / "store", [])

    with small_disk(tmp_path / "disk", "2m") as disk:
        asyncio.run(run(disk))


def test_a_body_that_finds_no_room_leaves_no_row(tmp_path: Path) -> None:
    async def run(store_folder: Path) -> None:
        async with LedgerStore.open(store_folder, vantage="local") as store:
            large = random.Random(1).randbytes(100_000)
            with pytest.raises(StoreFull, match="no room"):
                await keep(store, 0, exchange(large, visit_at(0)[1]))
            (small,) = await keep(store, 1, exchange(b"small", visit_at(1)[1]))
            with Ledger.open(store_folder) as ledger:
                assert [capture.id for capture in ledger.captures()] == [small.id]
            grow(store_folder / "bodies", "1m")
            (capture,) = await keep(store, 0, exchange(large, visit_at(0)[1]))
            assert (await store.page(capture)).body == large
        check_whole(store_folder, [])

    (tmp_path / "store").mkdir()
    with small_disk(tmp_path / "store" / "bodies", "64k"):
        asyncio.run(run(tmp_path / "store"))


# ----------------------------------------------------------------------------------------------------- torn files


async def test_a_torn_ledger_is_told(tmp_path: Path) -> None:
    await visits(tmp_path / "store", 6)
    path = tmp_path / "store" / "ledger.db"
    whole = path.read_bytes()
    told = 0
    for share in (0.2, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share) // 4096 * 4096])
        with pytest.raises((StoreDamaged, StoreError)):
            check_whole(tmp_path / "store", [])
        told += 1
    assert told == 3


async def test_a_torn_body_file_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    await visits(folder, 6)
    (path,) = (folder / "bodies").glob("??/*.zst")
    path.write_bytes(path.read_bytes()[:1000])
    with Ledger.open(folder) as ledger:
        captures = list(ledger.captures())
        with pytest.raises(StoreDamaged, match=path.stem):
            ledger.wire(captures[4].id)
        assert ledger.wire(captures[3].id)[1].endswith(body_of(3))
    await visits(folder, 1)  # old damage does not keep new evidence out
    with Ledger.open(folder) as ledger:
        assert ledger.wire(list(ledger.captures())[-1].id)[1].endswith(body_of(6))


# -------------------------------------------------------------------------------------------------- bytes on disk


def size_of(folder: Path) -> int:
    """Bytes on disk, in whole blocks, as ``du`` counts."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def counters(version: int, count: int = 90) -> bytes:
    """A page of 50 kB in which every record's counter moves with every version."""
    chance = random.Random(7)
    records = []
    for number in range(count):
        name = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=10))
        words = " ".join("".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(70))
        views = chance.randint(100, 9999) + version * chance.randint(1, 9)
        records.append(
            f'<div class="card"><h3>{name}</h3><p>{words}</p><span>views: {views}</span>'
            f'<a href="/post/{number}">more</a></div>'
        )
    return f"<html><body>{''.join(records)}</body></html>".encode()


SITES = [f"s{number}" for number in range(40)]


@pytest.fixture
async def measured(tmp_path: Path) -> Path:
    """A store after two visits to each of some sites, so that tables have their first pages."""
    async with LedgerStore.open(tmp_path / "store", vantage="local") as store:
        for number in range(2):
            await asyncio.gather(*(look(store, number, counters(0), site) for site in SITES))
    return tmp_path / "store"


async def test_an_unchanged_check_costs_at_most_400_bytes_all_in(measured: Path) -> None:
    rounds = 20
    before = size_of(measured)
    page = counters(0)
    async with LedgerStore.open(measured, vantage="local") as store:
        for number in range(2, 2 + rounds):
            await asyncio.gather(*(look(store, number, page, site) for site in SITES))
    each = (size_of(measured) - before) / rounds / len(SITES)
    print(f"unchanged check: {each:.0f} bytes all in")
    assert each <= 400


async def test_moving_counters_cost_at_most_a_tenth_of_gzip_all_in(measured: Path) -> None:
    versions = 100
    before = size_of(measured)
    zipped = 0
    async with LedgerStore.open(measured, vantage="local") as store:
        for version in range(1, versions + 1):
            page = counters(version)
            zipped += len(gzip.compress(page))
            await look(store, 100 + version, page, "s1")
        deepest = await store.do(lambda desk: desk.db.execute("SELECT max(depth) FROM body").fetchone()[0])
    each, of_gzip = (size_of(measured) - before) / versions, (size_of(measured) - before) / zipped
    print(f"changed check: {each:.0f} bytes all in, {of_gzip:.1%} of gzip ({zipped // versions} bytes)")
    assert of_gzip <= 0.1
    assert deepest <= 8


async def look(store: LedgerStore, number: int, body: bytes, site: str) -> None:
    """One check as a watcher makes it: keep, record, schedule; nothing is told."""
    visit, at = visit_at(number, site)
    (capture,) = await keep(store, number, exchange(body, at), site=site)
    read = {capture.id: reading(entries(90), text=body.decode())}
    await store.record(outcome(visit, [capture], read))
    await store.schedule(site, at)
