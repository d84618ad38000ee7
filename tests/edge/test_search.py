"""Where a name ever stood: spans of time, the captures that show them, and what the index costs."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.edge.keeping import exchange, keep, miss, outcome, reading, roster, visit_at
from watcher.edge import schema, search_backfill
from watcher.edge.ledger import Ledger
from watcher.edge.reader import WorkerReader
from watcher.edge.rows import inflate
from watcher.edge.schema import LEDGER
from watcher.edge.search import Answer, search, waiting
from watcher.edge.search_backfill import at_leisure, backfill
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import StoreDamaged, StoreError, UsageError
from watcher.records import Capture, Entry, Page

FILLER = " ".join(f"filler{n}" for n in range(900))


async def show(store: LedgerStore, number: int, text: str, found: Sequence[Entry] = (), site: str = "alpha") -> Capture:
    """A visit to a page that says just this."""
    _, at = visit_at(number, site)
    (capture,) = await keep(store, number, exchange(f"<p>{text}</p>".encode(), at), site=site)
    read = {capture.id: reading(found, text=text)}
    await store.record(outcome(capture.visit, [capture], read))
    return capture


def ask(folder: Path, text: str, **how: object) -> Answer:
    with Ledger.open(folder) as ledger:
        return search(ledger, text, **how)  # type: ignore[arg-type]


def spans(answer: Answer) -> list[tuple[datetime, datetime, str, str]]:
    return [(hit.first_seen, hit.last_seen, hit.first_capture, hit.last_capture) for hit in answer.hits]


def at(number: int) -> datetime:
    return visit_at(number)[1]


async def test_from_when_to_when_a_name_stood_on_a_page(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        said = ["", "Velmora", "Velmora", "Velmora and more", "gone", "gone", "velmora!", "velmora!", "nothing"]
        captures = [await show(store, number, f"{text} {FILLER}") for number, text in enumerate(said)]
    found = ask(tmp_path, "VELMORA")
    assert spans(found) == [
        (at(1), at(3), captures[1].id, captures[3].id),
        (at(6), at(7), captures[6].id, captures[7].id),
    ]
    assert {hit.what for hit in found.hits} == {"page"}
    assert found.hits[0].excerpt.startswith("velmora")
    assert spans(ask(tmp_path, "velmora and more")) == [(at(3), at(3), captures[3].id, captures[3].id)]
    assert spans(ask(tmp_path, "filler899")) == [(at(0), at(8), captures[0].id, captures[8].id)]
    assert spans(ask(tmp_path, "velmora", since=at(4))) == spans(found)[1:]
    assert ask(tmp_path, "velmora logistics").hits == ()


async def test_a_miss_between_ends_no_span_and_counts_for_nothing(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        first = await show(store, 0, "Velmora")
        for number in (1, 3):
            (gone,) = await keep(store, number, miss(at(number)))
            await store.record(outcome(gone.visit, [gone], {}))
        last = await show(store, 2, "Velmora")
    assert spans(ask(tmp_path, "velmora")) == [(at(0), at(2), first.id, last.id)]


async def test_an_unchanged_page_costs_nothing_and_a_changed_one_little(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        await show(store, 0, f"Velmora {FILLER}")

        async def size() -> tuple[int, ...]:
            def counted(desk: Desk) -> tuple[int, ...]:
                tables = ("piece", "stood", "looked", "words_data", "named")
                return tuple(desk.db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)

            return await store.do(counted)

        before = await size()
        for number in range(1, 6):
            await show(store, number, f"Velmora {FILLER}")
        assert await size() == before
        await show(store, 6, f"Velmora {FILLER}", site="beta")
        assert (await size())[0] == before[0]
        await show(store, 7, f"Velmora {FILLER.replace('filler500', 'changed')}")
        changed = (await size())[0]
        assert 1 <= changed - before[0] <= 3
        for number in range(8, 12):  # what counts down is no change
            await show(store, number, f"Velmora {FILLER.replace('filler500', f'left: 3d 0{number % 10}h 12m 01s')}")
        assert (await size())[0] - changed <= 3


async def test_counters_write_nothing_and_hide_nothing(tmp_path: Path) -> None:
    """Once they are known to count, a text in which only they moved is not even taken apart."""
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        said = [f"Velmora 12 GB views: {number}" for number in (1001, 1002, 1003, 1004)]
        said += ["Velmora 13 GB views: 1005", "Velmora 13 GB views: 1006", "Velmora 12 GB views: 1007"]
        captures = [await show(store, number, f"{text} {FILLER}") for number, text in enumerate(said)]
        stood = await store.do(lambda desk: desk.db.execute("SELECT count(*) FROM stood").fetchone()[0])
    assert [hit.first_capture for hit in ask(tmp_path, "velmora 12 gb").hits] == [captures[0].id, captures[6].id]
    assert spans(ask(tmp_path, "velmora 13 gb")) == [(at(4), at(5), captures[4].id, captures[5].id)]
    with Ledger.open(tmp_path) as ledger:
        pieces = ledger.connection.execute("SELECT count(*) FROM piece").fetchone()[0]
    assert stood - pieces <= 1  # the first piece came twice


async def test_entries_are_found_by_all_that_they_ever_said(tmp_path: Path) -> None:
    old = Entry(key="v", title="V****** Logistics", fields={"description": "half a terabyte"})
    new = Entry(key="v", title="Velmora Logistics", url="http://a.example/v", fields={"description": "sold"})
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        for number, entry in enumerate((old, new, new)):
            (capture,) = await keep(store, number, exchange(b"x", at(number)))
            held = roster("alpha", [entry], at(number), capture.id)
            read = {capture.id: reading([entry], text="")}
            await store.record(outcome(capture.visit, [capture], read, beliefs=held))
    for text in ("velmora", "half a terabyte", "sold"):
        (hit,) = ask(tmp_path, text).hits
        assert (hit.what, hit.key, hit.title, hit.standing) == ("entry", "v", "Velmora Logistics", "listed")
        assert (hit.last_seen, hit.last_capture) == (at(2), capture.id)
    assert ask(tmp_path, "logistics sold").hits == ()


async def test_sites_beginnings_and_what_is_no_word(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        await show(store, 0, "Velmora Łódź", site="alpha")
        await show(store, 1, "velmoral support", site="beta")
    assert [hit.site for hit in ask(tmp_path, "velmora").hits] == ["alpha"]
    assert [hit.site for hit in ask(tmp_path, "velmora*").hits] == ["alpha", "beta"]
    assert [hit.site for hit in ask(tmp_path, "velmora*", site="beta").hits] == ["beta"]
    assert [hit.site for hit in ask(tmp_path, "LODZ").hits] == ["alpha"]
    for hostile in ('velmora" OR "x', "NEAR(velmora)", "text:velmora", "velmora AND support", "(", "^velmora"):
        try:
            assert all(hit.site == "alpha" for hit in ask(tmp_path, hostile).hits)
        except UsageError:
            continue
    with pytest.raises(UsageError, match="no word"):
        ask(tmp_path, '"* --')


async def test_a_common_word_is_answered_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.edge.search.MOST_PIECES", 3)
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        for number in range(5):
            await show(store, number, f"velmora {number}", site=f"site-{number}")
    found = ask(tmp_path, "velmora")
    assert found.cut
    assert len(found.hits) == 3


async def test_captures_read_again_change_nothing(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        kept = [await show(store, number, text) for number, text in enumerate(("velmora", "gone", "velmora"))]
        before = spans(ask(tmp_path, "velmora"))
        for capture, text in zip(kept, ("velmora", "gone", "velmora"), strict=True):
            read = {capture.id: reading((), text=text, why=("another",))}
            await store.record(outcome(capture.visit, [capture], read))
    assert spans(ask(tmp_path, "velmora")) == before


async def test_what_is_pruned_is_found_no_more(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        for number, text in enumerate(("velmora secret", "quiet", "quiet", "velmora again")):
            await show(store, number, f"{text} {FILLER}")
        assert len((await store.prune(at(1))).bodies) == 1
    assert spans(ask(tmp_path, "velmora")) == spans(ask(tmp_path, "velmora again")) != []
    assert ask(tmp_path, "secret").hits == ()
    with sqlite3.connect(tmp_path / LEDGER) as db:
        texts = [inflate(text) for (text,) in db.execute("SELECT text FROM piece")]
        assert not any(b"secret" in text for text in texts)
        assert any(b"velmora again" in text for text in texts)
        db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        assert not [1 for (block,) in db.execute("SELECT block FROM words_data") if b"secret" in block]


async def test_what_was_kept_before_there_was_an_index_is_put_into_it(tmp_path: Path) -> None:
    """The index that is made afterwards answers as the one that was kept up."""
    texts = ["velmora one", "velmora one", "quiet", "velmora two", "velmora two"]
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        for number, text in enumerate(texts):
            await show(store, number, text, [Entry(key="o", title="Ostavia Seeds")])
    asked = ("velmora", "one", "two", "quiet", "ostavia")
    expected = [ask(tmp_path, text) for text in asked]
    assert [len(answer.hits) for answer in expected] == [2, 1, 1, 1, 1]
    _without_index(tmp_path)
    assert schema.is_behind(tmp_path)
    through: list[tuple[int, int]] = []
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        with Ledger.open(tmp_path) as ledger:
            assert waiting(ledger.connection) == 5
        reader = WorkerReader()
        await show(store, 5, "velmora two", [Entry(key="o", title="Ostavia Seeds")])  # watching goes on meanwhile
        assert await backfill(store, reader, lambda *one: through.append(one)) == 3
        assert await backfill(store, reader) == 0
        await reader.close()
    assert through == [(1, 3), (2, 3), (3, 3)]
    assert not schema.is_behind(tmp_path)
    for text, known in zip(asked, expected, strict=True):
        found = spans(ask(tmp_path, text))
        if text in {"velmora", "two", "ostavia"}:  # the visit made meanwhile goes on where the older ones end
            assert [span[1] for span in found][-1] == at(5)
            assert [span[0] for span in found] == [hit.first_seen for hit in known.hits]
        else:
            assert found == spans(known)


async def test_what_cannot_be_read_any_more_is_passed_over_and_a_full_disk_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page of three is damaged: the others are found; and a store in trouble is told, not fatal."""
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        for number, text in enumerate(("velmora one", "ostavia two", "calderis three")):
            await show(store, number, text)
    _without_index(tmp_path)
    page, reader = Ledger.page, WorkerReader()

    def damaged(self: Ledger, capture: str) -> Page:
        found = page(self, capture)
        if b"ostavia" in found.body:
            raise StoreDamaged("its bytes are not what was received", hint="restore it")
        return found

    monkeypatch.setattr(Ledger, "page", damaged)
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        with capture_logs() as logs, monkeypatch.context() as trouble:
            trouble.setattr(search_backfill, "_entries", _no_room)
            await at_leisure(store, reader)
        assert [(one["event"], one["error"], one["mend"]) for one in logs] == [
            ("search index waits", "no room", "make room")
        ]
        assert schema.is_behind(tmp_path), "the next start goes on"
        with capture_logs() as logs:
            await at_leisure(store, reader)
            await at_leisure(store, reader)
        assert [(one["event"], one["versions"]) for one in logs] == [("older captures can be searched", 3)]
    await reader.close()
    assert not schema.is_behind(tmp_path)
    assert [len(ask(tmp_path, word).hits) for word in ("velmora", "ostavia", "calderis")] == [1, 0, 1]


async def _no_room(store: LedgerStore) -> None:
    raise StoreError("no room", hint="make room")


def _without_index(folder: Path) -> None:
    """Make the ledger one that was just brought up from the form before there was an index."""
    with sqlite3.connect(folder / LEDGER) as db:
        for name in ("piece", "stood", "named", "looked"):
            db.execute(f"DELETE FROM {name}")
        db.execute("INSERT INTO words (words) VALUES ('delete-all')")
        db.execute("INSERT INTO unsearched SELECT max(n), -1 FROM capture")


async def test_searching_goes_on_while_the_owner_writes(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        await show(store, 0, "velmora")
        stop, counts = threading.Event(), []

        def look() -> None:
            while not stop.is_set():
                counts.append(len(ask(tmp_path, "velmora*").hits))

        looking = asyncio.create_task(asyncio.to_thread(look))
        for number in range(1, 40):
            await show(store, number, f"velmora {number} {FILLER[number:]}", site=f"site-{number % 5}")
        stop.set()
        await looking
    assert counts == sorted(counts)
