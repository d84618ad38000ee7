"""WARC files of others: read record by record, whatever they hold; damage is told with its place."""

from __future__ import annotations

import gzip
import io
import random
from collections import Counter
from datetime import UTC, datetime

import pytest

from watcher.core import brought, warc, warc_reading
from watcher.core.brought import Claim, claims, stamp
from watcher.core.warc_reading import CHUNK, Found, WarcFile
from watcher.errors import UnreadableError

AT = datetime(2026, 11, 22, 15, 4, 5, 123456, tzinfo=UTC)
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<p>Velmora</p>"
URL = "http://leak.example/list"


def record(kind: str, block: bytes, *more: str, url: str = URL, name: str = "urn:uuid:1") -> bytes:
    head = [
        "WARC/1.0", f"WARC-Type: {kind}", f"WARC-Record-ID: <{name}>", "WARC-Date: 2026-11-22T15:04:05Z",
        f"WARC-Target-URI: {url}", *more, f"Content-Length: {len(block)}", "", "",
    ]  # fmt: skip
    return "\r\n".join(head).encode() + block + b"\r\n\r\n"


def read(data: bytes) -> tuple[list[Found], str]:
    file = WarcFile(io.BytesIO(data).read)
    return list(file), file.fault


def told(*records: bytes, max_body: int = 1 << 20) -> tuple[list[Claim], dict[str, int]]:
    passed = Counter[str]()
    found = list(claims(WarcFile(io.BytesIO(b"".join(records)).read), "x.warc", max_body, passed))
    return found, dict(passed)


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, lambda data: gzip.compress(data) + b"\0\0"])
def test_plain_and_packed(pack) -> None:  # type: ignore[no-untyped-def]
    whole = pack(record("response", PAGE)) + pack(record("request", b"GET / HTTP/1.1\r\n\r\n", "X: a", " folded"))
    found, fault = read(whole)
    assert [one.kind for one in found] == ["response", "request"]
    assert (found[0].block, found[0].url, found[0].id) == (PAGE, URL, "urn:uuid:1")
    assert found[0].at == AT.replace(microsecond=0)
    assert found[1].headers["x"] == "a folded"
    assert fault == ""


def test_a_packed_record_of_many_chunks_is_read_whole() -> None:
    """A chunk of it fits into so few bytes that more than one stands in what was read at once."""
    block = PAGE + b" " * (5 * CHUNK)
    ((found,), fault) = read(gzip.compress(record("response", block)))
    assert (found.block, fault) == (block, "")


def test_our_own_files_are_read_back() -> None:
    item = warc.Retrieval(id="c1", url=URL, at=AT, request=b"GET /list HTTP/1.1\r\n\r\n", response=PAGE, status=200)
    data = warc.write({"software": "watcher"}, [item], filename="d.warc.gz", at=AT).data
    ((claim,), passed) = told(data)
    assert claim.exchange.response == PAGE
    assert claim.exchange.request == item.request
    assert (claim.exchange.requested_at, claim.exchange.status, claim.exchange.cut) == (AT, 200, "")
    assert passed == {}


def test_requests_stand_before_or_behind_their_responses() -> None:
    ask = [record("request", b"%d" % n, f"WARC-Concurrent-To: <urn:{n}>") for n in (1, 2)]
    pages = [record("response", PAGE, name=f"urn:{n}") for n in (1, 2)]
    for order in ([*ask, *pages], [ask[0], pages[0], pages[1], ask[1]], [pages[0], ask[0], ask[1], pages[1]]):
        found, _ = told(*order)
        assert [claim.exchange.request for claim in found] == [b"1", b"2"]


def test_resources_and_repetitions() -> None:
    resource = record("resource", b"<p>Velmora</p>", "Content-Type: text/html; charset=utf-8")
    revisit = record("revisit", b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", "WARC-Payload-Digest: sha1:ABC")
    first, second = told(resource, revisit)[0]
    assert first.exchange.response.endswith(b"\r\n\r\n<p>Velmora</p>")
    assert second.repeats == "sha1:ABC"
    whole = brought.with_body(second, b"body").exchange
    assert whole.response == b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nbody"
    assert whole.cut == ""


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (record("response", PAGE.replace(b"text/html", b"image/png")), "no pages"),
        (record("response", PAGE.replace(b"<p>Velmora</p>", b"PK\x03\x04aaaaaaaaaa")), "never kept"),
        (record("response", PAGE, url="http://leak.example/data.zip"), "never kept"),
        (record("response", PAGE.replace(b"200 OK", b"302 Found")), "redirects"),
        (record("response", b"nothing of http"), "no whole HTTP answer"),
        (record("response", PAGE, url="ftp://leak.example/"), "not of the web"),
        (record("response", PAGE, url="http://[x/"), "not of the web"),
        (record("response", PAGE, url="http://a b/"), "not of the web"),
        (record("response", PAGE).replace(b"WARC-Date: 2026", b"WARC-Date: yest"), "without a date"),
        (record("response", PAGE).replace(b"-22T15:04", b"-42T15:04"), "without a date"),
        (record("response", PAGE.replace(b"14", b"2014") + b"x" * 2000), "too large"),
    ],
)
def test_what_is_no_page_is_passed_over(made: bytes, why: str) -> None:
    found, passed = told(made, max_body=1000)
    assert found == []
    ((told_why, count),) = passed.items()
    assert why in told_why
    assert count == 1


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", ""),
        (b"<html>", "does not begin with WARC"),
        (b"\x1f\x8b\x08\x00garbage", "compress"),
        (gzip.compress(bytes(10_000_000)), "does not begin with WARC"),
        (b"WARC/1.0\r\nContent-Length: -1\r\n\r\n", "how long"),
        (b"WARC/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n", "how long"),
        (b"WARC/1.0\r\n" + b"a: b\r\n" * 20_000, "does not end"),
        (b"WARC/1.0\r\n" + b"a" * 100_000, "does not end"),
        (b"WARC/1.0\r\nno colon\r\n\r\n", "without a colon"),
        (b"WARC/1.0\r\nContent-Length: 5\r\n\r\nabc", "ends within record 1"),
        (b"WARC/1.0\r\nContent-Length: 999999999\r\n\r\nabc", "ends within record 1"),
    ],
)
def test_what_is_no_warc_file(data: bytes, fault: str) -> None:
    if not fault:
        assert read(data) == ([], "")
        return
    with pytest.raises(UnreadableError, match=fault):
        read(data)


def test_damage_further_on_keeps_what_came_before() -> None:
    whole = record("response", PAGE)
    for broken in (b"WARC/1.0\r\nx", b"junk", whole[:-30]):
        found, fault = read(whole + broken)
        assert len(found) == 1
        assert "record 2" in fault
    packed = gzip.compress(whole)
    found, fault = read(packed + packed[:-10])
    assert len(found) in {1, 2}
    assert fault


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_a_file_cut_anywhere_gives_its_whole_records_and_says_so(pack) -> None:  # type: ignore[no-untyped-def]
    parts = [pack(record("response", PAGE)), pack(record("request", b"GET", "X: a"))]
    true, _ = read(b"".join(parts))
    first, last = len(parts[0]), len(b"".join(parts))
    closed = [end - left for end in (first, last) for left in ((0, 2, 4) if parts[0][:4] == b"WARC" else (0,))]
    for size in range(1, last):
        try:
            found, fault = read(b"".join(parts)[:size])
            assert bool(fault) == (size not in closed), "but for line ends that close a record, none may be missing"
        except UnreadableError:
            assert size < first
            continue
        assert found == true[: len(found)]
        assert fault or len(found) == (1 if size <= first else 2)


def test_no_mutation_does_more_than_be_told() -> None:
    data = record("response", PAGE) + record("request", b"GET") + record("revisit", b"", "WARC-Payload-Digest: a")
    chance = random.Random(5)
    for whole in (data, gzip.compress(data)):
        for _ in range(400):
            changed = bytearray(whole)
            for _ in range(chance.randrange(1, 4)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            try:
                told(bytes(changed[: chance.randrange(1, len(changed) + 1)]))
            except UnreadableError:
                continue


def test_a_record_beyond_all_measure_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc_reading, "LONGEST_BLOCK", 100)
    found, passed = told(record("response", PAGE + b"x" * 200_000), record("response", PAGE))
    assert len(found) == 1
    assert passed == {"too large for a page": 1}
    monkeypatch.setattr(warc_reading, "MOST_PASSED", 1000)
    with pytest.raises(UnreadableError, match="GiB"):
        read(gzip.compress(record("response", bytes(50_000))))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20261122150405.html", "2026-11-22T15:04:05"),
        ("clop_2026-11-22T15-04-05Z.html", "2026-11-22T15:04:05"),
        ("2026-11-22 15.04 listing.htm", "2026-11-22T15:04:00"),
        ("page-2026_11_22.json", "2026-11-22T00:00:00"),
        ("20261122.html", "2026-11-22T00:00:00"),
        ("2026-13-45.html", None),
        ("99999999999999.html", None),
        ("index.html", None),
    ],
)
def test_the_time_that_a_name_tells(name: str, expected: str | None) -> None:
    found = stamp(name)
    assert (found and found.replace(tzinfo=None).isoformat()) == expected


# ------------------------------------------------------------------------------------------- what stands in no archive


def test_of_very_many_requests_without_a_response_the_oldest_are_forgotten() -> None:
    asked = [record("request", b"%d" % n, f"WARC-Concurrent-To: <urn:{n}>") for n in range(1001)]
    first, last = told(*asked, *(record("response", PAGE, name=f"urn:{n}") for n in (0, 1000)))[0]
    assert (first.exchange.request, last.exchange.request) == (b"", b"1000")


@pytest.mark.parametrize(("said", "cut"), [("length", "length"), ("", "unspecified"), ("x" * 99, "x" * 20)])
def test_a_record_that_calls_itself_cut_is_cut(said: str, cut: str) -> None:
    ((claim,), _) = told(record("response", PAGE, f"WARC-Truncated: {said}"))
    assert claim.exchange.cut == cut


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("a.html", "<p>Körvane</p>".encode(), "text/html; charset=utf-8"),
        ("a.html", "<p>Körvane</p>".encode("latin-1"), "text/html"),
        ("a.html", b"<meta charset=utf-8><p>Velmora</p>", "text/html"),
        ("a.JSON", b"null", "application/json"),
        ("a", b" \n[1]", "application/json"),
        ("a.rss", b"<rss/>", "application/xml"),
        ("a", b"<?xml version='1.0'?><feed/>", "application/xml"),
    ],
)
def test_a_saved_page_is_called_what_it_is(path: str, body: bytes, kind: str) -> None:
    made = brought.page(path, body, URL, AT, "x")
    head, _, payload = made.response.partition(b"\r\n\r\n")
    assert f"Content-Type: {kind}\r\n".encode() in head + b"\r\n"
    assert (payload, made.mirror) == (body, "http://leak.example/")
