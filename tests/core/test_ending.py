"""What became of an exchange, from what came and how it ended."""

from __future__ import annotations

import pytest

from watcher.core.ending import Ending, How, judge
from watcher.core.http import split
from watcher.records import MISS_VERDICTS

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Length: 5\r\n\r\nhello"
UNTIL_CLOSE = OK + b"\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
TWO_LENGTHS = OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
HOWS: tuple[How, ...] = ("closed", "reset", "deadline", "head-limit", "limit", "left")


@pytest.mark.parametrize("how", HOWS)
def test_what_is_framed_whole_is_whole_however_it_ended(how: How) -> None:
    assert judge(split(PLAIN), how) == Ending(status=200)
    assert judge(split(CHUNKED + b"0\r\n\r\n"), how) == Ending(status=200)


@pytest.mark.parametrize(
    ("response", "how", "cut"),
    [
        (UNTIL_CLOSE, "closed", ""),
        (UNTIL_CLOSE, "reset", "reset"),
        (UNTIL_CLOSE, "deadline", "deadline"),
        (UNTIL_CLOSE, "limit", "limit"),
        (UNTIL_CLOSE, "left", "bad-http"),
        (PLAIN[:-1], "closed", "length"),
        (PLAIN[:-1], "reset", "reset"),
        (PLAIN[:-1], "deadline", "deadline"),
        (PLAIN[:-1], "limit", "limit"),
        (PLAIN[:-1], "left", "bad-http"),
        (CHUNKED, "closed", "chunked"),
        (CHUNKED, "reset", "reset"),
        (TWO_LENGTHS, "closed", "bad-http"),
        (TWO_LENGTHS, "reset", "bad-http"),
    ],
)
def test_why_a_body_is_cut(response: bytes, how: How, cut: str) -> None:
    assert judge(split(response), how) == Ending(status=200, cut=cut)


@pytest.mark.parametrize(
    ("response", "how", "verdict", "word", "cut"),
    [
        (b"", "closed", "unreachable", "closed", ""),
        (b"", "reset", "unreachable", "reset", ""),
        (b"", "deadline", "timeout", "read-timeout", ""),
        (OK, "closed", "unreachable", "closed", "head"),
        (OK, "reset", "unreachable", "reset", "reset"),
        (OK, "deadline", "timeout", "read-timeout", "deadline"),
        (OK, "head-limit", "unreachable", "head-limit", "limit"),
        (OK, "left", "unreachable", "bad-http", "bad-http"),
        (b"hello\r\n\r\n", "closed", "unreachable", "bad-http", "bad-http"),
        (b"hello\r\n\r\n", "left", "unreachable", "bad-http", "bad-http"),
    ],
)
def test_misses(response: bytes, how: How, verdict: str, word: str, cut: str) -> None:
    ending = judge(split(response), how)
    assert (ending.status, ending.verdict, ending.why[0], ending.cut) == (None, verdict, word, cut)
    assert ending.why[1]


@pytest.mark.parametrize("how", HOWS)
def test_every_ending_is_a_status_or_a_miss(how: How) -> None:
    for response in (b"", b"x", OK, PLAIN, PLAIN[:-1], UNTIL_CLOSE, CHUNKED, TWO_LENGTHS, b"HTTP/1.1 101 X\r\n\r\nraw"):
        ending = judge(split(response), how)
        assert (ending.status is None) == (ending.verdict in MISS_VERDICTS) == bool(ending.why)
