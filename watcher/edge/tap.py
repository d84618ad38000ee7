"""A connection to a site, and the tape of what runs over it: both ways, byte for byte.

``Line`` is the transport's protocol. It reads HTTP only as far as it must, to know where a head and an answer end
(RFC 9112 section 6): whatever else a server sends goes on the tape as it is. Bytes that come while no exchange goes on
end the connection, so that nobody can answer a question before it is asked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from watcher.core.http import MOST_CHUNKS, Head, begins_like_http, head_length, is_interim, parse_head, values

_CHUNK_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*|\r?)\n")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_DIGITS = re.compile(r"[0-9]{1,18}")
_NO_BODY = frozenset({101, 204, 304})
LONGEST_LINE = 4096
"""Of what stands before a chunk."""

Judge = Callable[[Head], bool]
"""Whether an answer with this head is to be collected."""


class Tape:
    """What ran over a connection for one exchange."""

    def __init__(
        self,
        *,
        max_header: int = 1 << 16,
        max_body: int = 1 << 24,
        fresh: bool = False,
        wanted: Judge = lambda _: True,
    ) -> None:
        """``fresh``: not over a connection that was used before. ``wanted``: asked once the head is there."""
        self.sent = bytearray()
        self.received = bytearray()
        self.head_end = -1
        """Where the final head ends; -1: it has not."""
        self.head: Head | None = None
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
        self.complete = False
        """Whether the answer is all there, by what it says itself."""
        self.facts: dict[str, str | int | float] = {}
        """Of the connection."""
        self.fresh = fresh
        self.line: Line | None = None
        """Where it is noted."""
        self._max_header, self._max_body, self._wanted = max_header, max_body, wanted
        self._head_start = self._searched = 0
        self._length: int | None = None
        self._end = -1
        """Where the answer ends, once that is known."""
        self._chunk = -1
        """Where the next chunk begins, or the one that is coming; -1: the body is not in chunks."""
        self._chunks = self._trailers = 0
        """How many chunks came, and how far the trailers were looked through."""

    def take(self, data: bytes) -> bool:
        """Note what came; False: enough, the connection is to be ended."""
        self.received += data
        if self.head_end < 0 and not self._read_head():
            return False
        if self.head_end >= 0:
            if len(self.received) > self.head_end + self._max_body:
                del self.received[self.head_end + self._max_body :]
                self.limit = "body"
                return False
            return self._read_body()
        return True

    def stop(self) -> None:
        """The exchange is over."""
        if self.line is not None:
            self.line.end(self)

    @property
    def body_bytes(self) -> int:
        """How much has come behind the head."""
        return len(self.received) - self.head_end if self.head_end >= 0 else 0

    @property
    def leaves_open(self) -> bool:
        """Whether the connection can be asked again: both sides know where this answer ended, and nothing followed."""
        if not self.complete or self.head is None or self.head.status == 101 or self.limit:
            return False
        words = {word.strip().lower() for line in values(self.head.headers, "connection") for word in line.split(",")}
        keeps = "keep-alive" in words if self.head.version == "1.0" else "close" not in words
        return keeps and len(self.received) == self._end

    def _read_head(self) -> bool:
        """Look for the end of the head; False: it is none, or too long, or of what is not collected."""
        while (end := head_length(self.received, self._head_start, self._searched)) >= 0:
            if end > self._max_header:
                break
            head = bytes(self.received[self._head_start : end])
            if not is_interim(head):
                self.head_end, self.head = end, parse_head(head)
                return self._framing()
            self._head_start = self._searched = end
        self._searched = len(self.received)
        if self._searched > self._max_header:
            self.limit = "head"
            return False
        return begins_like_http(self.received, self._head_start)

    def _framing(self) -> bool:
        """How the end of the body will be known; False: nobody wants it."""
        if self.head is None:
            return False
        headers = self.head.headers
        codings = [word.strip().lower() for line in values(headers, "transfer-encoding") for word in line.split(",")]
        lengths = {word.strip() for line in values(headers, "content-length") for word in line.split(",")}
        if self.head.status in _NO_BODY:
            self._length = 0
        elif codings:
            self._chunk = self.head_end if codings[-1] == "chunked" else -1
        elif len(lengths) == 1 and _DIGITS.fullmatch(length := lengths.pop()):
            self._length = int(length)
        return self._wanted(self.head)

    def _read_body(self) -> bool:
        """See whether it is all there; False: its framing makes no sense."""
        if self.complete:
            return True
        if self._length is not None:
            self._end = self.head_end + self._length
            self.complete = len(self.received) >= self._end
        while self._chunk >= 0 and not self.complete:
            line = _CHUNK_LINE.match(self.received, self._chunk)
            if line is None:
                rest = self.received[self._chunk : self._chunk + LONGEST_LINE]
                return b"\n" not in rest and len(rest) < LONGEST_LINE
            start, size = line.end(), int(line[1], 16)
            end = self._line_end(start + size) if size else self._trailers_end(start)
            if end < 0:
                return True
            if not end:
                return False
            if size:
                self._chunk = end
                self._chunks += 1
            else:
                self._end, self.complete = end, True
            if self._chunks >= MOST_CHUNKS:
                self.limit = "body"
                return False
        return True

    def _line_end(self, place: int) -> int:
        """Where the line end at ``place`` ends; -1: it has not come; 0: there is none."""
        here = bytes(self.received[place : place + 2])
        if here[:1] == b"\n":
            return place + 1
        if here == b"\r\n":
            return place + 2
        return -1 if here in {b"", b"\r"} else 0

    def _trailers_end(self, place: int) -> int:
        """Where the trailers end, their blank line included; -1: they have not."""
        if (end := self._line_end(place)) > 0:
            return end
        found = _BLANK_LINE.search(self.received, max(place, self._trailers))
        self._trailers = len(self.received) - 2  # a blank line may have begun
        return found.end() if found else -1


class Line(asyncio.Protocol):
    """One connection: first to the proxy, then, through it, to a site."""

    def __init__(self) -> None:
        self.facts: dict[str, str | int | float] = {}
        """Of the connection; every exchange over it shares them."""
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self.idle_since = 0.0
        self._tape: Tape | None = None
        self._exchanges = 0
        self._early: bytearray | None = bytearray()
        """What the proxy said and nobody read yet; None: the proxy has had its say."""
        self._waiter: asyncio.Future[None] | None = None

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
        assert self.transport is not None
        self.transport.write(data)

    async def hear(self, size: int) -> bytes:
        """The next so many bytes; EOFError if the connection ends before."""
        assert self._early is not None
        while len(self._early) < size:
            if self.closed:
                raise EOFError
            await self._wait()
        heard = bytes(self._early[:size])
        del self._early[:size]
        return heard

    # --------------------------------------------------------------------------------------- with the site

    def begin(self, tape: Tape) -> None:
        """From now on, what runs is this exchange's."""
        tape.line, tape.connected, tape.reused = self, True, self.was_used
        tape.facts |= self.facts | {"exchanges_before": self._exchanges}
        self._exchanges += 1
        self._tape = tape
        early, self._early = self._early, None
        if early:
            self.data_received(bytes(early))
        if self.closed:
            tape.ended = True

    def ask(self, request: bytes) -> None:
        """Send the request of the exchange that goes on."""
        assert self._tape is not None
        if self.transport is not None and not self.closed:
            self._tape.sent += request
            self.transport.write(request)

    async def answered(self, first: int = 0) -> None:
        """Returns when the answer is complete, or nothing more will come; or at the first ``first`` bytes of its
        body."""
        tape = self._tape
        assert tape is not None
        while not (tape.complete or self.closed or tape.ended or (first and tape.body_bytes >= first)):
            await self._wait()

    def end(self, tape: Tape) -> None:
        """The exchange is over; if another has begun by now, that goes on."""
        if self._tape is tape:
            self._tape = None

    def abort(self) -> None:
        """Hang up, at once."""
        self.closed = True
        if self.transport is not None:
            self.transport.abort()
        self._wake()

    def close(self) -> None:
        """Hang up in good order."""
        self.closed = True
        if self.transport is not None:
            self.transport.close()

    # ------------------------------------------------------------------------------------- from the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._tape is not None:
            if not self._tape.take(data):
                self.abort()
        elif self._early is None:
            self.abort()
        else:
            self._early += data
        self._wake()

    def eof_received(self) -> bool | None:
        if self._tape is not None:
            self._tape.ended = True
        self.closed = True
        self._wake()
        return None

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._tape is not None and not self.closed:
            self._tape.lost = exc
            self._tape.ended = exc is None
        self.closed = True
        self._wake()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
