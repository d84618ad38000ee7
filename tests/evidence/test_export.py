"""Exports from a real store: they verify, they are the same again, they hold what went over the wire."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evidence.keeping import EVERYONE, Keeping, kinds, open_keeping, play_withdrawal
from tests.evidence.story import HEAD, KEY, ONION, OTHERS, SUBJECT, chunked, page, plain
from watcher.core import bundle, wacz, warc
from watcher.edge.export import export
from watcher.edge.gather import Provenance, Selection, gather
from watcher.edge.ledger import Ledger
from watcher.edge.verify import verify, verify_bundle
from watcher.errors import EvidenceError, StoreError, StoreFull, UsageError
from watcher.records import Event


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "store"
    assert kinds(asyncio.run(play_withdrawal(folder))) == ["listed", "withdrawn"]
    return folder


@pytest.fixture
def ledger(store: Path) -> Iterator[Ledger]:
    with Ledger.open(store) as opened:
        yield opened


def event(ledger: Ledger, kind: str) -> Event:
    return next(event for event in ledger.events() if event.kind == kind)


def exported(ledger: Ledger, selection: Selection, out: Path, **more: object) -> dict[str, bytes]:
    said = {name: more.pop(name) for name in ("tsa_roots", "hidden") if name in more}
    about = Provenance(operator="Example CERT", vantage="local", **said)  # type: ignore[arg-type]
    made = {"key": KEY, "draw": False} | more
    export(ledger, selection, out, about=about, **made)  # type: ignore[arg-type]
    return wacz.unpack(out.read_bytes())


@pytest.mark.parametrize("kind", ["listed", "withdrawn"])
def test_an_event_is_exported_with_all_that_shows_it(kind: str, ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "e.wacz"
    files = exported(ledger, Selection(events=(event(ledger, kind).id,)), out)
    assert all(result.ok for result in verify_bundle(out.read_bytes(), keys=[KEY.vkey]))
    alone = subprocess.run(
        [sys.executable, "-I", "-c", files[bundle.VERIFIER].decode(), str(out), "--key", KEY.vkey],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout.endswith("\nVALID\n")
    assert list(tmp_path.iterdir()) == [out], "nothing else is left behind"


def test_what_the_clock_put_behind_the_conclusion_is_exported_with_it(tmp_path: Path) -> None:
    """The clock was set back three hours between the last capture that shows the entry and the first that lacks it."""

    looks: list[str] = []

    async def play() -> None:
        keeping = await open_keeping(tmp_path / "store")
        async with keeping.store:
            keeping.show(EVERYONE)
            for minutes in (15, 15, 15, -180, *[12] * 8):
                keeping.show(OTHERS if minutes < 15 else EVERYONE)
                looks.append((await keeping.look(minutes=minutes)).snapshot.visit)

    asyncio.run(play())
    with Ledger.open(tmp_path / "store") as ledger:
        told = event(ledger, "withdrawn")
        shows, lacks = ledger.capture(told.before or ""), ledger.capture(told.after or "")
        assert shows is not None
        assert lacks is not None
        assert shows.requested_at > told.confirmed_at > lacks.requested_at, "or the test shows nothing"
        assert [shows.visit, lacks.visit] == looks[2:4], "the visits that followed each other, whatever their times"
        about = Provenance(operator="Example CERT", vantage="local", software="watcher")
        material = gather(ledger, Selection(events=(told.id,)), KEY, about)
        assert {shows.id, lacks.id} <= {kept.capture.id for kept in material.kept if kept.bytes_included}
        assert {seen.snapshot.visit for seen in material.snapshots if seen.whole} == set(looks[2:6])
        exported(ledger, Selection(events=(told.id,)), tmp_path / "e.wacz")
    assert all(result.ok for result in verify_bundle((tmp_path / "e.wacz").read_bytes(), keys=[KEY.vkey]))


def test_a_page_that_was_not_read_is_evidence_like_any_other(tmp_path: Path) -> None:
    """What the site showed last before it took the entry off differed in its counter alone from what was read."""

    def play(titles: tuple[str, ...], load: int) -> bytes:
        return plain(page(titles).replace(b"end</footer>", b"%d visitors</footer>" % (4711 + load)))

    async def visits() -> list[bool]:
        keeping = await open_keeping(tmp_path / "store")
        unread = []
        async with keeping.store:
            for load in range(15):
                titles = EVERYONE if load < 8 else OTHERS
                keeping.show(titles, wire=play(titles, load))
                unread.append((await keeping.look(minutes=12)).same is not None)
        return unread

    assert asyncio.run(visits())[7], "or the test shows nothing"
    with Ledger.open(tmp_path / "store") as ledger:
        told = event(ledger, "withdrawn")
        reading = ledger.reading(told.before or "")
        assert reading is not None
        assert reading.why[0].startswith("read-as:")
        files = exported(ledger, Selection(events=(told.id,)), tmp_path / "e.wacz")
    blocks = [record.block for record in warc.read(files[wacz.DATA]) if record.kind == "response"]
    assert play(EVERYONE, 7) in blocks
    assert all(result.ok for result in verify_bundle((tmp_path / "e.wacz").read_bytes(), keys=[KEY.vkey]))
    alone = subprocess.run(
        [sys.executable, "-I", "-c", files[bundle.VERIFIER].decode(), str(tmp_path / "e.wacz"), "--key", KEY.vkey],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (alone.returncode, alone.stderr) == (0, "")


def test_the_same_selection_gives_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    selection = Selection(events=(event(ledger, "withdrawn").id,))
    exported(ledger, selection, tmp_path / "one.wacz")
    exported(ledger, selection, tmp_path / "two.wacz")
    assert (tmp_path / "one.wacz").read_bytes() == (tmp_path / "two.wacz").read_bytes()


def test_the_archive_holds_what_went_over_the_wire(ledger: Ledger, tmp_path: Path) -> None:
    found = event(ledger, "withdrawn")
    files = exported(ledger, Selection(events=(found.id,)), tmp_path / "e.wacz")
    blocks = [record.block for record in warc.read(files[wacz.DATA]) if record.kind == "response"]
    assert chunked(page(EVERYONE)) in blocks
    assert plain(page(OTHERS)) in blocks


def test_the_visits_between_are_accounted_for(ledger: Ledger, tmp_path: Path) -> None:
    files = exported(ledger, Selection(events=(event(ledger, "withdrawn").id,)), tmp_path / "e.wacz")
    shown = json.loads(files[bundle.CAPTURES])["captures"]
    assert [c["facts"]["value"]["verdict"] for c in shown if c["facts"]["value"]["status"] is None] == ["unreachable"]
    proofs = json.loads(files[bundle.ABSENCE])["proofs"]
    assert [proof["present"] for proof in proofs] == [True, False, False, False, False]


def test_captures_and_sites_are_exported_too(ledger: Ledger, tmp_path: Path) -> None:
    some = [capture.id for capture in ledger.captures()]
    files = exported(ledger, Selection(captures=(some[0], some[5])), tmp_path / "c.wacz")
    assert len(json.loads(files[bundle.CAPTURES])["captures"]) == 2
    files = exported(ledger, Selection(site="gang"), tmp_path / "s.wacz")
    assert len(json.loads(files[bundle.CAPTURES])["captures"]) == len(some)
    assert len(json.loads(files[bundle.EVENTS])["events"]) == 2


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(events=("nope",)), "no event nope"),
        (Selection(events=("e",)), "may be"),
        (Selection(captures=("c1234",)), "no capture c1234"),
        (Selection(site="elsewhere"), "no site elsewhere"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_written(
    selection: Selection, said: str, ledger: Ledger, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        exported(ledger, selection, tmp_path / "x.wacz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [("velmora logistics",), ("Velmora Logistics", "GANG")])
def test_hidden_names_are_nowhere_and_the_proofs_hold(names: tuple[str, ...], ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "r.wacz"
    files = exported(ledger, Selection(events=(event(ledger, "withdrawn").id,)), out, hidden=names)
    assert all(result.ok for result in verify_bundle(out.read_bytes(), keys=[KEY.vkey]))
    for path, content in files.items():
        plain_text = b"".join(record.block for record in warc.read(content)) if path == wacz.DATA else content
        assert b"elmora" not in plain_text, path
        assert len(names) == 1 or path == bundle.VERIFIER or b"gang" not in plain_text, path
    assert b"Istrin Ferries" in files[bundle.REPORT]
    assert json.loads(files[bundle.REDACTIONS])["redactions"][0]["places"] > 0


# ------------------------------------------------------------------------------------------- what a server may send

HOSTILE = {
    "chunked with extensions": HEAD + b'Transfer-Encoding: chunked\r\n\r\n4;a="b;c"\r\n<li>\r\n0;x=y\r\n\r\n',
    "trailers": HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\n<li>\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
    "folded": HEAD + b"X-Long: a\r\n  b\r\n\tc\r\nContent-Length: 4\r\n\r\n<li>",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 4\n\n<li>",
    "duplicate headers": HEAD + b"Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 4\r\n\r\n<li>",
    "latin-1": b"HTTP/1.1 200 D\xe9j\xe0\r\nX-Name: \xff\r\nContent-Length: 4\r\n\r\n<li>",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HEAD + b"Content-Length: 4\r\n\r\n<li>",
    "gzip": HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"<li>", mtime=0),
    "truncated": HEAD + b"Content-Length: 400\r\n\r\n<li>",
    "truncated chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n400\r\n<li>",
    "broken chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\n<li>zz4\r\n<li>\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n<li>",
    "length and chunks": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<li>\r\n0\r\n\r\n",
    "no length": HEAD + b"\r\n<li>",
    "too much": HEAD + b"Content-Length: 4\r\n\r\n<li>HTTP/1.1 200 OK\r\n\r\n",
    "a surprising length": HEAD + b"Content-Length: +4\r\n\r\n<li>",
    "folded length": HEAD + b"Content-Length:\r\n 4\r\n\r\n<li>tail",
    "empty": HEAD + b"Content-Length: 0\r\n\r\n",
    "nothing to show": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n",
}


async def _keep_hostile(folder: Path) -> None:
    keeping: Keeping = await open_keeping(folder)
    async with keeping.store:
        for response in HOSTILE.values():
            keeping.answers = {ONION: response}
            await keeping.look()


def test_whatever_a_server_sends_is_exported_byte_for_byte_and_verifies(tmp_path: Path) -> None:
    asyncio.run(_keep_hostile(tmp_path / "store"))
    with Ledger.open(tmp_path / "store") as ledger:
        names = tuple(capture.id for capture in ledger.captures())
        files = exported(ledger, Selection(captures=names), tmp_path / "h.wacz")
    assert [r.block for r in warc.read(files[wacz.DATA]) if r.kind == "response"] == list(HOSTILE.values())
    assert [result for result in verify(tmp_path / "h.wacz", keys=[KEY.vkey]) if not result.ok] == []
    assert [result for result in verify(tmp_path / "store", keys=[KEY.vkey]) if not result.ok] == []
    from tests.evidence.test_forgery import ALONE

    data = (tmp_path / "h.wacz").read_bytes()
    assert [name for name, ok, detail in ALONE.check_all(data, [], None) if not ok] == []


def test_the_zip_file_opens_anywhere(ledger: Ledger, tmp_path: Path) -> None:
    exported(ledger, Selection(events=(event(ledger, "listed").id,)), tmp_path / "z.wacz")
    with zipfile.ZipFile(tmp_path / "z.wacz") as archive:
        assert archive.testzip() is None
        assert SUBJECT.encode() in archive.read(bundle.REPORT)


def test_what_does_not_verify_is_not_written(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is whole; a fault of the program's own must not reach anybody either."""
    from watcher.edge import export as module

    true = module.make
    monkeypatch.setattr(module, "make", lambda material, key: true(material, key)[:-1])
    with pytest.raises(EvidenceError, match="does not verify, and was not written: zip"):
        exported(ledger, Selection(events=(event(ledger, "listed").id,)), tmp_path / "x.wacz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trouble", ["full", "gone"])
def test_a_disk_that_takes_no_more_leaves_what_was_there(trouble: str, ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "folder" / "x.wacz"
    selection = Selection(events=(event(ledger, "listed").id,))
    if trouble == "full":
        out.parent.mkdir()
        exported(ledger, selection, out)
        before = out.read_bytes()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        with limited_files(1000), pytest.raises(StoreFull):
            exported(ledger, selection, out)
        assert resource.getrlimit(resource.RLIMIT_FSIZE) == (soft, hard)
        assert [path.name for path in out.parent.iterdir()] == ["x.wacz"]
        assert out.read_bytes() == before
    else:
        with pytest.raises(StoreError):
            exported(ledger, selection, out)


@contextlib.contextmanager
def limited_files(size: int) -> Iterator[None]:
    """No file may grow beyond this: what a full disk looks like."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
