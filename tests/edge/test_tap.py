"""The line and its tape: what is noted, when an answer has ended, and when there was enough of it."""

from __future__ import annotations

import asyncio

import pytest

from watcher.core.http import split
from watcher.edge.tap import Line, Tape

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


def tape(max_header: int = 100, max_body: int = 10) -> Tape:
    return Tape(max_header=max_header, max_body=max_body)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("response", "kept", "limit"),
    [
        (HEAD + b"x" * 10, HEAD + b"x" * 10, ""),
        (HEAD + b"x" * 11, HEAD + b"x" * 10, "body"),
        (b"HTTP/1.1 102 Wait\r\n\r\n" + HEAD + b"x" * 11, b"HTTP/1.1 102 Wait\r\n\r\n" + HEAD + b"x" * 10, "body"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 76 + b"\r\n\r\n", None, "head"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 75 + b"\r\n\r\n" + b"x" * 10, None, "head"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 74 + b"\r\n\r\n" + b"x" * 10, None, ""),
    ],
)
def test_limits_hold_however_the_bytes_come(response: bytes, kept: bytes | None, limit: str, size: int) -> None:
    one = tape(max_header=98)
    came = 0
    for start in range(0, len(response), size):
        came += 1
        if not one.take(response[start : start + size]):
            break
    assert one.limit == limit
    if kept is not None:
        assert one.received == kept
    if size == 1 and limit:
        assert came <= (99 if limit == "head" else len(response))


class Recorder(asyncio.Transport):
    """A transport that writes down what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.over = ""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.over = "abort"

    def close(self) -> None:
        self.over = self.over or "close"


def line() -> tuple[Line, Recorder]:
    made, transport = Line(), Recorder()
    made.connection_made(transport)
    return made, transport


async def test_what_is_asked_and_answered_is_on_the_tape() -> None:
    one, (made, transport) = tape(), line()
    made.say(b"hello, proxy")
    made.begin(one)
    made.ask(b"GET / HTTP/1.1\r\n\r\n")
    assert transport.written == b"hello, proxyGET / HTTP/1.1\r\n\r\n"
    made.data_received(HEAD + b"x")
    assert (one.sent, one.received) == (b"GET / HTTP/1.1\r\n\r\n", HEAD + b"x")


async def test_the_proxys_answers_are_heard_piece_by_piece() -> None:
    made, _ = line()
    heard = asyncio.ensure_future(made.hear(4))
    for piece in (b"ab", b"c", b"def"):
        made.data_received(piece)
        await asyncio.sleep(0)
    assert await heard == b"abcd"
    assert made.spoke_first
    one = tape()
    made.begin(one)
    assert one.received == b"ef"


async def test_a_proxy_that_hangs_up_is_heard() -> None:
    made, _ = line()
    heard = asyncio.ensure_future(made.hear(4))
    await asyncio.sleep(0)
    made.connection_lost(None)
    with pytest.raises(EOFError):
        await heard


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    one, (made, transport) = tape(), line()
    made.begin(one)
    one.stop()
    made.data_received(HEAD)
    assert transport.over == "abort"
    assert made.closed
    assert one.received == b""


async def test_an_exchange_that_is_over_does_not_end_the_next() -> None:
    first, second = tape(), tape()
    made, _ = line()
    made.begin(first)
    made.begin(second)
    first.stop()
    made.ask(b"GET")
    assert (first.sent, second.sent) == (b"", b"GET")
    assert (first.reused, second.reused) == (False, True)


async def test_nothing_is_asked_over_a_connection_that_is_gone() -> None:
    one, (made, transport) = tape(), line()
    made.begin(one)
    made.connection_lost(ConnectionResetError())
    made.ask(b"GET")
    assert (one.sent, transport.written) == (b"", b"")
    await made.answered()
    assert isinstance(one.lost, ConnectionResetError)


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("response", "complete", "open_after"),
    [
        (LENGTH + b"\r\nabc", True, True),
        (LENGTH + b"\r\nab", False, False),
        (LENGTH + b"Connection: Keep-Alive, close\r\n\r\nabc", True, False),
        (LENGTH.replace(b"/1.1", b"/1.0") + b"\r\nabc", True, False),
        (LENGTH.replace(b"/1.1", b"/1.0") + b"Connection: keep-alive\r\n\r\nabc", True, True),
        (b"HTTP/1.1 103 Soon\r\n\r\n" + LENGTH + b"\r\nabc", True, True),
        (b"HTTP/1.1 204 None\r\nContent-Length: 9\r\n\r\n", True, True),
        (b"HTTP/1.1 101 Switch\r\n\r\n", True, False),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", False, False),
        (LENGTH + b"Content-Length: 4\r\n\r\nabcd", False, False),
        (LENGTH + b"Content-Length: 3\r\n\r\nabc", True, True),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", True, True),
        (CHUNKED + b"3;x=y\nabc\n0\r\nX: y\r\n\r\n", True, True),
        (CHUNKED + b"3\r\nabc\r\n0\r\nX: y\r\n", False, False),
        (CHUNKED + b"3\r\nabc\r\n", False, False),
    ],
)
def test_the_end_of_an_answer_is_known_however_it_comes(
    response: bytes, complete: bool, open_after: bool, size: int
) -> None:
    one = tape(max_header=200, max_body=1000)
    for start in range(0, len(response), size):
        assert one.take(response[start : start + size])
    assert (one.complete, one.leaves_open) == (complete, open_after)
    if size == 1 and complete:
        assert split(response).cut == ""


@pytest.mark.parametrize(
    "response", [b"SSH-2.0-x\r\n", CHUNKED + b"3\r\nabcd", CHUNKED + b"zz\r\n", CHUNKED + b"1" * 5000]
)
def test_what_makes_no_sense_is_not_waited_for(response: bytes) -> None:
    assert not tape(max_header=200, max_body=9000).take(response)


def test_an_answer_that_goes_on_after_its_end_is_not_asked_again() -> None:
    one = tape(max_header=200, max_body=1000)
    one.take(LENGTH + b"\r\nabcHTTP/1.1 200 OK")
    assert one.complete
    assert not one.leaves_open


def test_nothing_is_read_of_what_nobody_wants() -> None:
    one = Tape(wanted=lambda head: head.status != 200)
    assert not one.take(LENGTH + b"\r\nabc")
