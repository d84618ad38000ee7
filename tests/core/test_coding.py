"""Content coding taken off: whole only when the decoder came to its end, never more than the limit."""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.coding import MOST_LAYERS, MOST_STREAMS, decode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PAGE = b"".join(b"<li class='entry'>Velmora Logistics %d</li>\n" % n for n in range(3000))
LIMIT = 1_000_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "x-gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=2),
    "zstd": zstd.compress,
}


def under(*codings: str) -> list[tuple[str, str]]:
    return [("Content-Type", "text/html"), *(("Content-Encoding", coding) for coding in codings)]


@pytest.mark.parametrize("coding", PACKERS)
def test_each_coding(coding: str) -> None:
    for name in (coding, coding.upper(), f" {coding} "):
        decoded = decode(PACKERS[coding](PAGE), under(name), LIMIT)
        assert (decoded.body, decoded.cut) == (PAGE, "")


def test_deflate_without_its_header() -> None:
    assert decode(raw_deflate(PAGE), under("deflate"), LIMIT).body == PAGE


def test_no_coding() -> None:
    assert decode(PAGE, [], LIMIT).body == PAGE
    assert decode(PAGE, under("identity"), LIMIT).body == PAGE
    assert decode(PAGE, under(""), LIMIT).cut == ""


def test_layers_are_taken_off_the_last_first() -> None:
    payload = brotli.compress(gzip.compress(PAGE))
    assert decode(payload, under("gzip, br"), LIMIT).body == PAGE
    assert decode(payload, under("gzip", "br"), LIMIT).body == PAGE
    assert decode(payload, under("br, gzip"), LIMIT).cut == "gzip-damaged"


def test_a_coded_transfer_comes_off_before_the_content() -> None:
    headers = [("Transfer-Encoding", "gzip, chunked"), ("Content-Encoding", "br")]
    assert decode(gzip.compress(brotli.compress(PAGE)), headers, LIMIT).body == PAGE


@pytest.mark.parametrize("coding", PACKERS)
def test_every_truncation_is_seen(coding: str) -> None:
    """The fault that looks like a withdrawal: no prefix of a coded page is ever taken for whole."""
    payload = PACKERS[coding](PAGE)
    name = coding.removeprefix("x-")
    for length in [*range(1, len(payload), 97), *range(max(1, len(payload) - 40), len(payload))]:
        decoded = decode(payload[:length], under(coding), LIMIT)
        assert decoded.cut == f"{name}-cut", length
        assert PAGE.startswith(decoded.body)


def test_every_truncation_of_bare_deflate_is_seen() -> None:
    payload = raw_deflate(PAGE)
    for length in range(3, len(payload), 31):
        assert decode(payload[:length], under("deflate"), LIMIT).cut == "deflate-cut"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_damage_is_told_and_what_came_before_it_kept(coding: str) -> None:
    noise = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).hexdigest().encode() for n in range(8000))
    payload = bytearray(PACKERS[coding](noise))
    middle = len(payload) // 2
    payload[middle : middle + 64] = bytes(64)
    decoded = decode(bytes(payload), under(coding), LIMIT)
    assert decoded.cut == f"{coding}-damaged"
    assert len(decoded.body) > 65_536
    assert decoded.body[:65_536] == noise[:65_536]


def test_no_coded_bytes_at_all() -> None:
    decoded = decode(b"<html>not packed</html>", under("gzip"), LIMIT)
    assert (decoded.body, decoded.cut) == (b"", "gzip-damaged")
    assert decode(b"", under("gzip"), LIMIT).cut == ""


@pytest.mark.parametrize("coding", PACKERS)
def test_bombs_are_bounded(coding: str) -> None:
    decoded = decode(PACKERS[coding](b"\0" * 50_000_000), under(coding), LIMIT)
    assert decoded.cut == "limit"
    assert len(decoded.body) == LIMIT


def test_a_bomb_in_a_bomb_is_bounded() -> None:
    decoded = decode(gzip.compress(gzip.compress(b"\0" * 50_000_000)), under("gzip, gzip"), LIMIT)
    assert (len(decoded.body), decoded.cut) == (LIMIT, "limit")


@pytest.mark.parametrize("coding", PACKERS)
def test_exactly_the_limit_is_whole(coding: str) -> None:
    assert decode(PACKERS[coding](PAGE), under(coding), len(PAGE)).cut == ""
    assert decode(PACKERS[coding](PAGE), under(coding), len(PAGE) - 1).cut == "limit"
    assert decode(PAGE, [], len(PAGE)).cut == ""
    assert decode(PAGE, [], len(PAGE) - 1).cut == "limit"


def test_several_members_are_one_body() -> None:
    assert decode(gzip.compress(PAGE) + gzip.compress(b"more"), under("gzip"), LIMIT).body == PAGE + b"more"
    assert decode(zstd.compress(PAGE) + zstd.compress(b"more"), under("zstd"), LIMIT).body == PAGE + b"more"
    assert decode(gzip.compress(PAGE) + gzip.compress(b"more")[:-1], under("gzip"), LIMIT).cut == "gzip-cut"
    crowd = gzip.compress(b"x", mtime=0) * (MOST_STREAMS + 1)
    assert decode(crowd, under("gzip"), LIMIT).cut == "limit"


def test_padding_behind_the_end_is_passed_over() -> None:
    assert decode(gzip.compress(PAGE) + b"\0" * 512, under("gzip"), LIMIT).cut == ""
    assert decode(zstd.compress(PAGE) + b"\0" * 512, under("zstd"), LIMIT).body == PAGE


def test_a_zstd_window_beyond_what_a_server_may_ask() -> None:
    packed = zstd.compress(PAGE * 200, options={zstd.CompressionParameter.window_log: 27})
    assert decode(packed, under("zstd"), 100 * LIMIT).cut == "zstd-damaged"


def test_unknown_codings_are_told_and_the_payload_left() -> None:
    decoded = decode(PAGE, under("utf-8"), LIMIT)
    assert (decoded.body, decoded.cut) == (PAGE, "unknown-coding:utf-8")
    assert decode(PAGE, under("x" * 5000), LIMIT).cut == "unknown-coding:" + "x" * 40
    assert decode(gzip.compress(PAGE), under("sdch, gzip"), LIMIT).cut == "unknown-coding:sdch"
    assert decode(PAGE, under(*["gzip"] * (MOST_LAYERS + 1)), LIMIT).cut == "too-many-codings"


@given(st.binary(max_size=300), st.sampled_from(sorted(PACKERS)), st.integers(0, 400))
def test_any_bytes_are_decoded_or_told(payload: bytes, coding: str, limit: int) -> None:
    assert len(decode(payload, under(coding), limit).body) <= limit


@given(st.binary(max_size=3000), st.lists(st.sampled_from(sorted(PACKERS)), max_size=MOST_LAYERS))
def test_whatever_is_packed_comes_back(page: bytes, codings: list[str]) -> None:
    payload = page
    for coding in codings:
        payload = PACKERS[coding](payload)
    decoded = decode(payload, under(", ".join(codings)), LIMIT)
    assert (decoded.body, decoded.cut) == (page, "")
