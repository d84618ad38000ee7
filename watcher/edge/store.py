"""The store as the watcher works with it: ``watcher.ports.Store``, on disk, with one owner and one writing thread."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from watcher.core import custody, http
from watcher.core.adaptive import DAY
from watcher.core.foreseen import looks
from watcher.edge import object_bodies, trouble
from watcher.edge.bodies import BodyFiles
from watcher.edge.ledger import BODIES, Owed
from watcher.edge.ledger_captures import page_of
from watcher.edge.lock import Lock
from watcher.edge.machine import give_back_large_blocks
from watcher.edge.pruner import Pruned
from watcher.edge.rows import sayable
from watcher.edge.sayings import spelled
from watcher.edge.writer import Desk, Writer
from watcher.ports import Again, Last, Origin, Outcome, SiteState
from watcher.records import Capture, Exchange, Page, Snapshot, TargetStatus

T = TypeVar("T")
IN_HAND_BYTES = 8 << 20
"""Payloads kept in memory between keeping and reading them."""
SMALL_PAGE = 256 * 1024
"""A larger payload, or one in a content coding, is decoded in a thread."""


def _now() -> datetime:
    return datetime.now(UTC)


class LedgerStore:
    """The one owner of a store. ``LedgerStore.open`` takes the lock; ``close`` gives it back."""

    def __init__(self, folder: Path, lock: Lock, writer: Writer, now: Callable[[], datetime]) -> None:
        self.folder = folder
        self._lock, self._writer, self._now = lock, writer, now
        self._in_hand: OrderedDict[str, tuple[bytes, http.Headers]] = OrderedDict()
        self._in_hand_bytes = 0
        self._decoding = asyncio.Semaphore(1)
        """One at a time: a few hundred bytes may be 16 MiB."""

    @classmethod
    def open(cls, folder: Path, *, vantage: str, bodies: str = "", now: Callable[[], datetime] = _now) -> Self:
        """The store in ``folder``, made if there is none, owned until it is closed. ``StoreBusy`` if it is in use.
        ``bodies``: where large ones go from now on (``s3://…``), if not into the folder."""
        with trouble.told(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        give_back_large_blocks()
        with ExitStack() as otherwise:
            lock = Lock.take(folder)
            otherwise.callback(lock.release)
            if bodies:
                object_bodies.use(folder, bodies)
            object_bodies.frames_of(folder, BodyFiles(folder / BODIES)).prepare()
            store = cls(folder, lock, Writer(folder, vantage), now)
            otherwise.pop_all()
        return store

    async def close(self) -> None:
        """Finish what waits to be written, and let another process own the store."""
        await asyncio.to_thread(self._writer.close)
        self._lock.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def do(self, work: Callable[[Desk], T]) -> T:
        """Whatever else is to be read or written: runs in the writing thread, all or nothing, durable on return."""
        return await self._writer.do(work)

    # -------------------------------------------------------------------------------------------------- visits

    async def keep(
        self, origin: Origin, exchanges: Sequence[Exchange], *, foreign: bool = False
    ) -> tuple[Capture, ...]:
        """The exchanges as captures or misses, durable when this returns; one kept before is given again. ``foreign``
        ones, brought in from elsewhere, have no leaf in the custody log."""
        exchanges = [_spelled(exchange) for exchange in exchanges]
        wires = [http.split(exchange.response) for exchange in exchanges]
        captures = await self.do(lambda desk: desk.keeper.keep(origin, exchanges, wires, foreign=foreign))
        for capture, wire in zip(captures, wires, strict=True):
            if not capture.is_miss:
                self._hold(capture.id, wire)
        return captures

    def _hold(self, capture: str, wire: http.Wire) -> None:
        if capture in self._in_hand:
            return
        self._in_hand[capture] = (wire.payload, wire.headers)
        self._in_hand_bytes += len(wire.payload)
        while self._in_hand_bytes > IN_HAND_BYTES:
            _, (payload, _) = self._in_hand.popitem(last=False)
            self._in_hand_bytes -= len(payload)

    async def page(self, capture: Capture) -> Page:
        """A kept capture's body, transfer and content coding taken off, ready to be read. Not for a miss."""
        held = self._in_hand.pop(capture.id, None)
        if held is None:
            return await self.do(lambda desk: desk.ledger.page(capture.id))
        payload, headers = held
        self._in_hand_bytes -= len(payload)
        if len(payload) > SMALL_PAGE or http.header(headers, "content-encoding"):
            async with self._decoding:
                return await asyncio.to_thread(page_of, capture, payload, headers)
        return page_of(capture, payload, headers)

    async def state(self, site: str) -> SiteState:
        """What is believed of a site; an empty roster at first."""
        known = self._writer.desk.believer.at_hand(site)
        return known if known else await self.do(lambda desk: desk.believer.state(site))

    async def record(self, outcome: Outcome) -> None:
        """Snapshot, readings, roster, events and their custody leaves: all or nothing. Said again, nothing changes."""
        at = self._now()

        def work(desk: Desk, said: Outcome) -> None:
            desk.recorder.record(said, at)
            desk.believer.believe(said.site, said.snapshot, said.decision.roster, said.memory)

        try:
            await self.do(lambda desk: work(desk, outcome))
        except UnicodeEncodeError:
            sayable_outcome = spelled(outcome)
            await self.do(lambda desk: work(desk, sayable_outcome))

    async def last(self, site: str) -> Last | None:
        """A site's last visit; None if there is nothing to know again."""
        return await self.do(lambda desk: desk.recorder.repeats.last(site))

    async def last_visits(self, site: str, most: int) -> tuple[str, ...]:
        """The site's last visits that were recorded, oldest first."""
        return await self.do(lambda desk: desk.recorder.repeats.last_visits(site, most))

    async def record_again(self, again: Again) -> Snapshot | None:
        """``record`` for a visit that showed what one before it did: its snapshot as the log has it, without entries.
        None: what that was is not known, and nothing was recorded."""
        at = self._now()

        def work(desk: Desk) -> Snapshot | None:
            snapshot = desk.recorder.record_again(again, at)
            if snapshot is not None:
                desk.believer.saw_again(again.site, looks(snapshot))
                if again.next_visit is not None:
                    desk.outbox.schedule(again.site, again.next_visit)
            return snapshot

        return await self.do(work)

    async def captures_of(self, visit: str) -> tuple[Capture, ...]:
        """A visit's captures and misses, in the order in which they were kept."""
        return await self.do(lambda desk: desk.ledger.captures_of(visit))

    async def unrecorded_visits(self) -> tuple[str, ...]:
        """Visits that were kept and, because something ended the process, never recorded; oldest first."""
        return await self.do(lambda desk: desk.ledger.unrecorded_visits())

    async def status(self) -> tuple[TargetStatus, ...]:
        """How every target stands."""
        return await self.do(lambda desk: desk.ledger.status())

    async def schedule(self, site: str, next_visit: datetime) -> None:
        """Remember when a site is due."""
        await self.do(lambda desk: desk.outbox.schedule(site, next_visit))

    # -------------------------------------------------------------------------------------------------- alerts

    async def subscribe(self, sinks: Sequence[str]) -> None:
        """From now on every event owes an alert to each of these sinks, and to no other."""
        await self.do(lambda desk: desk.outbox.subscribe(sinks))

    async def undelivered(
        self, limit: int = 100, sinks: Sequence[str] | None = None, held: timedelta = DAY
    ) -> tuple[Owed, ...]:
        """Alerts that are due now, to these sinks if any are named, the oldest event first. ``held``: how long one is
        held back at most."""
        now = self._now()
        return await self.do(lambda desk: desk.ledger.owed(now, limit, sinks, held))

    async def not_wanted(self, alert: Owed) -> None:
        """The sink did not ask for such an event: owed no more."""
        await self.do(lambda desk: desk.outbox.not_wanted(alert.seq, alert.sink))

    # ---------------------------------------------------------------------------------------------------- prune

    async def prune(self, before: datetime, *, dry_run: bool = False) -> Pruned:
        """Erase the bodies that only captures older than ``before`` show and no event needs; what they were is logged.
        Digests, records and proofs stay."""
        at = self._now()

        def work(desk: Desk) -> Pruned:
            pruned = desk.pruner.prune(before, at, dry_run=dry_run)
            desk.forget()  # what is kept next must not count on a body that is gone
            return pruned

        await self.do(lambda desk: desk.db.execute("PRAGMA secure_delete = ON"))
        pruned = await self.do(work)
        # files only go once the ledger says durably that they may
        await self.do(lambda desk: desk.ledger.bodies.sweep())
        return pruned

    # --------------------------------------------------------------------------------------------- custody log

    async def act(self, record: custody.Record) -> int:
        """The index of the leaf of any other act on evidence (``watcher.core.custody`` makes the record)."""
        return await self.do(lambda desk: desk.ledger.log.act(record))

    async def head(self) -> tuple[int, bytes]:
        """How many leaves the custody log has, and the root over them: what a checkpoint signs."""
        return await self.do(lambda desk: (desk.ledger.log.size, desk.ledger.log.root()))

    async def checkpoint(self, size: int, note: str) -> None:
        """Keep a signed head of the log."""
        at = self._now()
        await self.do(lambda desk: desk.outbox.checkpoint(size, note, at))

    async def stamp(
        self, size: int, authority: str, *, token: bytes = b"", why: str = "", next_try: datetime | None = None
    ) -> None:
        """Keep what a time-stamp authority said of a head: a token, or why there is none and when to ask again."""
        await self.do(lambda desk: desk.outbox.stamp(size, authority, token=token, why=sayable(why), next_try=next_try))


def _spelled(exchange: Exchange) -> Exchange:
    words = (exchange.url, exchange.mirror, exchange.isolation, exchange.cut, *exchange.why)
    return exchange if all(word.isascii() for word in words) else spelled(exchange)
