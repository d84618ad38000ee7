"""The line and its tape: what is noted, when there is enough, and that it stands in nobody's way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

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
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__") or name in {"asked", "written", "_extra"}:
            return super().__getattribute__(name)

        def ask(*arguments: Any) -> Any:
            self.asked.append((name, arguments))
            return None

        return ask

    @property
    def written(self) -> bytes:
        return b"".join(arguments[0] for name, arguments in self.asked if name == "write")


def line() -> tuple[Line, Recorder]:
    made, transport = Line(asyncio.get_running_loop()), Recorder()
    made.connection_made(transport)
    return made, transport


async def test_the_transport_is_passed_through() -> None:
    made, transport = line()
    handed = made.hand_over().transport
    assert handed is not None
    transport.asked.clear()
    calls: dict[str, tuple[Any, ...]] = {
        "abort": (), "close": (), "is_closing": (), "pause_reading": (), "resume_reading": (),
        "get_extra_info": ("socket", None), "get_write_buffer_size": (), "write": (b"data",),
    }  # fmt: skip
    for name, arguments in calls.items():
        getattr(handed, name)(*arguments)
    assert transport.asked == list(calls.items())


async def test_both_ways_of_writing_are_on_the_tape_and_what_the_proxy_hears_is_not() -> None:
    one, (made, recorder) = tape(), line()
    made.say(b"hello, proxy")
    transport = made.hand_over().transport
    assert transport is not None
    made.begin(one)
    transport.write(memoryview(b"GET / "))
    transport.writelines([b"HTTP/1.1\r\n", bytearray(b"\r\n")])
    assert one.sent == b"GET / HTTP/1.1\r\n\r\n"
    assert recorder.written == b"hello, proxy" + one.sent
    made.data_received(HEAD + b"x")
    assert one.received == HEAD + b"x"


async def test_the_proxys_answers_are_heard_piece_by_piece() -> None:
    made, _ = line()
    heard = asyncio.ensure_future(made.hear(4))
    for piece in (b"ab", b"c", b"def"):
        made.data_received(piece)
        await asyncio.sleep(0)
    assert await heard == b"abcd"
    assert made.spoke_first
    one = tape()
    made.hand_over()
    made.begin(one)
    assert one.received == b"ef"
    assert made.handler.should_close  # and what aiohttp then takes for an answer, is asked no more


async def test_a_proxy_that_hangs_up_is_heard() -> None:
    made, _ = line()
    heard = asyncio.ensure_future(made.hear(4))
    await asyncio.sleep(0)
    made.connection_lost(None)
    with pytest.raises(EOFError):
        await heard


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    one, (made, transport) = tape(), line()
    made.hand_over()
    made.begin(one)
    one.stop()
    made.data_received(HEAD)
    assert ("abort", ()) in transport.asked
    assert one.received == b""


async def test_an_exchange_that_is_over_does_not_end_the_next() -> None:
    first, second = tape(), tape()
    made, _ = line()
    made.begin(first)
    made.begin(second)
    first.stop()
    made.wrote(b"GET")
    assert (first.sent, second.sent) == (b"", b"GET")
    assert (first.reused, second.reused) == (False, True)


async def test_a_slow_reader_holds_the_site_up() -> None:
    """aiohttp's flow control works through the line: memory does not grow with what the site sends."""
    one, (made, transport) = tape(max_body=10_000_000), line()
    made.hand_over()
    made.begin(one)
    made.handler.set_response_params(read_until_eof=True, auto_decompress=False)
    made.data_received(HEAD)
    for _ in range(40):
        made.data_received(b"x" * 65_536)
    assert ("pause_reading", ()) in transport.asked
    made.pause_writing()
    made.resume_writing()
    made.connection_lost(None)
