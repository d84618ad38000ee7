"""Connections by circuit: kept while they may be asked again, closed when not, never more than so many.

A circuit is a proxy and an isolation token. Connections are kept for a moment, so that the pages of one visit go over
one connection; between visits a circuit costs nothing here, and tor keeps it by its credentials.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from watcher.edge.proxy import Health, Proxy
from watcher.edge.socks import MayReach, Where, connect
from watcher.edge.tap import Line, Tape

KEEP_ALIVE_SECONDS = 20.0
"""A connection left idle so long is closed."""

OPENING = 50
"""Connections opened at the same time, a proxy: a circuit costs tor the more, the more of them are built together."""
OPENING_SECONDS = 10.0
"""What takes longer is waiting for the site, not for tor's processor, and is not counted."""

_Key = tuple[Proxy, str]


@dataclass(slots=True)
class _Circuit:
    idle: dict[Where, list[Line]] = field(default_factory=dict)
    busy: set[Line] = field(default_factory=set)
    users: int = 0
    used_at: float = 0.0

    def close(self) -> None:
        for lines in self.idle.values():
            for line in lines:
                line.close()
        for line in self.busy:
            line.abort()


class Circuits:
    """The connections of all circuits."""

    def __init__(self, may_reach: MayReach, *, most: int = 256, idle_seconds: float = 60.0) -> None:
        """At most ``most`` circuits that nobody uses are kept, and none longer than ``idle_seconds``."""
        self._may_reach, self._most, self._idle = may_reach, most, idle_seconds
        self._busy: dict[_Key, _Circuit] = {}
        self._gates: dict[Proxy, asyncio.Semaphore] = {}
        self._unused: OrderedDict[_Key, _Circuit] = OrderedDict()
        """The longest unused first."""

    def __len__(self) -> int:
        return len(self._busy) + len(self._unused)

    @contextlib.asynccontextmanager
    async def line(self, proxy: Proxy, token: str, where: Where, *, health: Health, tape: Tape) -> AsyncIterator[Line]:
        """A connection to a site over a circuit, new or kept from before, for the exchange of this tape."""
        key = proxy, token
        circuit = self._busy.get(key) or self._unused.pop(key, None) or _Circuit()
        self._busy[key] = circuit
        circuit.users += 1
        line: Line | None = None
        try:
            line = None if tape.fresh else _kept(circuit, where)
            if line is None:
                line = await self._open(proxy, token, where, health=health, tape=tape)
            circuit.busy.add(line)
            line.begin(tape)
            yield line
        finally:
            if line is not None:
                circuit.busy.discard(line)
                if tape.leaves_open and not line.closed and self._busy.get(key) is circuit:
                    line.idle_since = time.monotonic()
                    circuit.idle.setdefault(where, []).append(line)
                else:
                    line.abort() if not tape.complete else line.close()
            circuit.users -= 1
            circuit.used_at = time.monotonic()
            if not circuit.users and self._busy.pop(key, None) is circuit:
                self._unused[key] = circuit
            self._trim()

    async def _open(self, proxy: Proxy, token: str, where: Where, *, health: Health, tape: Tape) -> Line:
        """A new connection, once few enough others are being opened."""
        gate = self._gates.setdefault(proxy, asyncio.Semaphore(OPENING))
        await gate.acquire()
        passed = asyncio.get_running_loop().call_later(OPENING_SECONDS, gate.release)
        try:
            return await connect(proxy, token, where, health=health, tape=tape, may_reach=self._may_reach)
        finally:
            if passed.when() > asyncio.get_running_loop().time():
                passed.cancel()
                gate.release()

    async def close(self) -> None:
        """End every connection."""
        for circuits in (self._busy, self._unused):
            while circuits:
                _, circuit = circuits.popitem()
                circuit.close()
        await asyncio.sleep(0)  # transports close on the loop's next turn

    def _trim(self) -> None:
        """Close what nobody uses any more."""
        now = time.monotonic()
        while self._unused:
            key, circuit = next(iter(self._unused.items()))
            if len(self._unused) <= self._most and now - circuit.used_at <= self._idle:
                return
            del self._unused[key]
            circuit.close()


def _kept(circuit: _Circuit, where: Where) -> Line | None:
    """A connection that can be asked again, if one is left."""
    lines = circuit.idle.get(where, [])
    while lines:
        line = lines.pop()
        if not line.closed and time.monotonic() - line.idle_since <= KEEP_ALIVE_SECONDS:
            return line
        line.close()
    return None
