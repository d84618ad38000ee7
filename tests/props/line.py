"""A line of TCP on loopback that can be slow, and can be cut: what stands between a vantage and the others."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024


class Line:
    """Leads from a port of its own to another, while the ``async with`` block lasts."""

    def __init__(self, port: int, *, delay_seconds: float = 0.0) -> None:
        """``delay_seconds``: each way."""
        self._to, self._delay = port, delay_seconds
        self._is_cut = False
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Nothing goes through any more, in either direction."""
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        """The line stands again; what was connected must connect anew."""
        self._is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, back}
        self._open |= ends
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Each piece arrives so long after it was sent, however many are under way."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                at, data = await under_way.get()
                await asyncio.sleep(max(0.0, at - loop.time()))
                if not data or sink.is_closing():
                    sink.transport.abort()
                    return
                sink.write(data)

        delivering = asyncio.create_task(deliver())
        try:
            while data := await source.read(CHUNK):
                under_way.put_nowait((loop.time() + self._delay, data))
        except OSError:
            pass
        finally:
            under_way.put_nowait((loop.time() + self._delay, b""))
            await asyncio.wait({delivering})
