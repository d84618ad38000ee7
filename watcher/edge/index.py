"""The index of a fleet: what the vantages ship becomes a copy of each one's ledger, and one ledger over all.

It is a projection: thrown away, it is made again from what the vantages hold. Messages may come twice and in any order
between vantages; each vantage's own come in order, or are waited for.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

import structlog

from watcher.core import note
from watcher.core.agree import Agreement, Recently
from watcher.core.shipping import STREAM, MissingMessagesError
from watcher.edge import index_union
from watcher.edge.index_copies import Copy
from watcher.edge.index_union import Memory, Step, Union
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message as it came."""

    vantage: str
    """By the subject that it was published to."""
    data: bytes
    place: int = 0
    """In the stream; 0: there is none."""


class Index:
    """The owner of an index's store. ``Index.open`` takes the locks; ``close`` gives them back."""

    def __init__(
        self, union: LedgerStore, copies: dict[str, Copy], rule: Agreement, on_news: Callable[[], None]
    ) -> None:
        self.union = union
        """The ledger over all."""
        self.copies = copies
        self.rule = rule
        self._on_news = on_news
        self.on_gap: Callable[[], None] = lambda: None
        """Called when messages were passed over: what was read is to be read again."""
        self._gaps: set[str] = set()
        """Vantages for which that was done, and that have not come further since."""
        self.trouble: dict[str, str] = {}
        """What was told last of each vantage."""
        self._recently = Recently()
        self._memories = {name: Memory() for name in copies}
        self._begun: dict[str, int] = {}
        """Where in the stream the parcel begins that a vantage's messages have not completed yet."""
        self._log = structlog.get_logger("watcher")

    @classmethod
    async def open(
        cls,
        folder: Path,
        keys: Sequence[note.VerifierKey],
        rule: Agreement,
        *,
        on_news: Callable[[], None] = lambda: None,
        bodies: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """The index in ``folder`` of the vantages with these keys. ``on_news`` is called when there are events to be
        told; ``bodies`` is as for any store."""
        async with AsyncExitStack() as otherwise:
            opened = LedgerStore.open(folder, vantage=rule.index, bodies=bodies, now=now)
            union = await otherwise.enter_async_context(opened)
            await union.do(index_union.prepare)
            copies = {}
            for key in keys:
                copies[key.name] = copy = await Copy.open(folder, key)
                otherwise.push_async_callback(copy.close)
            index = cls(union, copies, rule, on_news)
            otherwise.pop_all()
        return index

    async def close(self) -> None:
        for copy in self.copies.values():
            await copy.close()
        await self.union.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ------------------------------------------------------------------------------------------------- what comes

    async def follow(self, arrivals: AsyncIterable[Arrival]) -> None:
        """Take in what arrives, until there is no more."""
        for vantage in self.copies:  # what was received before the last process ended
            await self._safely(vantage, partial(self.project, vantage))
        async for arrival in arrivals:
            await self.take(arrival)

    async def take(self, arrival: Arrival) -> None:
        """Take one message in. What is wrong with it is told, and is no reason to stop: the other vantages go on."""
        await self._safely(arrival.vantage, partial(self._take, arrival))

    async def _safely(self, vantage: str, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except EvidenceError as error:
            if isinstance(error, MissingMessagesError) and vantage not in self._gaps:
                self._gaps.add(vantage)
                self.on_gap()
            if self.trouble.get(vantage) != str(error):
                self._log.error("vantage not followed", vantage=vantage, error=str(error))
            self.trouble[vantage] = str(error)

    async def _take(self, arrival: Arrival) -> None:
        copy = self.copies.get(arrival.vantage)
        if copy is None:
            raise EvidenceError(f"{arrival.vantage} is none of this fleet's vantages: [fleet] vantages names them")
        message = copy.opened(arrival.data)
        if message.seq <= copy.last:
            return
        if message.part == 0:
            self._begun[copy.vantage] = arrival.place
        if message.anew:
            self._memories[copy.vantage].clear()
        is_whole = await copy.receive(message)
        if is_whole is not None:
            self._begun.pop(copy.vantage, None)
            self.trouble.pop(copy.vantage, None)
            self._gaps.discard(copy.vantage)
            resume = min([arrival.place, *(place - 1 for place in self._begun.values())])
            await self.union.do(partial(_come_to, place=resume))
        if is_whole:
            await self.project(copy.vantage)

    async def project(self, vantage: str) -> int:
        """How many leaves of the vantage's log were gone through: all there are."""
        copy, leaves, told = self.copies[vantage], 0, 0
        more = True
        while more:
            step = await self.union.do(partial(self._step, copy=copy))
            leaves, told, more = leaves + step.leaves, told + step.told, step.more
        if told:
            self._on_news()
        return leaves

    def _step(self, desk: Desk, *, copy: Copy) -> Step:
        memory = self._memories[copy.vantage]
        return Union(desk, copy.ledger, copy.vantage, self.rule, recently=self._recently, memory=memory).step()

    async def resume_from(self) -> int:
        """The place in the stream behind which nothing was taken in for good."""
        return await self.union.do(_place)


def _come_to(desk: Desk, *, place: int) -> None:
    desk.db.execute("INSERT OR REPLACE INTO fleet_stream VALUES (?, ?)", (STREAM, place))


def _place(desk: Desk) -> int:
    row = desk.db.execute("SELECT seq FROM fleet_stream WHERE stream = ?", (STREAM,)).fetchone()
    return int(row[0]) if row else 0
