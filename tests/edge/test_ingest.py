"""Captures made by others: read, compared and searched; never mixed with ours."""

from __future__ import annotations

import asyncio
import json
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.core.test_warc_reading import PAGE, record
from tests.edge.keeping import START, entries, whole_visit
from tests.evidence.keeping import play_withdrawal
from tests.evidence.story import KEY
from watcher.edge.export import export
from watcher.edge.gather import Provenance, Selection
from watcher.edge.ingest import Brought, Ingest
from watcher.edge.ledger import Ledger
from watcher.edge.reader import WorkerReader
from watcher.edge.search import search
from watcher.edge.store import LedgerStore
from watcher.edge.verify import verify
from watcher.errors import UnreadableError, UsageError
from watcher.records import Site

SITE = Site(name="alpha", mirrors=("http://leak.example/list",))
LIST = "<html><body><ul>{}</ul></body></html>"


def listing(*names: str) -> str:
    return LIST.format("".join(f'<li><a href="/v/{name.lower()}">{name} Logistics</a></li>' for name in names))


@asynccontextmanager
async def bringing(folder: Path, site: Site = SITE) -> AsyncIterator[Ingest]:
    reader = WorkerReader()
    try:
        async with LedgerStore.open(folder, vantage="local") as store:
            yield Ingest(store=store, reader=reader, site=site, max_body=1 << 20)
    finally:
        await reader.close()


async def bring(folder: Path, source: Path, site: Site = SITE, url: str = "") -> Brought:
    async with bringing(folder, site) as ingest:
        return await ingest.bring(source, url)


async def test_our_own_bundle_comes_back_byte_for_byte(tmp_path: Path) -> None:
    await play_withdrawal(tmp_path / "ours")
    with Ledger.open(tmp_path / "ours") as ledger:
        site = ledger.sites()[0]
        export(
            ledger, Selection(site=site), tmp_path / "e.wacz", key=KEY, about=Provenance(vantage="local"), draw=False
        )
        wires = {(one.requested_at, one.url): ledger.wire(one.id) for one in ledger.captures() if not one.is_miss}
        mirror = next(one.mirror for one in ledger.captures())
        names = [entry.title for _, entry in ledger.entries()]
    done = await bring(tmp_path / "theirs", tmp_path / "e.wacz", Site(name="copy", mirrors=(mirror,)))
    assert done.faults == []
    with Ledger.open(tmp_path / "theirs") as ledger:
        brought = list(ledger.captures(site="copy"))
        assert len(brought) >= 6
        assert all(ledger.wire(one.id) == wires[one.requested_at, unquote(one.url)] for one in brought)
        assert all(one.foreign and one.leaf is None for one in brought)
        assert {one.verdict for one in brought if one.target == "listing" and one.status == 200} == {"listing"}
        (hit, *_) = search(ledger, names[0]).hits
        assert hit.foreign
        assert min(wires)[0] <= hit.first_seen <= hit.last_seen <= max(wires)[0]
        assert ledger.log.size == 0
        assert not list(ledger.entries())
        assert not list(ledger.events())


async def test_captures_of_others_stay_apart_from_ours(tmp_path: Path) -> None:
    """Even one that claims the very moment of a visit of ours."""
    store = tmp_path / "store"
    async with LedgerStore.open(store, vantage="local") as ours:
        mine = await whole_visit(ours, 0, listing("Ours").encode(), entries(1))
        before = await ours.state("alpha")
    verified = verify(store)
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / f"{START:%Y%m%d%H%M%S}.html").write_text(listing("Velmora", "Ostavia"))
    at = record("response", PAGE).replace(b"2026-11-22T15:04:05Z", START.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode())
    (pages / "x.warc").write_bytes(at)
    done = await bring(store, pages)
    assert len(done.captures) == 2
    async with LedgerStore.open(store, vantage="local") as again:
        assert await again.unrecorded_visits() == ()
        assert await again.captures_of(mine.visit) == (await again.do(lambda desk: desk.ledger.capture(mine.id)),)
        assert (await again.state("alpha")) == before
        assert [status.last_visit for status in await again.status()] == [mine.finished_at]
    with Ledger.open(store) as ledger:
        assert [one.foreign for one in ledger.captures(site="alpha")].count(True) == 2
        assert ledger.capture_at("alpha", datetime(2027, 1, 1, tzinfo=UTC)) == ledger.capture(mine.id)
        (theirs,) = [
            one for one in ledger.captures() if one.foreign and one.url.endswith("/list") and one.verdict == "listing"
        ]
        reading = ledger.reading(theirs.id)
        assert reading
        assert [entry.title for entry in reading.entries] == ["Velmora Logistics", "Ostavia Logistics"]
        with pytest.raises(UsageError):
            export(
                ledger,
                Selection(captures=(theirs.id,)),
                tmp_path / "e.wacz",
                key=KEY,
                about=Provenance(vantage="local"),
                draw=False,
            )
    after = verify(store)
    assert [result.ok for result in after] == [result.ok for result in verified]
    faults = " ".join(result.detail for result in after if not result.ok)
    assert not any(one.id in faults for one in done.captures)


async def test_a_folder_of_dated_pages(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    (pages / "2026-03-01").mkdir(parents=True)
    (pages / "2026-03-01" / "index.html").write_text(listing("Velmora", "Ostavia"))
    (pages / "20260302120000.html").write_text(listing("Ostavia"))
    (pages / "undated.json").write_text(json.dumps([{"title": "Quilra Foods"}]))
    os.utime(pages / "undated.json", (1_772_500_000, 1_772_500_000))
    (pages / "logo.png").write_bytes(b"\x89PNG")
    (pages / "empty.html").touch()
    (pages / "20260303.html").write_bytes(b"PK\x03\x04" + bytes(100))
    (pages / "link.html").symlink_to("/etc/passwd")
    done = await bring(tmp_path / "store", pages)
    assert [f"{one.requested_at:%m-%d %H}" for one in done.captures] == ["03-01 00", "03-02 12", "03-03 01"]
    assert done.passed == {
        "no pages (pictures, styles, scripts …)": 1,
        "content that is never kept (archives, media, documents)": 1,
        "empty files": 1,
    }
    with Ledger.open(tmp_path / "store") as ledger:
        (hit,) = search(ledger, "velmora logistics").hits
        assert hit.first_seen == hit.last_seen == datetime(2026, 3, 1, tzinfo=UTC)
    again = await bring(tmp_path / "store", pages)
    assert (len(again.captures), again.known) == (3, 3)


async def test_repetitions_get_the_body_that_they_repeat(tmp_path: Path) -> None:
    head = PAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    later = record("revisit", head, "WARC-Payload-Digest: sha1:A").replace(b"15:04:05Z", b"16:04:05Z")
    lost = record("revisit", head, "WARC-Payload-Digest: sha1:B")
    (tmp_path / "x.warc").write_bytes(record("response", PAGE, "WARC-Payload-Digest: sha1:A") + later + lost)
    done = await bring(tmp_path / "store", tmp_path / "x.warc")
    assert [one.body_digest for one in done.captures] == [done.captures[0].body_digest] * 2
    assert done.passed == {"repetitions of what is not there": 1}


async def test_a_wacz_that_others_packed_and_one_that_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "x.wacz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/../../data.warc", record("response", PAGE) + b"WARC/1.0\r\nx")
        archive.writestr("pages/pages.jsonl", "{}")
    done = await bring(tmp_path / "store", file)
    assert len(done.captures) == 1
    assert "record 2" in done.faults[0]
    assert sorted(os.listdir(tmp_path)) == ["store", "x.wacz"]
    data = bytearray(file.read_bytes())
    data[60:70] = bytes(10)
    file.write_bytes(data)
    with pytest.raises(UnreadableError):
        await bring(tmp_path / "store", file)


@pytest.mark.parametrize(
    "data", [b"", b"<html>no warc</html>", b"PK\x03\x04junk", b"\x1f\x8bjunk", record("warcinfo", b"x")]
)
async def test_what_cannot_be_read_is_told_with_a_mend(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(UnreadableError) as told:
        await bring(tmp_path / "store", tmp_path / "x")
    assert str(tmp_path / "x") in str(told.value)
    assert "name a WARC" in told.value.hint


async def test_a_kill_between_keeping_and_reading_is_mended_by_bringing_it_again(tmp_path: Path) -> None:
    (tmp_path / "x.warc").write_bytes(record("response", PAGE))
    async with bringing(tmp_path / "store") as ingest:
        (claim,) = await asyncio.to_thread(lambda: list(ingest._claims(tmp_path / "x.warc", "", Brought())))
        await ingest.store.do(lambda desk: ingest._keep(desk, claim=claim))
        done = await ingest.bring(tmp_path / "x.warc")
        assert (len(done.captures), done.known) == (1, 0)
        assert await ingest.store.unrecorded_visits() == ()
    with Ledger.open(tmp_path / "store") as ledger:
        assert ledger.reading(done.captures[0].id) is not None
