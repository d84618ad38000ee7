"""JSON and MessagePack of others whose texts are no UTF-8: refused as whatever else makes no sense, by everyone who
reads some. (The decoder has errors of its own for all else that is wrong with them, but not for that.)"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.evidence.story import KEY
from tests.fleet.vantage import key_of
from watcher.core import custody, fleet, pausing, shipping
from watcher.core.shipping import Parcel, Row
from watcher.edge import acts
from watcher.edge.ledger import Ledger
from watcher.edge.pause_files import FOLDER, paused, with_pauses
from watcher.edge.pauses import Heeding
from watcher.edge.read_talk import LENGTH
from watcher.edge.reader import WorkerReader
from watcher.edge.sign import check_signature
from watcher.edge.store import LedgerStore
from watcher.errors import EvidenceError
from watcher.records import Hints, Page

OSLO = key_of("oslo")
PUBLIC = OSLO.verifier.public
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MARK = "0123456789"
"""Stands in what is made, and is written over with bytes that are no text."""


def spoilt(data: bytes) -> bytes:
    assert data.count(MARK.encode()) == 1
    return data.replace(MARK.encode(), b"\xff" * len(MARK))


def word() -> bytes:
    """What a vantage says of itself now and then."""
    body = spoilt(msgspec.msgpack.encode(("oslo", 1, MARK, True)))
    return body + OSLO.sign(fleet.DOMAIN + body)


def envelope() -> bytes:
    body = msgspec.msgpack.encode((MARK, 1, 0, 1, False, b""))
    return spoilt(body) + OSLO.sign(shipping.DOMAIN + spoilt(body))


def parcel() -> bytes:
    made = Parcel(form=1, at=NOW, whole=True, anew=True, rows=(Row(table="site", values=(1, MARK)),))
    plain = tuple((row.table, row.gone, row.values) for row in made.rows)
    return zlib.compress(spoilt(msgspec.msgpack.encode((made.form, made.at, made.whole, made.anew, plain))))


def pause() -> bytes:
    """An operator's, signed as it is."""
    body = spoilt(json.dumps({"by": "oslo", "number": 1, "until": {MARK: "2036-01-01T00:00:00Z"}}).encode())
    return body + b"\n" + base64.b64encode(OSLO.sign(pausing.DOMAIN + body)) + b"\n"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (word, lambda data: fleet.hear(data, "oslo", PUBLIC, check_signature)),
        (envelope, lambda data: shipping.open_sealed(data, "oslo", PUBLIC, check_signature)),
        (parcel, lambda data: shipping.unpack([data])),
        (pause, lambda data: pausing.hear(data, "oslo", PUBLIC, check_signature)),
        (pause, pausing.read),
    ],
)
def test_what_was_signed_and_is_no_text_is_no_evidence(
    said: Callable[[], bytes], read: Callable[[bytes], object]
) -> None:
    with pytest.raises(EvidenceError, match="can't decode byte 0xff"):
        read(said())


def test_a_pause_that_is_no_text_is_taken_away_and_keeps_nobody_from_looking(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    broken = tmp_path / FOLDER / "oslo"
    broken.write_bytes(pause())
    assert paused(tmp_path, NOW) == {}
    assert with_pauses(tmp_path, (), NOW) == ()
    told: list[set[str]] = []
    heeding = Heeding(tmp_path, [OSLO.verifier], lambda sites: told.append(set(sites)))
    with capture_logs() as logs:
        heeding.hear("oslo", pause())
        heeding.look()
    assert [line["event"] for line in logs] == ["pauses", "pauses"]
    assert not broken.exists()
    assert told == []


@pytest.mark.parametrize(
    "found", [b'{"act":"\xff"}', b'{"act":12345678901234567890}', b'{"act":"export', b"[]", b"", b'{"act":1e400}']
)
async def test_an_act_that_has_no_record_is_put_aside_and_the_watcher_starts(tmp_path: Path, found: bytes) -> None:
    good: custody.Record = {"act": "spoken", "at": "2026-11-22T12:00:00Z"}
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        path = acts.leave(tmp_path, good)
        broken = path.with_name("0.json")
        broken.write_bytes(found)
        with capture_logs() as logs:
            await acts.opening(store, KEY, config=b"", vantage="local", now=NOW)
    assert [line["event"] for line in logs] == ["no record of an act"]
    assert broken.with_suffix(".broken").read_bytes() == found
    with Ledger.open(tmp_path) as ledger:
        assert ledger.record_of(ledger.log.size - 1) == good
    assert list(path.parent.glob("*.json")) == []


async def test_a_reader_that_answers_what_is_no_text_is_ended_and_the_page_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = b'{"reading":{"verdict":"\xff"}}'
    fences = b"[]"
    played = tmp_path / "reader"
    played.write_text(
        f"#!{sys.executable} -S\nimport sys, struct\n"
        f"for said in ({fences!r}, {said!r}, b'memory'):\n"
        f"    sys.stdout.buffer.write(struct.pack({LENGTH.format!r}, len(said)) + said)\n"
        "sys.stdout.flush()\nsys.stdin.buffer.read()\n"
    )
    played.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(played))
    reader = WorkerReader(workers=1)
    page = Page(body=b"<p>hello", url="http://velm.onion/", status=200, content_type="text/html")
    try:
        async with asyncio.timeout(60):
            reading, memory = await reader.read(page, b"as it was", (), Hints())
    finally:
        await reader.close()
    assert (reading.verdict, reading.why[0], memory) == ("unreadable", "worker-killed:answer", b"as it was")


def test_a_pause_reaches_beyond_midnight_of_any_zone(tmp_path: Path) -> None:
    """An end is a moment, whatever the offset it is written with: on the night when clocks go back, too."""
    (tmp_path / FOLDER).mkdir()
    body = json.dumps({"by": "oslo", "number": 1, "until": {"alpha": "2026-10-25T02:30:00+02:00"}}).encode()
    (tmp_path / FOLDER / "oslo").write_bytes(body + b"\n" + base64.b64encode(OSLO.sign(pausing.DOMAIN + body)) + b"\n")
    end = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert paused(tmp_path, end - timedelta(seconds=1)).keys() == {"alpha"}
    assert paused(tmp_path, end + timedelta(seconds=1)) == {}
