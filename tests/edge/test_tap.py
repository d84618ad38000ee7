"""The tap: what it notes, when it has enough, and that it stands in nobody's way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from watcher.edge.tap import Tap, Tape

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
        if name.startswith("__") or name in {"asked", "_extra"}:
            return super().__getattribute__(name)

        def ask(*arguments: Any) -> Any:
            self.asked.append((name, arguments))
            return None

        return ask


async def test_the_transport_is_passed_through() -> None:
    tap = Tap(asyncio.get_running_loop(), tape())
    recorder = Recorder()
    tap.connection_made(recorder)
    recorder.asked.clear()
    transport = tap.handler.transport
    assert transport is not None
    calls: dict[str, tuple[Any, ...]] = {
        "write_eof": (), "can_write_eof": (), "abort": (), "close": (), "is_closing": (), "pause_reading": (),
        "resume_reading": (), "is_reading": (), "get_extra_info": ("socket", None), "get_write_buffer_size": (),
        "get_write_buffer_limits": (), "set_write_buffer_limits": (9, 1), "get_protocol": (), "set_protocol": (tap,),
        "write": (b"data",),
    }  # fmt: skip
    for name, arguments in calls.items():
        getattr(transport, name)(*arguments)
    assert recorder.asked == list(calls.items())
    assert {name for name in dir(asyncio.Transport) if not name.startswith("_")} <= {*calls, "writelines"}


async def test_both_ways_of_writing_are_noted() -> None:
    one = tape()
    tap, recorder = Tap(asyncio.get_running_loop(), one), Recorder()
    tap.connection_made(recorder)
    transport = tap.handler.transport
    assert transport is not None
    transport.write(memoryview(b"GET / "))
    transport.writelines([b"HTTP/1.1\r\n", bytearray(b"\r\n")])
    assert one.sent == b"GET / HTTP/1.1\r\n\r\n"
    assert b"".join(arguments[0] for name, arguments in recorder.asked if name == "write") == one.sent


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    one = tape()
    tap, recorder = Tap(asyncio.get_running_loop(), one), Recorder()
    tap.connection_made(recorder)
    tap.begin(one)
    one.stop()
    tap.data_received(HEAD)
    assert ("abort", ()) in recorder.asked
    assert one.received == b""


async def test_an_exchange_that_is_over_does_not_end_the_next() -> None:
    first, second = tape(), tape()
    tap = Tap(asyncio.get_running_loop(), first)
    tap.connection_made(Recorder())
    tap.begin(first)
    tap.begin(second)
    first.stop()
    tap.wrote(b"GET")
    assert (first.sent, second.sent) == (b"", b"GET")
    assert (first.reused, second.reused) == (False, True)


async def test_a_slow_reader_holds_the_site_up() -> None:
    """aiohttp's flow control works through the tap: memory does not grow with what the site sends."""
    one = tape(max_body=10_000_000)
    tap, recorder = Tap(asyncio.get_running_loop(), one), Recorder()
    tap.connection_made(recorder)
    tap.begin(one)
    tap.handler.set_response_params(read_until_eof=True, auto_decompress=False)
    tap.data_received(HEAD)
    for _ in range(40):
        tap.data_received(b"x" * 65_536)
    assert ("pause_reading", ()) in recorder.asked
    tap.pause_writing()
    tap.resume_writing()
    tap.connection_lost(None)
