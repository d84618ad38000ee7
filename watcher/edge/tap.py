"""A tap on a connection: what runs over it, both ways, byte for byte.

It stands between the transport and aiohttp's response handler (pinned: aiohttp's own reading loses chunk framing,
trailers, interim responses, folding, bare line feeds), and above TLS, so that it sees what HTTP says. Bytes go to the
``Tape`` of the exchange that is going on; bytes that come while none is end the connection, so that nobody can answer a
question before it is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiohttp.client_proto import ResponseHandler

from watcher.core.http import head_length, is_interim


class Tape:
    """What ran over a connection for one exchange."""

    def __init__(self, *, max_header: int, max_body: int, fresh: bool = False) -> None:
        """``fresh``: not over a connection that was used before."""
        self.sent = bytearray()
        self.received = bytearray()
        self.head_end = -1
        """Where the final head ends; -1: it has not."""
        self.limit = ""
        """``head`` or ``body``, if that grew beyond its limit and the connection was ended."""
        self.connected = False
        """Whether there was a connection to the site to ask over."""
        self.reused = False
        """Whether it ran over a connection that was used before."""
        self.ended = False
        """Whether the site ended the connection in good order."""
        self.lost: BaseException | None = None
        """Why the connection broke, if it did."""
        self.facts: dict[str, str | int | float] = {}
        """Of the connection."""
        self.fresh = fresh
        self.tap: Tap | None = None
        """Where it is noted."""
        self._max_header, self._max_body = max_header, max_body
        self._head_start = self._searched = 0

    def take(self, data: bytes) -> bool:
        """Note what came; False: enough, the connection is to be ended."""
        self.received += data
        if self.head_end < 0:
            self._find_head()
        if self.head_end < 0:
            if len(self.received) > self._max_header:
                self.limit = "head"
        elif self.head_end > self._max_header:
            self.limit = "head"
        elif len(self.received) > self.head_end + self._max_body:
            del self.received[self.head_end + self._max_body :]
            self.limit = "body"
        return not self.limit

    def stop(self) -> None:
        """The exchange is over."""
        if self.tap is not None:
            self.tap.end(self)

    def _find_head(self) -> None:
        while (end := head_length(self.received, self._head_start, self._searched)) >= 0:
            if not is_interim(bytes(self.received[self._head_start : end])):
                self.head_end = end
                return
            self._head_start = self._searched = end
        self._searched = len(self.received)


class Handler(ResponseHandler):
    """aiohttp's response handler that knows its tap."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tap: Tap) -> None:
        super().__init__(loop)
        self.tap = tap


class Tap(asyncio.Protocol):
    """The transport's protocol: notes everything and passes it on to ``handler``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tape: Tape) -> None:
        self.handler = Handler(loop, self)
        self.facts: dict[str, str | int | float] = {}
        """Of the connection; every exchange over it shares them."""
        self._tape: Tape | None = tape
        self._transport: asyncio.Transport | None = None
        self._exchanges = 0

    @property
    def was_used(self) -> bool:
        """Whether an exchange went over it before."""
        return self._exchanges > 0

    def begin(self, tape: Tape) -> None:
        """From now on, what runs is this exchange's."""
        tape.tap, tape.connected, tape.reused = self, True, self.was_used
        tape.facts |= self.facts | {"exchanges_before": self._exchanges}
        self._exchanges += 1
        self._tape = tape

    def end(self, tape: Tape) -> None:
        """The exchange is over; if another has begun by now, that goes on."""
        if self._tape is tape:
            self._tape = None

    def wrote(self, data: bytes) -> None:
        if self._tape is not None:
            self._tape.sent += data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.handler.connection_made(_Teed(transport, self))

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._tape is None:
            self._transport.abort()
            return
        go_on = self._tape.take(data)
        self.handler.data_received(data)
        if not go_on:
            self._transport.abort()

    def eof_received(self) -> bool | None:
        if self._tape is not None:
            self._tape.ended = True
        self.handler.eof_received()
        return None

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._tape is not None:
            self._tape.lost = exc
        self.handler.connection_lost(exc)

    def pause_writing(self) -> None:
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self.handler.resume_writing()


class _Teed(asyncio.Transport):
    """A transport that tells the tap what is written; all else it passes on."""

    def __init__(self, transport: asyncio.Transport, tap: Tap) -> None:
        super().__init__()
        self._transport, self._tap = transport, tap

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._tap.wrote(bytes(data))
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    def abort(self) -> None:
        self._transport.abort()

    def close(self) -> None:
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def is_reading(self) -> bool:
        return self._transport.is_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._transport.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)
