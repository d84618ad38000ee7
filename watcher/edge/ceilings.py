"""What is asked of the network at once, whatever is due: so much a second in all, and so much of one host."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

BYTES_A_SECOND = 8 << 20
"""Of all connections together. Two thousand pages of 50 kB every five minutes take a twentieth of it."""
BYTES_AT_ONCE = 32 << 20
"""What may come faster than that, after a quiet time."""
A_HOST = 6
"""Exchanges with one host at the same time: as many as a browser makes."""


class Flow:
    """A ceiling on what comes in over all connections together.

    Each byte takes a place in time (a leaky bucket, as the generic cell rate algorithm of ITU-T I.371 keeps one with a
    single number); who is ahead of time by more than the burst waits before he reads on.
    """

    def __init__(self, a_second: float = BYTES_A_SECOND, at_once: float = BYTES_AT_ONCE) -> None:
        self._second, self._ahead = a_second, at_once / a_second
        self._free = float("-inf")

    def came(self, size: int, now: float) -> float:
        """So many bytes came; the seconds for which whoever brought them is to bring no more."""
        self._free = max(self._free, now) + size / self._second
        return max(0.0, self._free - self._ahead - now)


class Hosts:
    """Turns with hosts: so many at the same time with each."""

    def __init__(self, most: int = A_HOST) -> None:
        self._most = most
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._users: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._gates)

    @contextlib.asynccontextmanager
    async def turn(self, host: str, deadline: float) -> AsyncIterator[None]:
        """A turn with the host, or none once the deadline (on the loop's clock) is over: then the exchange fails."""
        gate = self._gates.setdefault(host, asyncio.Semaphore(self._most))
        self._users[host] = self._users.get(host, 0) + 1
        mine = False
        try:
            if gate.locked():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(deadline):
                        mine = await gate.acquire()
            else:
                mine = await gate.acquire()
            yield
        finally:
            if mine:
                gate.release()
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host], self._gates[host]
