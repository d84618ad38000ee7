"""WARC files: the bytes that went over the wire, back again, whatever they were; and no broken file is read."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from watcher.core import warc
from watcher.errors import EvidenceError

AT = datetime(2026, 11, 22, 15, 4, 5, 123456, tzinfo=UTC)
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
HOSTILE = {
    "plain": b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello",
    "empty body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "chunked with extensions": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a="b;c"\r\nhi\r\n0;x\r\n\r\n',
    "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nX-Long: a\r\n  b\r\n\tc\r\nContent-Length: 1\r\n\r\nx",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 1\n\nx",
    "duplicates": b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 1\r\n\r\nx",
    "latin-1": b"HTTP/1.1 200 D\xe9j\xe0 vu\r\nX-Name: \xff\xfe\r\nContent-Length: 1\r\n\r\nx",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello", mtime=0),
    "truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf",
    "beyond its length": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxyz",
    "cut head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a WARC in it": b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\nWARC/1.1\r\nWARC-Type: x\r\n\r\n\r\n\r\n",
    "a gzip member in it": b"HTTP/1.1 200 OK\r\n\r\n" + warc.GZIP_HEAD * 3,
    "every byte": b"HTTP/1.1 200 OK\r\n\r\n" + bytes(range(256)) * 300,
}


def retrieval(name: str, response: bytes, **more: object) -> warc.Retrieval:
    known: dict[str, object] = {"status": 200, "facts": b'{"a":1}'} | more
    return warc.Retrieval(
        id=name, url="http://a.example/x y?b=2&a=1", at=AT, request=REQUEST, response=response, **known
    )


def archive() -> warc.Archive:
    items = [retrieval(name, response) for name, response in HOSTILE.items()]
    return warc.write({"software": "watcher", "format": "WARC File Format 1.1"}, items, filename="data.warc.gz", at=AT)


def test_what_went_over_the_wire_comes_back_byte_for_byte() -> None:
    records = list(warc.read(archive().data))
    assert [record.kind for record in records] == ["warcinfo"] + ["response", "request", "metadata"] * len(HOSTILE)
    assert [record.block for record in records if record.kind == "response"] == list(HOSTILE.values())
    assert {record.block for record in records if record.kind == "request"} == {REQUEST}


def test_the_same_input_gives_the_same_bytes_and_every_record_its_own_name() -> None:
    assert archive().data == archive().data
    names = [record.headers["warc-record-id"] for record in warc.read(archive().data)]
    assert len(set(names)) == len(names)


def test_each_member_is_gzip_of_its_own() -> None:
    data = archive().data
    for record in warc.read(data):
        assert gzip.decompress(data[record.offset : record.offset + record.length]).endswith(record.block + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("name", "digest_of"),
    [
        ("plain", b"hello"),
        ("empty body", b""),
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("duplicates", b"x"),
        ("truncated", b"half"),
        ("chunked with extensions", None),
        ("trailers", None),
        ("folded", None),
        ("bare LF", None),
        ("interim", None),
        ("beyond its length", None),
        ("cut head", None),
        ("no HTTP", None),
    ],
)
def test_a_payload_digest_stands_only_where_all_agree_on_the_payload(name: str, digest_of: bytes | None) -> None:
    expected = None if digest_of is None else f"sha256:{sha256(digest_of).hexdigest()}"
    assert warc.payload_digest(HOSTILE[name]) == expected


def test_records_refer_to_each_other() -> None:
    info, response, request, metadata = list(
        warc.read(warc.write({"a": "b"}, [retrieval("é/1", HOSTILE["plain"])], filename="d", at=AT).data)
    )
    assert response.headers["warc-target-uri"] == request.headers["warc-target-uri"] == "http://a.example/x%20y?b=2&a=1"
    assert request.headers["warc-concurrent-to"] == response.headers["warc-record-id"]
    assert metadata.headers["warc-refers-to"] == response.headers["warc-record-id"]
    assert metadata.headers["warc-target-uri"] == "urn:watcher:capture:%C3%A9%2F1"
    assert response.headers["warc-warcinfo-id"] == info.headers["warc-record-id"]
    assert response.headers["warc-date"] == "2026-11-22T15:04:05.123456Z"


@pytest.mark.parametrize(
    ("cut", "word"), [("limit", "length"), ("deadline", "time"), ("chunked", "disconnect"), ("?", "unspecified")]
)
def test_a_cut_transfer_says_so(cut: str, word: str) -> None:
    item = retrieval("a", HOSTILE["truncated"], cut=cut)
    _, response, *_ = warc.read(warc.write({}, [item], filename="d", at=AT).data)
    assert response.headers["warc-truncated"] == word


def test_a_miss_leaves_a_request_and_a_note() -> None:
    made = warc.write({}, [retrieval("a", b"", status=None)], filename="d", at=AT)
    assert [record.kind for record in warc.read(made.data)] == ["warcinfo", "request", "metadata"]
    assert made.places == ()


def test_a_url_cannot_break_out_of_its_header() -> None:
    item = warc.Retrieval(
        id="a", url="http://a.example/\r\nX: y\x00é", at=AT, request=REQUEST, response=b"x", status=None
    )
    _, response, *_ = warc.read(warc.write({}, [item], filename="d", at=AT).data)
    assert response.headers["warc-target-uri"] == "http://a.example/%0D%0AX:%20y%00%C3%A9"
    assert "x" not in response.headers


def test_the_index_points_at_the_responses() -> None:
    made = archive()
    lines = warc.cdxj(made.places, "data.warc.gz").decode().splitlines()
    assert lines == sorted(lines)
    assert len(lines) == len(HOSTILE)
    by_offset = {record.offset: record for record in warc.read(made.data)}
    for line in lines:
        key, moment, fields = line.split(" ", 2)
        found = json.loads(fields)
        assert (key, moment) == ("example,a)/x%20y?a=1&b=2", "20261122150405")
        assert by_offset[int(found["offset"])].kind == "response"
        assert by_offset[int(found["offset"])].length == int(found["length"])
    assert {json.loads(line.split(" ", 2)[2])["mime"] for line in lines} == {"text/html", "unk"}


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://abc.onion/", "onion,abc)/"),
        ("http://abc.onion", "onion,abc)/"),
        ("https://www.Example.com:443/A/?B=2&a=1", "com,example)/a?a=1&b=2"),
        ("http://www2.example.com:8080/a/", "com,example:8080)/a"),
        ("http://a.example/?", "example,a)/"),
        ("http://a.example/x?q", "example,a)/x?q"),
    ],
)
def test_addresses_are_turned_round(url: str, key: str) -> None:
    assert warc.surt(url) == key


def member(text: bytes) -> bytes:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(text) + deflate.flush()
    return warc.GZIP_HEAD + body + zlib.crc32(text).to_bytes(4, "little") + len(text).to_bytes(4, "little")


GOOD = gzip.decompress(warc.write({"a": "b"}, [], filename="d", at=AT).data)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (member(GOOD)[:-1], "cut"),
        (member(GOOD) + b"\0", "gzip member"),
        (gzip.compress(GOOD, mtime=1), "gzip member"),
        (member(GOOD)[:-5] + b"\0" + member(GOOD)[-4:], "unpacked"),
        (member(GOOD.replace(b"WARC/1.1", b"WARC/1.0")), "header"),
        (member(b"WARC/1.1\r\nnothing"), "header"),
        (member(GOOD.replace(b"a: b", b"a: c")), "digest"),
        (member(GOOD.replace(b"Content-Length: 6", b"Content-Length: 5")), "as long"),
        (member(GOOD + b"\r\n"), "as long"),
        (member(GOOD.replace(b"WARC-Filename", b"WARC-Date")), "twice"),
        (member(GOOD.replace(b"WARC-Filename: d", b"WARC-Filename d")), "broken"),
        (member(GOOD.replace(b"WARC-Filename: d", b"WARC-Filename: \xff")), "no text"),
        (member(GOOD.replace(b"WARC-Record-ID", b"X-Record-ID")), "lacks warc-record-id"),
    ],
)
def test_a_broken_file_is_named(data: bytes, fault: str) -> None:
    with pytest.raises(EvidenceError, match=fault):
        list(warc.read(data))


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc, "MAX_RECORD_BYTES", 1_000_000)
    with pytest.raises(EvidenceError, match="longer than 1000000"):
        list(warc.read(member(bytes(10_000_000))))


def test_a_bit_flipped_anywhere_is_seen_or_means_nothing() -> None:
    """Deflate leaves up to seven bits of a member's last byte unused; every other bit counts."""
    data = warc.write({"a": "b"}, [retrieval("a", HOSTILE["trailers"])], filename="d", at=AT).data
    true = list(warc.read(data))
    accepted = []
    for place in range(len(data)):
        broken = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        try:
            accepted.append(list(warc.read(broken)))
        except EvidenceError:
            continue
    assert all(records == true for records in accepted)
    assert len(accepted) <= len(true)


def test_a_file_cut_anywhere_gives_its_whole_records_and_says_that_it_is_cut() -> None:
    data = warc.write({"a": "b"}, [retrieval("a", HOSTILE["trailers"])], filename="d", at=AT).data
    true = list(warc.read(data))
    ends = [record.offset + record.length for record in true]
    for size in range(len(data)):
        found, is_cut = list[warc.Record](), False
        try:
            for record in warc.read(data[:size]):
                found.append(record)
        except EvidenceError:
            is_cut = True
        assert found == true[: sum(end <= size for end in ends)]
        assert is_cut == (size not in {0, *ends})
