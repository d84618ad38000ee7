"""The pages that everything is measured on, behind a SOCKS5 proxy, in a process of their own: nobody pays for them.

with Served(sites=200) as served:
    served.proxy             # socks5://127.0.0.1:PORT
    served.urls("still")     # one page each of many sites, the same at every load
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import re
from collections.abc import Iterator
from hashlib import md5
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from watcher.testing.names import invented_onion, invented_victims
from watcher.testing.scene import Victim
from watcher.testing.socks5 import Socks5Proxy

MODES = ("still", "moving", "news")
"""What a page does from one load to the next: nothing; its counters, clock and nonce go on; it has another entry."""
PAGE_BYTES = 50_000
CONFIRMING = 3
"""The first loads of a page that moves bring new entries, so that what reads it has been confirmed."""
SERVING: set[int] = set()
"""Processes that only serve: what they use is nobody's cost."""
_REQUEST = re.compile(rb"GET /(\w*)[^\r\n]* HTTP/1\.[01]\r\n(?:[^\r\n]+\r\n)*?[Hh]ost: *([^\r\n:]+)", re.DOTALL)
_FRAME = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Night Desk</title>
<meta name="csrf-token" content="{nonce}"><link rel="stylesheet" href="/main.css?v=12">
</head><body><header><nav><a href="/">HOME</a> <a href="/how">HOW TO DOWNLOAD?</a> <a href="/contact">CONTACT</a></nav>
<p class="clock">Server time <span>{clock}</span></p></header><main><h1>Latest</h1><section class="list">
{cards}</section></main><footer>Visitors: {visitors} &middot; mirror 2</footer></body></html>
"""
_CARD = """<article class="card"><a class="title" href="/{slug}"><h3>{title}</h3></a>
<img class="logo" src="/media/{digest}.png" alt="">
<div class="meta"><span class="country">{country}</span> <span class="size">{size}</span>
<time>{date}</time> <span class="status">{status}</span></div>
<p class="text">{statement}</p><div class="stat">Views: <b>{views}</b></div></article>
"""


class Pages:
    """The pages of one site."""

    def __init__(self, seed: int, page_bytes: int = PAGE_BYTES) -> None:
        self._victims = invented_victims(seed)
        self._dice = random.Random(seed)
        self._shown: list[Victim] = []
        self._loads = 0
        while sum(len(_card(one, 0)) for one in self._shown) < page_bytes - 800:
            self._shown.insert(0, next(self._victims))
        self._still = self.page(0)

    def page(self, loads: int) -> bytes:
        """The page as it is at so many loads."""
        text = _FRAME.format(
            nonce=f"{random.Random(loads).getrandbits(128):032x}",
            clock=f"2026-11-22 {loads // 3600 % 24:02}:{loads // 60 % 60:02}:{loads % 60:02}",
            visitors=4711 + 3 * loads,
            cards="".join(_card(one, loads // (1 + number % 7)) for number, one in enumerate(self._shown)),
        )
        return text.encode()

    def load(self, mode: str) -> bytes:
        """The next load."""
        if mode == "still":
            return self._still
        self._loads += 1
        if mode == "news" or self._loads <= CONFIRMING:
            self._shown.insert(0, next(self._victims))
        return self.page(self._loads)


def _card(victim: Victim, views: int) -> str:
    return _CARD.format(
        slug=victim.slug, title=victim.title, country=victim.country, size=victim.size, date=victim.date,
        status=victim.status, statement=victim.statement, views=1200 + views,
        digest=md5(victim.slug.encode(), usedforsecurity=False).hexdigest(),
    )  # fmt: skip


class _Answering(asyncio.Protocol):
    """One connection: whatever host is asked, its page, by the first word of the path."""

    def __init__(self, sites: dict[tuple[str, str], Pages]) -> None:
        self._sites, self._asked = sites, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        while (end := self._asked.find(b"\r\n\r\n")) >= 0:
            request, self._asked = self._asked[: end + 4], self._asked[end + 4 :]
            self._transport.write(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        asked = _REQUEST.match(request)
        pages = self._sites.get((asked[2].decode(), asked[1].decode())) if asked else None
        if asked is None or pages is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        body = pages.load(asked[1].decode())
        return (
            b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nContent-Type: text/html; "
            b"charset=utf-8\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n" % len(body)
        ) + body


def _serve(hosts: list[str], page_bytes: int, pipe: Connection) -> None:
    async def run() -> None:
        # what is news to the one must not move the other
        sites = {(host, mode): Pages(seed, page_bytes) for seed, host in enumerate(hosts) for mode in MODES}
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Answering(sites), "127.0.0.1", 0, backlog=4096)
        address = server.sockets[0].getsockname()[:2]
        async with Socks5Proxy(dict.fromkeys(hosts, address)) as proxy:
            pipe.send(proxy.url)
            while not await loop.run_in_executor(None, pipe.poll, 3600):
                pass

    asyncio.run(run())


class Served:
    """Sites and proxy, while the ``with`` block lasts."""

    def __init__(self, sites: int, page_bytes: int = PAGE_BYTES) -> None:
        self.hosts = list(islice(_onions(), sites))
        self.proxy = ""
        self._page_bytes = page_bytes
        self._pipe: Connection | None = None
        self._process: BaseProcess | None = None

    def urls(self, mode: str) -> list[str]:
        """The addresses of one page of each site."""
        return [f"http://{host}/{mode}" for host in self.hosts]

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(self.hosts, self._page_bytes, there), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        SERVING.add(self._process.pid)
        there.close()  # if it dies, nobody waits for it
        self.proxy = self._pipe.recv()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.join()


def _onions() -> Iterator[str]:
    number = 0
    while True:
        yield invented_onion(number)
        number += 1
