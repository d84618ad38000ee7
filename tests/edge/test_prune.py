"""Old bodies go; what events need, all digests, and every proof stay."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.edge.keeping import (
    entries,
    event,
    exchange,
    keep,
    miss,
    outcome,
    reading,
    roster,
    visit_at,
)
from tests.edge.test_store import check_log
from watcher.edge.ledger import Ledger
from watcher.edge.store import LedgerStore
from watcher.errors import UsageError
from watcher.records import Capture

VISITS = 30
CUTOFF = 25
NEEDED = {9, 10, 11, 25, 26, 27, 28, 29}
"""The event of visit 10 was sure at visit 11, and visit 9 shows the state before; from the cutoff on all stay."""


def body(number: int) -> bytes:
    chance = random.Random(1)
    page = chance.randbytes(3000).hex() + f"<li>version {number}</li>"
    return (page + random.Random(number).randbytes(40_000).hex() * (number % 10 in (4, 9))).encode()


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[tuple[LedgerStore, list[Capture]]]:
    """A site whose page changes with every visit, now and then by much, with one event."""
    captures = []
    async with LedgerStore.open(tmp_path / "store", vantage="local") as store:
        for number in range(VISITS):
            visit, at = visit_at(number)
            sent = [exchange(body(number), at)]
            if number == 3:
                sent.insert(0, miss(at, response=random.Random(3).randbytes(9000), verdict="timeout"))
            *_, capture = await keep(store, number, *sent)
            captures.append(capture)
            told = []
            if number == 11:
                told = [
                    event(
                        1, not_before=captures[9].requested_at, not_after=captures[10].requested_at, confirmed_at=at,
                        before=captures[9].id, after=captures[10].id,
                    )
                ]  # fmt: skip
            beliefs = roster("alpha", entries(2), at, capture.id)
            read = {capture.id: reading(entries(2))}
            await store.record(outcome(visit, [capture], read, events=told, beliefs=beliefs))
        yield store, captures


def check(folder: Path, captures: list[Capture], gone: set[int]) -> None:
    with Ledger.open(folder) as ledger:
        for number, capture in enumerate(captures):
            if number in gone:
                with pytest.raises(UsageError, match=f"body {capture.body_digest} was erased|no body"):
                    ledger.wire(capture.id)
            else:
                assert ledger.wire(capture.id)[1].endswith(body(number))
            again = ledger.capture(capture.id)
            assert again is not None
            assert (again.body_digest, again.body_bytes) == (capture.body_digest, capture.body_bytes)
        check_log(ledger)


async def test_what_no_event_needs_is_erased_and_all_proofs_stay(kept: tuple[LedgerStore, list[Capture]]) -> None:
    store, captures = kept
    before = visit_at(CUTOFF)[1]
    gone = set(range(VISITS)) - NEEDED
    frames = await store.do(
        lambda desk: [row[0] for row in desk.db.execute("SELECT frame FROM body WHERE id = 1 AND frame NOT NULL")]
    )
    would = await store.prune(before, dry_run=True)
    check(store.folder, captures, set())
    pruned = await store.prune(before)
    assert pruned == would
    assert {captures[number].body_digest for number in gone} < set(pruned.bodies)
    assert len(pruned.bodies) == pruned.captures == len(gone) + 1, "the miss's bytes go, too"
    assert pruned.stored_bytes > 100_000
    check(store.folder, captures, gone)
    with Ledger.open(store.folder) as ledger:
        acts = check_log(ledger)
        assert acts[-1] == "prune"
        assert ledger.record_of(len(acts) - 1)["bodies"] == sorted(pruned.bodies)
        depths = ledger.connection.execute("SELECT max(depth) FROM body").fetchone()[0]
        large = {path.stem for path in (store.folder / "bodies").glob("??/*.zst")}
        live = ledger.connection.execute("SELECT digest FROM body WHERE frame IS NULL AND erased IS NULL").fetchall()
    assert depths <= 8
    assert large == {digest.hex() for (digest,) in live}
    assert (await store.prune(before)).bodies == ()
    await store.close()
    for frame in frames:
        assert frame[:200] not in (store.folder / "ledger.db").read_bytes()


async def test_an_erased_body_that_comes_again_is_kept_again(kept: tuple[LedgerStore, list[Capture]]) -> None:
    store, captures = kept
    await store.prune(visit_at(CUTOFF)[1])
    (again,) = await keep(store, VISITS, exchange(body(4), visit_at(VISITS)[1]))
    assert again.body_digest == captures[4].body_digest
    assert again.stored_bytes > 0
    with Ledger.open(store.folder) as ledger:
        assert ledger.body(again.body_digest or "") == body(4)
        assert ledger.wire(again.id)[1].endswith(body(4))
        check_log(ledger)


async def test_the_last_sight_of_an_entry_stays_however_old(kept: tuple[LedgerStore, list[Capture]]) -> None:
    store, captures = kept
    pruned = await store.prune(visit_at(VISITS + 100)[1])
    assert captures[29].body_digest not in pruned.bodies
    check(store.folder, captures, set(range(VISITS)) - {9, 10, 11, 29})


async def test_the_first_page_without_an_entry_stays_until_it_is_known_what_became_of_it(tmp_path: Path) -> None:
    """It is missing, and no event says so yet: the page that shows the gap is all there is."""
    captures = []
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        for number in range(5):
            visit, at = visit_at(number)
            (capture,) = await keep(store, number, exchange(b"<p>version %d</p>" % number, at))
            captures.append(capture)
            known = roster("alpha", entries(1), captures[min(number, 1)].requested_at, captures[min(number, 1)].id)
            if number >= 3:
                (key,) = known.entries
                gap = replace(known.entries[key], missing_since=captures[3].requested_at, missing_in=captures[3].id)
                known = replace(known, entries={key: gap})
            await store.record(outcome(visit, [capture], {capture.id: reading(entries(1))}, beliefs=known))
        pruned = await store.prune(visit_at(99)[1])
    assert pruned.bodies == tuple(captures[number].body_digest for number in (0, 2, 4))


async def test_files_left_by_a_killed_process_are_swept_by_the_next_owner(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        (capture,) = await keep(store, 0, exchange(random.Random(1).randbytes(50_000)))
    orphan = tmp_path / "bodies" / "ab" / f"{'ab' * 32}.zst"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"its row was never written")
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        assert not orphan.exists()
        assert (await store.page(capture)).body == random.Random(1).randbytes(50_000)


@pytest.mark.parametrize("first", [0, 2])
async def test_what_an_event_rests_on_stays_though_the_clock_was_set_back(tmp_path: Path, first: int) -> None:
    """The copies before and after an event are shown whole in its bundle, whatever their times say."""
    numbers = {0: (4, 6, 5), 2: (6, 4, 5)}[first]  # before, after, and the visit at which it was sure
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        captures = []
        for number in numbers:
            visit, at = visit_at(number)
            (capture,) = await keep(store, number, exchange(b"page %d" % number, at))
            captures.append(capture)
            told = []
            if number == numbers[2]:
                before, after = captures[:2]
                told = [
                    event(
                        1, not_before=before.requested_at, not_after=after.requested_at, confirmed_at=at,
                        before=before.id, after=after.id,
                    )
                ]  # fmt: skip
            beliefs = roster("alpha", entries(1), at, capture.id)
            await store.record(outcome(visit, [capture], {capture.id: reading()}, events=told, beliefs=beliefs))
        assert (await store.prune(visit_at(50)[1])).bodies == ()


async def test_a_prune_given_up_at_any_moment_leaves_a_store_that_keeps_what_comes(tmp_path: Path) -> None:
    for turns in range(8):
        folder = tmp_path / str(turns)
        async with LedgerStore.open(folder, vantage="local") as store:
            await keep(store, 0, exchange(body(4), visit_at(0)[1]))
            pruning = asyncio.ensure_future(store.prune(visit_at(5)[1]))
            for _ in range(turns):
                await asyncio.sleep(0)
                await store.head()  # a whole turn of the writing thread
            pruning.cancel()
            await asyncio.gather(pruning, return_exceptions=True)
            (again,) = await keep(store, 6, exchange(body(4), visit_at(6)[1]))
        async with LedgerStore.open(folder, vantage="local"):
            with Ledger.open(folder) as ledger:
                assert ledger.wire(again.id)[1].endswith(body(4)), turns
                check_log(ledger)
