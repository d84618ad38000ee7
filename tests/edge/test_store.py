"""The store as a watcher works with it: kept before read, all or nothing, one owner."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
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
    response,
    roster,
    visit_at,
    whole_visit,
)
from watcher.core import custody, merkle
from watcher.edge import beliefs as beliefs_in_memory
from watcher.edge.ledger import Ledger
from watcher.edge.lock import Lock
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import StoreBusy, StoreError, UsageError
from watcher.ports import Origin
from watcher.records import Roster

NOW = START + timedelta(days=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LedgerStore]:
    async with LedgerStore.open(tmp_path / "store", vantage="local", now=lambda: NOW) as store:
        yield store


def check_log(ledger: Ledger) -> list[str]:
    """Every leaf's record is made again and gives its leaf; the root is that of all leaves. What acts there are."""
    leaves = list(ledger.log.leaves())
    acts = []
    for number, leaf in enumerate(leaves):
        record = ledger.record_of(number)
        assert merkle.leaf_hash(custody.leaf_data(record)) == leaf, record
        acts.append(str(record["act"]))
    assert ledger.log.root() == merkle.root(len(leaves), merkle.nodes_of(leaves))
    return acts


# ----------------------------------------------------------------------------------------------------------- keep


async def test_what_is_kept_comes_back_byte_for_byte(store: LedgerStore) -> None:
    _, at = visit_at(0)
    sent = exchange(b"<li>Acme</li>", at, cut="length", why=("short",))
    (capture,) = await keep(store, 0, sent)
    with Ledger.open(store.folder) as ledger:
        assert ledger.capture(capture.id) == capture
        assert ledger.wire(capture.id) == (sent.request, sent.response)
        assert ledger.body(capture.body_digest or "") == b"<li>Acme</li>"
    assert (capture.status, capture.verdict, capture.complete, capture.leaf) == (200, "", False, 0)
    assert capture.body_bytes == 13
    assert capture.stored_bytes > 0
    assert dict(capture.facts) == dict(sent.facts)
    assert (capture.url, capture.requested_at, capture.isolation) == (sent.url, sent.requested_at, sent.isolation)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n3\r\n, w\r\n0\r\nX-T: 1\r\n\r\n"
HOSTILE = {
    "chunks with extensions and trailers": CHUNKED,
    "interim response": b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"x"),
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
    "folded header": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\nhi",
    "more than was said": response(b"page") + b"HTTP/1.1 200 OK\r\n\r\n",
    "latin-1": b"HTTP/1.1 200 Tr\xe8s bien\r\nX: \xff\r\nContent-Length: 0\r\n\r\n",
    "duplicate lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello",
    "no body at all": b"HTTP/1.1 204 No Content\r\n\r\n",
    "large": response(os.urandom(300_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_framings_come_back_byte_for_byte(store: LedgerStore, name: str) -> None:
    (capture,) = await keep(store, 0, exchange(response=HOSTILE[name]))
    with Ledger.open(store.folder) as ledger:
        assert ledger.wire(capture.id)[1] == HOSTILE[name]
        check_log(ledger)


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"SSH-2.0-x\r\n", b"x" * 70_000])
async def test_a_miss_keeps_what_came_and_names_no_body(store: LedgerStore, response: bytes) -> None:
    (capture,) = await keep(store, 0, miss(response=response, verdict="timeout"))
    assert (capture.status, capture.body_digest, capture.body_bytes, capture.verdict) == (None, None, 0, "timeout")
    with Ledger.open(store.folder) as ledger:
        assert ledger.capture(capture.id) == capture
        assert ledger.wire(capture.id)[1] == response
        assert check_log(ledger) == ["miss"]


async def test_refused_content_is_logged_as_a_refusal(store: LedgerStore) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\n"
    await keep(store, 0, miss(response=head, verdict="refused-content", why=("archive",)))
    with Ledger.open(store.folder) as ledger:
        assert check_log(ledger) == ["refusal"]


async def test_an_unchanged_body_costs_no_bytes_and_a_changed_one_few(store: LedgerStore) -> None:
    page = b"".join(os.urandom(20).hex().encode() for _ in range(1000))
    first, again, changed = [
        (await keep(store, number, exchange(body, visit_at(number)[1])))[0]
        for number, body in enumerate([page, page, page + b"<li>Acme</li>"])
    ]
    assert first.stored_bytes > 20_000
    assert again.stored_bytes == 0
    assert again.body_digest == first.body_digest
    assert 0 < changed.stored_bytes < 100


async def test_a_retrieval_kept_twice_is_one_capture(store: LedgerStore) -> None:
    first = await keep(store, 0)
    assert await keep(store, 0) == first
    with Ledger.open(store.folder) as ledger:
        assert len(list(ledger.captures())) == 1
        assert check_log(ledger) == ["capture"]


async def test_redirects_are_kept_in_order_and_each_is_a_capture(store: LedgerStore) -> None:
    visit, at = visit_at(0)
    hop = exchange(at=at, status=302, response=b"HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n")
    end = exchange(at=at + timedelta(seconds=1), url=f"{MIRROR}new")
    captures = await store.keep(Origin(site="alpha", target="listing", visit=visit), [hop, end])
    assert [capture.status for capture in captures] == [302, 200]
    assert await store.captures_of(visit) == captures


async def test_foreign_captures_stay_out_of_the_log(store: LedgerStore) -> None:
    visit, at = visit_at(0)
    (capture,) = await store.keep(Origin(site="alpha", target="listing", visit=visit), [exchange(at=at)], foreign=True)
    assert (capture.foreign, capture.leaf) == (True, None)
    with Ledger.open(store.folder) as ledger:
        assert ledger.capture(capture.id) == capture
        assert ledger.log.size == 0


async def test_lone_surrogates_do_not_stop_the_evidence(store: LedgerStore) -> None:
    visit, at = visit_at(0)
    (capture,) = await keep(store, 0, exchange(at=at, url=f"{MIRROR}\ud800", why=("a\udfff",)))
    found = [replace(one, title="A\ud800", key="k\udc00", fields={"f": "\ud83d\ude00"}) for one in entries(1)]
    read = reading(found, text="\ud800")
    told = [event(0, was="\ud800", entry=found[0])]
    await store.record(outcome(visit, [capture], {capture.id: read}, events=told, seen_in={"k\udc00": capture.id}))
    with Ledger.open(store.folder) as ledger:
        assert [entry.title for _, entry in ledger.entries()] == ["A\ufffd"]
        assert [one.was for one in ledger.events()] == ["\ufffd"]
        assert check_log(ledger) == ["capture", "snapshot", "event"]


async def test_a_visit_of_another_form_or_another_site_is_refused(store: LedgerStore) -> None:
    for visit in ("alpha", "alpha@yesterday", "alpha@2026-11-22T15:04:05Z", "beta@2026-11-22T15:04:05.000000Z"):
        with pytest.raises((UsageError, StoreError)):
            await store.keep(Origin(site="alpha", target="listing", visit=visit), [exchange()])
    naive = exchange(requested_at=START.replace(tzinfo=None))
    with pytest.raises(StoreError, match="without a zone"):
        await keep(store, 0, naive)


# ----------------------------------------------------------------------------------------------------------- page


async def test_a_page_is_decoded_and_says_if_it_was_cut(store: LedgerStore) -> None:
    import gzip

    coded = gzip.compress(b"<li>Acme</li>")
    whole = exchange(response=response(coded, extra="Content-Encoding: gzip\r\n"))
    cut = exchange(at=visit_at(1)[1], response=response(coded[:-9], extra="Content-Encoding: gzip\r\n"), cut="")
    for number, sent in enumerate((whole, cut)):
        (capture,) = await keep(store, number, sent)
        fresh, later = await store.page(capture), await store.page(capture)
        assert fresh == later
        assert bool(fresh.cut) == (sent is cut)
        assert (fresh.status, fresh.content_type) == (200, "text/html; charset=utf-8")
    assert (await store.page((await keep(store, 0, whole))[0])).body == b"<li>Acme</li>"


async def test_a_miss_has_no_page(store: LedgerStore) -> None:
    (capture,) = await keep(store, 0, miss())
    with pytest.raises(UsageError, match="no page"):
        await store.page(capture)


# --------------------------------------------------------------------------------------------------------- record


async def test_a_visit_is_recorded_whole(store: LedgerStore) -> None:
    capture = await whole_visit(store, 0, b"<li>Victim 0</li>", entries(3))
    visit, _ = visit_at(0)
    with Ledger.open(store.folder) as ledger:
        snapshot = ledger.snapshot(visit)
        assert snapshot is not None
        assert (snapshot.entries, snapshot.captures, snapshot.complete) == (entries(3), (capture.id,), True)
        assert snapshot.isolation == capture.isolation
        read = ledger.reading(capture.id)
        assert read is not None
        assert read.text == snapshot.text == custody.sha256(b"<li>Victim 0</li>").hexdigest()
        assert replace(read, text="") == reading(entries(3), text="")
        assert list(ledger.events()) == [event(0)]
        (now,) = ledger.captures()
        assert (now.verdict, now.complete, now.leaf) == ("listing", True, 0)
        assert check_log(ledger) == ["capture", "snapshot", "event"]
        leaf = ledger.leaf_of_snapshot(visit)
        assert leaf is not None
        assert leaf.record["entries"] == custody.absence.commit(one.key for one in entries(3)).hex()
        assert ledger.leaf_of_reading(capture.id) is None, "the snapshot's leaf says it all"
    state = await store.state("alpha")
    assert (state.roster, state.memory) == (roster("alpha", entries(3), capture.requested_at, capture.id), b"learned")


async def test_pages_and_details_have_leaves_of_their_own(store: LedgerStore) -> None:
    visit, at = visit_at(0)
    pages = [exchange(f"page {n}".encode(), at + timedelta(seconds=n), url=f"{MIRROR}{n}") for n in range(2)]
    captures = list(await keep(store, 0, *pages))
    (detail,) = await store.keep(
        Origin(site="alpha", target="detail", visit=visit), [exchange(b"own page", at, url=f"{MIRROR}own")]
    )
    found = entries(4)
    readings = {
        captures[0].id: reading(found[:2]),
        captures[1].id: reading(found[1:]),
        detail.id: reading(verdict="detail"),
    }
    await store.record(outcome(visit, captures, readings, seen_in={found[3].key: captures[1].id}))
    with Ledger.open(store.folder) as ledger:
        assert check_log(ledger) == ["capture"] * 3 + ["reading"] * 3 + ["snapshot"]
        snapshot = ledger.snapshot(visit)
        assert snapshot is not None
        assert (snapshot.entries, snapshot.seen_in) == (found, {found[3].key: captures[1].id})
        leaf = ledger.leaf_of_reading(detail.id)
        assert leaf is not None
        assert leaf.record["verdict"] == "detail"


async def test_a_miss_is_recorded_and_counted_and_believes_nothing_new(store: LedgerStore) -> None:
    await whole_visit(store, 0, b"page", entries(2))
    before = (await store.state("alpha")).roster
    for number in (1, 2):
        visit, at = visit_at(number)
        captures = await keep(store, number, miss(at))
        await store.record(outcome(visit, captures, {}, beliefs=before))
    (status,) = await store.status()
    assert (status.verdict, status.misses_in_a_row, status.listed) == ("unreachable", 2, 2)
    assert status.last_complete is not None
    assert status.last_visit is not None
    assert status.last_complete < status.last_visit
    assert [(one.url, one.verdict) for one in status.mirrors] == [(MIRROR, "unreachable")]
    await whole_visit(store, 3, b"page", entries(2))
    assert (await store.status())[0].misses_in_a_row == 0


async def test_the_same_event_twice_is_one_event_and_one_leaf(store: LedgerStore) -> None:
    for number in range(2):
        visit, at = visit_at(number)
        (capture,) = await keep(store, number, exchange(at=at))
        await store.record(outcome(visit, [capture], {capture.id: reading()}, events=[event(7)]))
    with Ledger.open(store.folder) as ledger:
        assert list(ledger.events()) == [event(7)]
        assert check_log(ledger).count("event") == 1


async def test_recording_again_changes_nothing_and_another_reading_supersedes_and_stays_in_the_log(
    store: LedgerStore,
) -> None:
    visit, at = visit_at(0)
    (capture,) = await keep(store, 0, exchange(at=at))
    (detail,) = await store.keep(
        Origin(site="alpha", target="detail", visit=visit), [exchange(b"own page", at, url=f"{MIRROR}own")]
    )
    first = {capture.id: reading(entries(2)), detail.id: reading(verdict="detail")}
    await store.record(outcome(visit, [capture], first))
    await store.record(outcome(visit, [capture], first))
    with Ledger.open(store.folder) as ledger:
        once = check_log(ledger)
        assert once == ["capture", "capture", "reading", "snapshot"]
    second = {capture.id: reading(entries(3)), detail.id: reading(verdict="error")}
    await store.record(outcome(visit, [capture], second))
    with Ledger.open(store.folder) as ledger:
        assert check_log(ledger) == [*once, "reading", "snapshot"]
        assert ledger.record_of(2)["verdict"] == "detail"
        assert ledger.record_of(3)["count"] == 2
        snapshot, read = ledger.snapshot(visit), ledger.reading(detail.id)
        assert snapshot is not None
        assert read is not None
        assert (len(snapshot.entries), read.verdict) == (3, "error")
        assert len(list(ledger.captures())) == 2


async def test_a_recorded_visit_can_be_added_to(store: LedgerStore) -> None:
    visit, at = visit_at(0)
    (first,) = await keep(store, 0, exchange(at=at))
    await store.record(outcome(visit, [first], {first.id: reading(entries(1))}))
    (second,) = await keep(store, 0, exchange(b"page 2", at, url=f"{MIRROR}2"))
    assert await store.unrecorded_visits() == (visit,)
    both = {first.id: reading(entries(1)), second.id: reading(entries(3))}
    await store.record(outcome(visit, [first, second], both))
    assert await store.unrecorded_visits() == ()
    with Ledger.open(store.folder) as ledger:
        snapshot = ledger.snapshot(visit)
        assert snapshot is not None
        assert (snapshot.captures, len(snapshot.entries)) == ((first.id, second.id), 3)
        check_log(ledger)


async def test_a_reading_of_what_was_never_kept_is_refused_whole(store: LedgerStore) -> None:
    visit, at = visit_at(0)
    (capture,) = await keep(store, 0, exchange(at=at))
    with pytest.raises(StoreError, match="never kept"):
        await store.record(outcome(visit, [capture], {capture.id: reading(), "c" + "0" * 16: reading()}))
    with Ledger.open(store.folder) as ledger:
        assert ledger.snapshot(visit) is None
        assert check_log(ledger) == ["capture"]
    assert await store.unrecorded_visits() == (visit,)
    await store.record(outcome(visit, [capture], {capture.id: reading()}))
    assert await store.unrecorded_visits() == ()


# --------------------------------------------------------------------------------------------------------- roster


async def test_only_entries_that_change_are_written(store: LedgerStore) -> None:
    """An unchanged page of 50 entries touches none of their rows, though each was seen again."""
    written: list[str] = []
    await whole_visit(store, 0, b"page", entries(50))
    await store.do(lambda desk: desk.db.conn.set_trace_callback(written.append))
    capture = await whole_visit(store, 1, b"page", entries(50))
    assert not [line for line in written if "INTO entry" in line or "UPDATE entry" in line]
    assert [line for line in written if "INTO sight" in line]
    visit, at = visit_at(2)
    (third,) = await keep(store, 2, exchange(at=at))
    beliefs = roster("alpha", entries(50), at, third.id)
    gone = replace(
        beliefs.entries["victim-7"], standing="missing", last_seen=capture.requested_at, seen_in=capture.id,
        missing_since=at, missing_in=third.id, absences=1,
    )  # fmt: skip
    beliefs = Roster(site="alpha", entries={**beliefs.entries, "victim-7": gone}, notes=beliefs.notes)
    written.clear()
    await store.record(outcome(visit, [third], {third.id: reading(entries(50))}, beliefs=beliefs))
    assert len([line for line in written if "INTO entry" in line or "UPDATE entry" in line]) == 1
    await store.do(lambda desk: desk.db.conn.set_trace_callback(None))
    with Ledger.open(store.folder) as ledger:
        assert ledger.state("alpha").roster == beliefs
        assert [entry for _, entry in ledger.entries(standing="missing")] == [gone]
    await store.do(Desk.forget)
    assert (await store.state("alpha")).roster == beliefs


@pytest.mark.parametrize("room", [beliefs_in_memory.MOST_BYTES, 0])
async def test_a_roster_survives_any_course(store: LedgerStore, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is believed after each visit is what the ledger says: from memory, packed there, and from disk alike."""
    import random

    monkeypatch.setattr(beliefs_in_memory, "MOST_BYTES", room)
    chance = random.Random(3)
    found, beliefs = entries(12), Roster(site="alpha")
    for number in range(40):
        visit, at = visit_at(number)
        pages = [exchange(f"{number}-{page}".encode(), at, url=f"{MIRROR}{page}") for page in range(2)]
        captures = await keep(store, number, *pages)
        held = dict(beliefs.entries)
        for entry in found:
            course = chance.random()
            if course < 0.6:
                page = captures[chance.random() < 0.3]
                seen = roster("alpha", [entry], at, page.id).entries[entry.key]
                held[entry.key] = replace(seen, aliases=held[entry.key].aliases if entry.key in held else ())
            elif course < 0.7 and entry.key in held:
                held[entry.key] = replace(held[entry.key], standing="withdrawn", withdrawn_at=at)
            elif course < 0.75 and entry.key in held:
                held[entry.key] = replace(held[entry.key], aliases=("Once",), title=f"Now {number}")
            elif course < 0.77:
                held.pop(entry.key, None)
        beliefs = Roster(site="alpha", entries=held, notes=str(number).encode())
        await store.record(outcome(visit, captures, {one.id: reading() for one in captures}, beliefs=beliefs))
        with Ledger.open(store.folder) as ledger:
            assert ledger.state("alpha").roster == beliefs
        if chance.random() < 0.3:
            await store.do(Desk.forget)
        else:
            await store.state("beta")  # without room for two, the other is packed
        assert (await store.state("alpha")).roster == beliefs


# --------------------------------------------------------------------------------------------------- group commit


class BrokenError(Exception):
    """What a faulty job raises."""


async def test_jobs_commit_together_and_one_that_fails_takes_no_other_with_it(store: LedgerStore) -> None:
    def breaks(desk: Desk) -> None:
        desk.db.execute("INSERT INTO site (name) VALUES ('half done')")
        raise BrokenError

    commits: list[str] = []
    await store.do(lambda desk: desk.db.conn.set_trace_callback(commits.append))
    visits = [keep(store, number, site=f"s{number % 7}") for number in range(60)]
    jobs = [*visits[:30], store.do(breaks), *visits[30:]]
    found = await asyncio.gather(*jobs, return_exceptions=True)
    await store.do(lambda desk: desk.db.conn.set_trace_callback(None))
    assert isinstance(found.pop(30), BrokenError)
    assert sum(line == "COMMIT" for line in commits) < 30
    with Ledger.open(store.folder) as ledger:
        kept = {capture.id for capture in ledger.captures()}
        assert kept == {captures[0].id for captures in found if isinstance(captures, tuple)}
        assert len(kept) == 60
        assert "half done" not in ledger.sites()
        assert check_log(ledger) == ["capture"] * 60
    body = (await keep(store, 99, site="s1"))[0].body_digest
    assert body is not None, "what was remembered before the fault is looked up again"


async def test_a_cancelled_visit_leaves_the_writer_well(store: LedgerStore) -> None:
    task = asyncio.create_task(keep(store, 0))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(await keep(store, 1)) == 1


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = LedgerStore.open(tmp_path, vantage="local")
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await keep(store, 0)
    assert not (tmp_path / "ledger.db-wal").exists()


# ----------------------------------------------------------------------------------------------------- alerts, log


async def test_alerts_are_owed_until_they_are_delivered_and_each_delivery_is_logged(store: LedgerStore) -> None:
    await whole_visit(store, 0, b"before there was a sink", entries(1))
    await store.subscribe(["file:a", "slack://secret"])
    await whole_visit(store, 1, b"page", entries(1))
    owed = await store.undelivered()
    assert [(one.event.id, one.sink, one.tries) for one in owed] == [
        (event(1).id, "file:a", 0),
        (event(1).id, "slack://secret", 0),
    ]
    (arrived, in_vain) = owed
    for _ in range(2):
        await store.do(lambda desk: desk.outbox.delivered(arrived.seq, arrived.sink, "a checkpoint", NOW))
    later = NOW + timedelta(minutes=1)
    await store.do(lambda desk: desk.outbox.not_delivered(in_vain.seq, in_vain.sink, "no answer", later))
    assert await store.undelivered() == ()
    with Ledger.open(store.folder) as ledger:
        (late,) = ledger.owed(NOW + timedelta(minutes=2))
        assert (late.sink, late.tries) == ("slack://secret", 1)
        assert check_log(ledger).count("alert") == 1
    await store.not_wanted(late)
    await whole_visit(store, 2, b"page", entries(1))
    await store.subscribe(["file:a"])
    assert [(one.event.id, one.sink) for one in await store.undelivered()] == [(event(2).id, "file:a")]


async def test_checkpoints_and_stamps_are_kept(store: LedgerStore) -> None:
    await keep(store, 0)
    size, root = await store.head()
    assert size == 1
    await store.checkpoint(size, "note\n\n— signed\n")
    await store.stamp(size, "http://tsa.example/", why="no answer", next_try=NOW + timedelta(minutes=5))
    await store.stamp(size, "http://tsa.example/", token=b"\x30\x03")
    with pytest.raises(UsageError, match="2 leaves"):
        await store.checkpoint(2, "too far")
    with Ledger.open(store.folder) as ledger:
        assert ledger.log.root() == root
        assert [(head.size, head.note, head.signed_at) for head in ledger.checkpoints()] == [
            (1, "note\n\n— signed\n", NOW)
        ]
        assert ledger.checkpoint_over(0) == next(ledger.checkpoints())
        assert ledger.checkpoint_over(1) is None
        (stamp,) = ledger.stamps(1)
        assert (stamp.state, stamp.tries, stamp.token, stamp.next_try) == ("stamped", 2, b"\x30\x03", None)


async def test_other_acts_are_logged(store: LedgerStore) -> None:
    record = custody.key_record(old="", new="local+1+k", at=NOW, vantage="local")
    assert await store.act(record) == 0
    with Ledger.open(store.folder) as ledger:
        assert ledger.record_of(0) == record
        assert check_log(ledger) == ["key"]


# ------------------------------------------------------------------------------------------------------- one owner


async def test_a_second_owner_is_refused_by_name_and_readers_are_not(store: LedgerStore) -> None:
    with pytest.raises(StoreBusy, match=f"pid {os.getpid()} on ") as error:
        LedgerStore.open(store.folder, vantage="local")
    assert "stop that one" in error.value.hint
    code = (
        "import sys; from pathlib import Path; from watcher.edge.store import LedgerStore\n"
        "LedgerStore.open(Path(sys.argv[1]), vantage='other')"
    )
    command = [sys.executable, "-c", code, str(store.folder)]
    other = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert f"StoreBusy: the store {store.folder} is in use by another watcher (pid {os.getpid()} on " in other.stderr
    await keep(store, 0)
    with Ledger.open(store.folder) as ledger:
        assert len(list(ledger.captures())) == 1


def test_the_lock_dies_with_its_owner_even_if_a_forked_child_lives_on(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from watcher.edge.lock import Lock\n"
        "lock = Lock.take(Path(sys.argv[1]))\n"
        "child = os.fork()\n"
        "if child == 0: os.closerange(0, 3); time.sleep(60); os._exit(0)\n"
        "print(child, flush=True); os.kill(os.getpid(), 9)"
    )
    owner = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    child = int(owner.stdout)
    try:
        os.kill(child, 0)
        with Lock.take(tmp_path):
            pass
    finally:
        os.kill(child, 9)


def test_a_store_has_private_modes(tmp_path: Path) -> None:
    async def run() -> None:
        async with LedgerStore.open(tmp_path / "new" / "store", vantage="local") as store:
            await keep(store, 0)
            for path in store.folder.rglob("*"):
                wanted = 0o700 if path.is_dir() else 0o600
                assert stat.S_IMODE(path.stat().st_mode) == wanted, path

    mask = os.umask(0)
    try:
        asyncio.run(run())
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new" / "store").stat().st_mode) == 0o700
