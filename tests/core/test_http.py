"""Responses taken apart and put together again: every framing a hostile server may send."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watcher.core import framing
from watcher.core.http import (
    MOST_CHUNKS,
    Wire,
    head_length,
    header,
    is_interim,
    parse_head,
    rebuild,
    rebuilds,
    split,
    values,
)

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def again(wire: Wire) -> bytes:
    """What was received, from its parts; of nothing else it is said that they make it."""
    parts = wire.head, wire.payload, wire.framing
    response = rebuild(*parts)
    assert rebuilds(*parts, response)
    others = [response + b"x", response[1:], response[:-1], b"y" + response[1:], response[:-1] + b"\0"]
    assert not any(rebuilds(*parts, other) for other in others if other != response)
    return response


# what is received · status · payload · why it is cut · whether only the close told its end
FRAMINGS: dict[str, tuple[bytes, int | None, bytes, str, bool]] = {
    "plain": (OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", "", False),
    "no length": (OK + b"\r\nhello", 200, b"hello", "", True),
    "empty": (OK + b"Content-Length: 0\r\n\r\n", 200, b"", "", False),
    "short": (OK + b"Content-Length: 9\r\n\r\nhello", 200, b"hello", "length", False),
    "garbage after the end": (OK + b"Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n", 200, b"hello", "", False),
    "same length twice": (OK + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello", 200, b"hello", "", False),
    "same length in a list": (OK + b"Content-Length: 5, 5\r\n\r\nhello", 200, b"hello", "", False),
    "two lengths": (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 200, b"hello!", "bad-http", False),
    "length of letters": (OK + b"Content-Length: five\r\n\r\nhello", 200, b"hello", "bad-http", False),
    "signed length": (OK + b"Content-Length: +5\r\n\r\nhello", 200, b"hello", "bad-http", False),
    "length beyond measure": (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx", 200, b"x", "bad-http", False),
    "length in other digits": (OK + "Content-Length: ٥\r\n\r\nhello".encode(), 200, b"hello", "bad-http", False),
    "chunked": (CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", 200, b"hello world", "", False),
    "chunks with extensions": (CHUNKED + b'5;a=b;c="d"\r\nhello\r\n0;z\r\n\r\n', 200, b"hello", "", False),
    "chunks in upper case, with zeros": (CHUNKED + b"00A\r\nhelloworld\r\n000\r\n\r\n", 200, b"helloworld", "", False),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", 200, b"hello", "", False),
    "chunks with bare LF": (CHUNKED + b"5\nhello\n0\n\n", 200, b"hello", "", False),
    "chunks, then garbage": (CHUNKED + b"5\r\nhello\r\n0\r\n\r\nmore", 200, b"hello", "", False),
    "chunk too short": (CHUNKED + b"5\r\nhel", 200, b"hel", "chunked", False),
    "chunk without its line end": (CHUNKED + b"5\r\nhelloworld", 200, b"hello", "chunked", False),
    "chunks without the last": (CHUNKED + b"5\r\nhello\r\n", 200, b"hello", "chunked", False),
    "last chunk without its blank line": (CHUNKED + b"5\r\nhello\r\n0\r\n", 200, b"hello", "chunked", False),
    "trailers without end": (CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n", 200, b"hello", "chunked", False),
    "chunk size of letters": (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", 200, b"", "chunked", False),
    "chunk size beyond measure": (CHUNKED + b"f" * 40 + b"\r\nhello", 200, b"", "chunked", False),
    "negative chunk": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", 200, b"", "chunked", False),
    "length and chunks": (
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        200, b"hello", "bad-http", False,
    ),
    "coded transfer": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n", 200, b"xy", "", False),
    "chunked, but not last": (OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n5\r\n", 200, b"5\r\n", "", True),
    "interim responses": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx",
        200, b"x", "", False,
    ),
    "interim only": (b"HTTP/1.1 100 Continue\r\n\r\n", None, b"", "head", False),
    "switching protocols": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x00\x01", 101, b"", "", False),
    "no content": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, b"", "", False),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", "", False),
    "bare LF": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, b"hello", "", False),
    "mixed line ends": (b"HTTP/1.1 200 OK\nA: b\r\nContent-Length: 5\n\r\nhello", 200, b"hello", "", False),
    "blank lines first": (b"\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", "", False),
    "folded length": (OK + b"Content-Length:\r\n  5\r\n\r\nhello", 200, b"hello", "", False),
    "space before the colon": (OK + b"Content-Length : 5\r\n\r\nhello", 200, b"hello", "", False),
    "line without a colon": (OK + b"what\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", "", False),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 200, b"x", "", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nx", 200, b"x", "", True),
    "NUL in a header": (OK + b"A: \x00\r\nContent-Length: 1\r\n\r\nx", 200, b"x", "", False),
    "head cut": (OK + b"Content-Len", None, b"", "head", False),
    "status line cut": (b"HTTP/1.1 20", None, b"", "head", False),
    "two letters": (b"HT", None, b"", "head", False),
    "nothing": (b"", None, b"", "head", False),
    "no HTTP": (b"<html>hello</html>", None, b"", "bad-http", False),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", None, b"", "bad-http", False),
    "HTTP, but no status": (b"HTTP/1.1 OK\r\n\r\nhello", None, b"", "bad-http", False),
    "status nought": (b"HTTP/1.1 000 OK\r\n\r\nhello", None, b"", "bad-http", False),
    "status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\nhello", None, b"", "bad-http", False),
    "bad head after an interim one": (b"HTTP/1.1 100 C\r\n\r\nhello\r\n\r\n", None, b"", "bad-http", False),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMINGS)
def test_framings(name: str) -> None:
    response, status, payload, cut, until_close = FRAMINGS[name]
    wire = split(response)
    assert (wire.status, wire.payload, wire.cut, wire.until_close) == (status, payload, cut, until_close)
    assert again(wire) == response


@pytest.mark.parametrize("name", FRAMINGS)
def test_every_prefix_is_rebuilt(name: str) -> None:
    """However the transfer breaks off; and no prefix of a response that tells its length looks whole."""
    response, _, payload, cut, until_close = FRAMINGS[name]
    for length in range(len(response)):
        wire = split(response[:length])
        assert again(wire) == response[:length]
        if not cut and not until_close and wire.status is not None and len(wire.payload) < len(payload):
            assert wire.cut


FRAGMENTS = (
    OK, b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0 404 \n", b"Content-Length: 12\r\n", b"\r\n", b"\n", b"\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"3\r\n",
    b"0\r\n\r\n", b"A;x=y\r\n", b" folded\r\n", b"0\r\nX: y\r\n\r\n",
)  # fmt: skip
ANY_RESPONSE = st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(FRAGMENTS)), max_size=12).map(b"".join)


@given(st.one_of(st.binary(), ANY_RESPONSE))
@example(CHUNKED + b"5\r\nhello\r\n" * 3 + b"0\r\n\r\n")
def test_whatever_it_is_it_is_rebuilt(response: bytes) -> None:
    assert again(split(response)) == response


def test_headers_are_kept_as_sent() -> None:
    head = split(OK + b"Set-Cookie: a\r\nset-cookie:b \r\nX-Name: M\xfcller\r\nLong: one\r\n\ttwo\r\n   three\r\n\r\n")
    assert head.headers == (
        ("Set-Cookie", "a"), ("set-cookie", "b"), ("X-Name", "Müller"), ("Long", "one two three"),
    )  # fmt: skip
    assert values(head.headers, "SET-COOKIE") == ("a", "b")
    assert header(head.headers, "long") == "one two three"
    assert header(head.headers, "absent") == ""


def test_a_kept_head_is_read_again() -> None:
    wire = split(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 404 Not here \r\nContent-Type: text/html\r\n\r\ngone")
    head = parse_head(wire.head)
    assert head is not None
    assert (head.status, head.reason, head.version) == (404, "Not here", "1.0")
    assert header(head.headers, "content-type") == "text/html"
    assert parse_head(b"HTTP/1.1 200 OK\r\n") is None
    assert parse_head(b"hello\r\n\r\n") is None


def test_where_a_head_ends() -> None:
    assert head_length(b"HTTP/1.1 200 OK\r\n\r\nbody") == 19
    assert head_length(b"\r\nHTTP/1.1 200 OK\n\nbody") == 19
    assert head_length(b"HTTP/1.1 200 OK\r\n") == -1
    assert head_length(b"\r\n\r\n\r\n") == -1


@pytest.mark.parametrize("head", [b"\r\n" + OK + b"A: b\r\n\r\n", b"HTTP/1.1 200 OK\nA: b\n\n", OK + b"A: b\n\r\n"])
def test_a_head_that_comes_byte_by_byte(head: bytes) -> None:
    for came in range(len(head)):
        assert head_length(head[:came], 0, max(0, came - 1)) == -1
    assert head_length(head + b"body", 0, len(head) - 1) == len(head)


def test_interim_heads() -> None:
    assert is_interim(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert not is_interim(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert not is_interim(OK + b"\r\n")
    assert not is_interim(b"hello\r\n\r\n")


# ----------------------------------------------------------------------------------------------------- the recipe


def test_an_equal_body_costs_nothing() -> None:
    """Whatever the framing, the payload is the same bytes; and the recipe of usual framings is tiny."""
    page = bytes(range(256)) * 4096
    chunk = b"".join(b"%x\r\n%s\r\n" % (4096, page[i : i + 4096]) for i in range(0, len(page), 4096))
    plain = split(OK + b"Content-Length: %d\r\n\r\n" % len(page) + page)
    chunked = split(CHUNKED + chunk + b"0\r\n\r\n")
    assert plain.payload == chunked.payload == page
    assert plain.framing == b""
    assert len(chunked.framing) <= 8


@pytest.mark.parametrize(
    "recipe",
    [
        b"\x09\x01",  # no such step
        b"\x00\x05ab",  # a literal that breaks off
        b"\x01\x06",  # more than the payload
        b"\x02\x06",
        b"\x03\x02\x03",
        b"\x03\x00\xff\xff\xff\xff\x7f",  # four thousand million empty chunks
        b"\x03\x01\xff\xff\xff\xff\xff\xff\x7f",
        b"\x01\x80",  # a number that breaks off
        b"\x01" + b"\x80" * 20 + b"\x01",
        b"\x03\x01",
    ],
)
def test_damaged_recipes_are_refused(recipe: bytes) -> None:
    with pytest.raises(ValueError, match="recipe of the framing"):
        rebuild(OK, b"hello", recipe)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_any_recipe_weaves_or_is_refused(payload: bytes, recipe: bytes) -> None:
    try:
        woven = framing.weave(payload, recipe)
    except ValueError:
        return
    assert len(woven) <= (len(payload) + len(recipe)) * 8


SIZES = st.integers(0, 300)


@given(st.lists(st.one_of(st.binary(max_size=9), SIZES.map(framing.Copy), SIZES.map(framing.Chunk))))
def test_steps_are_done_as_written(steps: list[framing.Step]) -> None:
    payload = bytes(i % 251 for i in range(sum(step.size for step in steps if not isinstance(step, bytes)) + 7))
    woven, taken = [], 0
    for step in steps:
        if isinstance(step, bytes):
            woven.append(step)
            continue
        piece = payload[taken : taken + step.size]
        taken += step.size
        woven.append(piece if isinstance(step, framing.Copy) else b"%x\r\n%s\r\n" % (step.size, piece))
    assert framing.weave(payload, framing.write(steps)) == b"".join(woven) + payload[taken:]


def test_a_body_in_crumbs_is_bounded() -> None:
    response = CHUNKED + b"1\r\nx\r\n" * (MOST_CHUNKS + 5) + b"0\r\n\r\n"
    wire = split(response)
    assert wire.cut == "limit"
    assert len(wire.payload) == MOST_CHUNKS
    assert again(wire) == response


def test_records_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        split(b"").cut = ""  # type: ignore[misc]
