"""Servers on loopback that send exactly the bytes they are told to, and write down what they are sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from watcher.testing.socks5 import Socks5Proxy

Answer = bytes | Sequence[bytes | float] | None
"""Bytes to send; or bytes to send and seconds to wait, in turn; or None: close the connection without an answer."""
ONION = "a" * 55 + "d.onion"
MIRROR = "b" * 55 + "d.onion"


@dataclass
class Server:
    """A server that answers each request on a connection with the next of ``answers`` (the last again and again)."""

    answers: Sequence[Answer]
    close: str = "fin"
    """What follows the answer: ``fin``, ``rst``, or ``keep`` (the connection stays open)."""
    first: bytes = b""
    """Said before anything was asked."""
    after: bytes = b""
    """Said a moment after an answer, when nothing was asked."""
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a request came."""
    connections: int = 0
    given: int = 0
    sent: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._say(writer, self.first)
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                self.asked.set()
                answer = self.answers[min(self.given, len(self.answers) - 1)]
                self.given += 1
                if answer is None:
                    break
                for part in [answer] if isinstance(answer, bytes) else answer:
                    if isinstance(part, float):
                        await asyncio.sleep(part)
                    else:
                        await self._say(writer, part)
                if self.close != "keep":
                    break
                if self.after:
                    await asyncio.sleep(0.02)
                    await self._say(writer, self.after)
        if self.close == "rst":
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def _say(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()
        self.sent += len(data)


@contextlib.asynccontextmanager
async def listening(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """The server, on a port of its own."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await server.serve(reader, writer)
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)

        def over(done: asyncio.Task[None]) -> None:
            tasks.discard(done)
            writer.transport.abort()  # of one that was cancelled before it began, nothing else would close it

        task.add_done_callback(over)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=1024, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
        await asyncio.sleep(0)  # transports close on the loop's next turn


@contextlib.asynccontextmanager
async def behind_proxy(*answers: Answer, **how: str | bytes) -> AsyncIterator[tuple[Server, Socks5Proxy]]:
    """A server that ``ONION`` and ``MIRROR`` lead to, and the proxy that leads there."""
    async with listening(Server(answers, **how)) as server:  # type: ignore[arg-type]
        target = ("127.0.0.1", server.port)
        async with Socks5Proxy({ONION: target, MIRROR: target, "leaks.example": target}) as proxy:
            yield server, proxy
