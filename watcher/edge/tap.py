"""A connection to a site, and the tape of what runs over it: both ways, byte for byte.

``Line`` stands between the transport and aiohttp's response handler (pinned: aiohttp's own reading loses chunk framing,
trailers, interim responses, folding, bare line feeds), and above TLS, so that it sees what HTTP says. Everything goes
on the tape of the exchange that goes on; bytes that come while none does end the connection, so that nobody can answer
a question before it is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from aiohttp.client_proto import ResponseHandler

from watcher.core.http import Head, head_length, is_interim, parse_head
from watcher.edge.ceilings import Flow

Bytes = bytes | bytearray | memoryview


class Tape:
    """What ran over a connection for one exchange."""

    def __init__(self, *, max_header: int = 1 << 16, max_body: int = 1 << 24, fresh: bool = False) -> None:
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
        self.line: Line | None = None
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
        if self.line is not None:
            self.line.end(self)

    @property
    def head(self) -> Head | None:
        """The final head, once it is there."""
        return parse_head(bytes(self.received[: self.head_end])) if self.head_end >= 0 else None

    def _find_head(self) -> None:
        while (end := head_length(self.received, self._head_start, self._searched)) >= 0:
            if not is_interim(bytes(self.received[self._head_start : end])):
                self.head_end = end
                return
            self._head_start = self._searched = end
        self._searched = len(self.received)


class Handler(ResponseHandler):
    """aiohttp's response handler that knows its line."""

    def __init__(self, loop: asyncio.AbstractEventLoop, line: Line) -> None:
        super().__init__(loop)
        self.line = line


class Line(asyncio.Protocol):
    """One connection: first to the proxy, then, through it, to a site, asked by ``handler``."""

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.handler = Handler(loop, self)
        self.facts: dict[str, str | int | float] = {}
        """Of the connection; every exchange over it shares them."""
        self.flow: Flow | None = None
        """The ceiling that it shares with all others, once it goes to a site."""
        self._waits = self._full = False
        """Whether nothing is read now: because of the ceiling; because the handler has enough."""
        self._tape: Tape | None = None
        self._exchanges = 0
        self._early: bytearray | None = bytearray()
        """What the proxy said and nobody read yet; None: the proxy has had its say."""
        self._gone = False
        self._hearing: asyncio.Future[None] | None = None

    @property
    def was_used(self) -> bool:
        """Whether an exchange went over it before."""
        return self._exchanges > 0

    @property
    def spoke_first(self) -> bool:
        """Whether something came that nobody has heard."""
        return bool(self._early)

    # -------------------------------------------------------------------------------------- with the proxy

    def say(self, data: bytes) -> None:
        """Send something that is on nobody's tape."""
        self.transport.write(data)

    async def hear(self, size: int) -> bytes:
        """The next so many bytes; EOFError if the connection ends before."""
        assert self._early is not None
        while len(self._early) < size:
            if self._gone:
                raise EOFError
            self._hearing = asyncio.get_running_loop().create_future()
            try:
                await self._hearing
            finally:
                self._hearing = None
        heard = bytes(self._early[:size])
        del self._early[:size]
        return heard

    # --------------------------------------------------------------------------------------- with the site

    def hand_over(self) -> Handler:
        """Who asks the site, over the transport as it is now."""
        self.handler.connection_made(cast(asyncio.Transport, _Teed(self.transport, self)))
        return self.handler

    def begin(self, tape: Tape) -> None:
        """From now on, what runs is this exchange's."""
        tape.line, tape.connected, tape.reused = self, True, self.was_used
        tape.facts |= self.facts | {"exchanges_before": self._exchanges}
        self._exchanges += 1
        self._tape = tape
        early, self._early = self._early, None
        if early:
            self.data_received(bytes(early))
        if self._gone:
            tape.ended = True

    def end(self, tape: Tape) -> None:
        """The exchange is over; if another has begun by now, that goes on."""
        if self._tape is tape:
            self._tape = None

    def wrote(self, data: Bytes) -> None:
        """Note what is sent."""
        if self._tape is not None:
            self._tape.sent += data

    # ------------------------------------------------------------------------------------- from the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if self.flow is not None and (wait := self.flow.came(len(data), loop.time())):
            self._waits = True
            self.transport.pause_reading()
            loop.call_later(wait, self._waited)
        if self._tape is not None:
            go_on = self._tape.take(data)
            self.handler.data_received(data)
            if not go_on:
                self.transport.abort()
        elif self._early is None:
            self.transport.abort()
        else:
            self._early += data
            self._wake()

    def eof_received(self) -> None:
        if self._tape is not None:
            self._tape.ended = True
        self._gone = True
        self._wake()
        self.handler.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._tape is not None:
            self._tape.lost = exc
        self._gone = True
        self._wake()
        self.handler.connection_lost(exc)

    def _waited(self) -> None:
        self._waits = False
        self.take_more(not self._full)

    def take_more(self, more: bool) -> None:
        """Whether the handler wants more; it comes once the ceiling lets it."""
        self._full = not more
        if self._full:
            self.transport.pause_reading()
        elif not self._waits:
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self.handler.resume_writing()

    def _wake(self) -> None:
        if self._hearing is not None and not self._hearing.done():
            self._hearing.set_result(None)


class _Teed:
    """A transport that tells the line what is written; all else is the transport's own."""

    __slots__ = ("_line", "_transport")

    def __init__(self, transport: asyncio.Transport, line: Line) -> None:
        self._transport, self._line = transport, line

    def write(self, data: Bytes) -> None:
        self._line.wrote(data)
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        self.write(b"".join(list_of_data))

    def pause_reading(self) -> None:
        self._line.take_more(False)

    def resume_reading(self) -> None:
        self._line.take_more(True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
