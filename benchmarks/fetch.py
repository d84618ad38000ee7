"""CPU of one fetch, against the same through bare aiohttp-socks: new connections, and one kept alive.

    python -m benchmarks.fetch [FETCHES]

Server and proxy run in a process of their own; only the fetching process is measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import aiohttp
from aiohttp_socks import ProxyConnector

from benchmarks.report import Part, median
from watcher.edge.fetch import SocksFetcher
from watcher.ports import Ask
from watcher.testing.socks5 import Socks5Proxy

ONION = "a" * 55 + "d.onion"
URL = f"http://{ONION}/"
PAGE = b"<li class=entry>Velmora Logistics</li>\n" * 1280
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE


def serve(pipe: Connection) -> None:
    """A page of 50 kB behind a SOCKS5 proxy; its address goes down the pipe."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(RESPONSE)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
        async with Socks5Proxy({ONION: server.sockets[0].getsockname()[:2]}) as proxy:
            pipe.send(proxy.url)
            await asyncio.Event().wait()

    asyncio.run(run())


async def measured(times: int, fetch: Callable[[int], Awaitable[int]]) -> float:
    """Milliseconds of CPU for one of ``times`` fetches."""
    await fetch(-1)
    start = time.process_time()
    for number in range(times):
        assert await fetch(number) == len(PAGE)
    return (time.process_time() - start) / times * 1000


async def bare(proxy: str, times: int, *, fresh: bool) -> float:
    async with aiohttp.ClientSession(connector=ProxyConnector.from_url(proxy, rdns=True, force_close=fresh)) as session:

        async def fetch(_: int) -> int:
            async with session.get(URL) as response:
                return len(await response.read())

        return await measured(times, fetch)


async def ours(proxy: str, times: int, *, fresh: bool) -> float:
    async with SocksFetcher([proxy], [URL]) as fetcher:

        async def fetch(number: int) -> int:
            token = f"site@{number}" if fresh else "site"
            (exchange,) = await fetcher.fetch(
                Ask(url=URL, mirror=URL, isolation=token, headers={}, timeout_seconds=10.0)
            )
            return len(exchange.response) - len(RESPONSE) + len(PAGE)

        return await measured(times, fetch)


async def _measure(times: int) -> list[tuple[str, float, float]]:
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    there.close()
    proxy = await asyncio.to_thread(here.recv)
    found = []
    for name, fresh in (("new connection, new circuit", True), ("kept alive", False)):
        pairs = [
            (await ours(proxy, times // 5, fresh=fresh), await bare(proxy, times // 5, fresh=fresh)) for _ in range(5)
        ]
        found.append((name, median([one for one, _ in pairs]), median([other for _, other in pairs])))
    server.kill()
    server.join()
    return found


def measure(times: int = 2000) -> Part:
    """The table."""
    rows = asyncio.run(_measure(times))
    return Part(
        title=f"A fetch alone, one after the other, {len(RESPONSE):,} bytes",
        columns=("", "watcher, CPU ms", "bare aiohttp-socks, CPU ms", "ratio"),
        rows=[(name, f"{ms:.3f}", f"{base:.3f}", f"{ms / base:.2f}") for name, ms, base in rows],
    )


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])).markdown())
