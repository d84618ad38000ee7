"""A pool of connections for each circuit: kept while it is used, closed when it is not, never more than so many."""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp

from watcher.edge.proxy import Health, Proxy
from watcher.edge.socks import SocksConnector

_Key = tuple[Proxy, str]


@dataclass(slots=True, kw_only=True)
class _Circuit:
    session: aiohttp.ClientSession
    users: int = 0
    used_at: float = field(default_factory=time.monotonic)


class Circuits:
    """One aiohttp session for each proxy and isolation token: SOCKS credentials belong to a connector."""

    def __init__(
        self, may_reach: Callable[[str], bool], *, max_header: int, most: int = 256, idle_seconds: float = 60.0
    ) -> None:
        """At most ``most`` circuits that nobody uses are kept, and none longer than ``idle_seconds``."""
        self._may_reach, self._max_header, self._most, self._idle = may_reach, max_header, most, idle_seconds
        self._busy: dict[_Key, _Circuit] = {}
        self._unused: OrderedDict[_Key, _Circuit] = OrderedDict()
        """The longest unused first."""

    def __len__(self) -> int:
        return len(self._busy) + len(self._unused)

    @contextlib.asynccontextmanager
    async def session(self, proxy: Proxy, token: str, health: Health) -> AsyncIterator[aiohttp.ClientSession]:
        """The session of a circuit, for one exchange."""
        key = proxy, token
        circuit = self._busy.get(key) or self._unused.pop(key, None)
        circuit = circuit or _Circuit(session=self._open(proxy, token, health))
        self._busy[key] = circuit
        circuit.users += 1
        try:
            yield circuit.session
        finally:
            circuit.users -= 1
            circuit.used_at = time.monotonic()
            if not circuit.users:
                del self._busy[key]
                self._unused[key] = circuit
            await self._trim()

    async def close(self) -> None:
        """End every connection."""
        for circuits in (self._busy, self._unused):
            while circuits:
                _, circuit = circuits.popitem()
                await circuit.session.close()

    def _open(self, proxy: Proxy, token: str, health: Health) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=SocksConnector(proxy, token, health, self._may_reach),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            auto_decompress=False,
            trust_env=False,
            max_line_size=self._max_header,
            max_field_size=self._max_header,
            max_headers=self._max_header,
        )
        # aiohttp would ask again by itself over another connection; what came first would be lost from the record
        session._retry_connection = False
        return session

    async def _trim(self) -> None:
        """Close what nobody uses any more."""
        while self._unused:
            key, circuit = next(iter(self._unused.items()))
            if len(self._unused) <= self._most and time.monotonic() - circuit.used_at <= self._idle:
                return
            del self._unused[key]
            await circuit.session.close()
