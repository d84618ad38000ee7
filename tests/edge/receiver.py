"""Services that alerts are sent to: a web hook and a mail server, behind a practice proxy; and a process that tells."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from watcher.config import AlertSettings
from watcher.edge.deliver import Delivery
from watcher.edge.notify import sinks
from watcher.edge.proxy import Proxy, proxy_of
from watcher.edge.sign import load_key
from watcher.edge.store import LedgerStore
from watcher.testing.clocks import WallClock
from watcher.testing.socks5 import Socks5Proxy

HOOK = "hooks.example"
Answer = Callable[["Hook"], Awaitable[int]]


async def ok(hook: Hook) -> int:
    return 200


@dataclass(slots=True)
class Hook:
    """A web hook and what it was told."""

    proxy: Socks5Proxy
    answer: Answer = ok
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def way(self) -> Proxy:
        return proxy_of(self.proxy.url)

    async def post(self, request: web.Request) -> web.Response:
        self.told.append(json.loads(await request.text()))
        return web.Response(status=await self.answer(self))


@asynccontextmanager
async def hook(answer: Answer = ok, tls: ssl.SSLContext | None = None) -> AsyncIterator[Hook]:
    """A web hook that only the proxy knows by its name."""
    async with Socks5Proxy({}) as proxy:
        made = Hook(proxy, answer)
        app = web.Application()
        app.router.add_post("/{path:.*}", made.post)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        assert site._server is not None
        proxy.route(HOOK, site._server.sockets[0].getsockname()[:2])  # type: ignore[attr-defined]
        try:
            yield made
        finally:
            await runner.cleanup()


@asynccontextmanager
async def mail_server(proxy: Socks5Proxy, host: str, replies: dict[str, str]) -> AsyncIterator[list[str]]:
    """What a client said to a mail server of that name; ``replies`` to its verbs differ from 250 where given."""
    said: list[str] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        in_text = False
        while line := (await reader.readline()).decode():
            said.append(line.rstrip("\r\n"))
            verb = line[:4].strip().upper()
            if in_text:
                in_text = line != ".\r\n"
                if in_text:
                    continue
            elif verb == "DATA" and "DATA" not in replies:
                in_text = True
                writer.write(b"354 go on\r\n")
                continue
            writer.write((replies.get(verb, "250 fine") + "\r\n").encode())
            if verb == "QUIT":
                break
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    proxy.route(host, server.sockets[0].getsockname()[:2])
    try:
        yield said
    finally:
        server.close()


async def tell(folder: Path, url: str) -> None:
    """Deliver all that a store owes to the web hook, through the proxy at ``url``."""
    async with LedgerStore.open(folder / "store", vantage="alpha") as store:
        delivery = Delivery(store, load_key(folder / "key"), WallClock())
        await delivery.use(sinks([alert()], proxies=[proxy_of(url)]))
        await delivery.flush()
        await delivery.dismiss()


def alert(**other: Any) -> AlertSettings:
    return AlertSettings(**{"to": f"json://{HOOK}/s3cret-path/", **other})


if __name__ == "__main__":
    asyncio.run(tell(Path(sys.argv[1]), sys.argv[2]))
