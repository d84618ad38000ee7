"""One hostile server, one proxy, one look: everything real between the socket and the roster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.hostile.servers import Hostile, HostileServer
from watcher.cli.compose import SystemClock
from watcher.core.onion import address
from watcher.edge.fetch import SocksFetcher
from watcher.edge.live import Live
from watcher.edge.reader import MIB, WorkerReader
from watcher.edge.store import LedgerStore
from watcher.look import Means, ShortWay, Visited
from watcher.records import Policy, Site
from watcher.testing.socks5 import Socks5Proxy
from watcher.visit import visit

ONION = address(bytes(range(32)))
OTHER = address(bytes(32))
MAX_BODY = 12 * MIB
KILLERS = frozenset({"entry-kills-reader"})
"""What kills whoever reads an entry's own page."""
MAX_HEADER = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What looks share: a store and page readers, on a short leash."""

    store: LedgerStore
    reader: WorkerReader
    impatient: WorkerReader
    """For what is expected to kill it."""


@asynccontextmanager
async def kit(folder: Path) -> AsyncIterator[Kit]:
    reader = WorkerReader(workers=1, cpu_seconds=6, wall_seconds=60)
    impatient = WorkerReader(workers=1, cpu_seconds=1, wall_seconds=60)
    try:
        async with LedgerStore.open(folder / "store", vantage="test") as store:
            yield Kit(store=store, reader=reader, impatient=impatient)
    finally:
        await reader.close()
        await impatient.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of it."""

    visits: tuple[Visited, ...]
    requests: tuple[str, ...]
    """What the server was asked for."""
    hosts: frozenset[str]
    """What the proxy was asked for."""
    sent: int


async def look(item: Hostile, kit: Kit, *, times: int = 1, seconds: float = 20.0) -> Looked:
    """So many looks at the one site that the entry is, each in as many seconds."""
    host = item.host or ONION
    url = f"{item.scheme}://{host}{item.path}"
    site = Site(name=item.name.replace(".", "-"), mirrors=(url,))
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(HostileServer(item))
        proxy = await stack.enter_async_context(Socks5Proxy({host: server.address}))
        if item.proxy:
            proxy.misbehave(host, item.proxy)
        fetcher = SocksFetcher([proxy.url], [url], max_body=MAX_BODY, max_header=MAX_HEADER)
        await stack.enter_async_context(fetcher)
        means = Means(
            retrieve=Live(fetcher, kit.store, clock),
            store=kit.store,
            reader=kit.impatient if item.why.startswith("worker-killed") or item.name in KILLERS else kit.reader,
            clock=clock,
            policy=Policy(confirm_visits=2, confirm_after=timedelta(0)),
            vantage="test",
            timeout=timedelta(seconds=seconds),
            short=ShortWay(store=kit.store),
        )
        visits = [await visit(site, site.mirrors, "token", means) for _ in range(times)]
        return Looked(
            visits=tuple(visits),
            requests=tuple(server.requests),
            hosts=frozenset(request.host for request in proxy.requests),
            sent=server.sent,
        )
