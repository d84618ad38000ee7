"""Independent time: RFC 3161 tokens over checkpoints, asked for through the proxy, however long it takes.

What is asked for stands in the ledger (the table ``stamp``): an authority that is away delays nothing and is asked
again, later and later. A token counts only if it verifies against roots that the user pinned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from watcher.edge import post, tokens
from watcher.edge.ledger import Stamp
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.edge.verify_store import as_signed
from watcher.errors import EvidenceError, UsageError
from watcher.ports import Clock

EVERY = timedelta(hours=1)
"""A checkpoint is stamped at least this long after the last one; one that covers news, at once."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
IDLE_SECONDS = 20.0
ASK, REPLY = "application/timestamp-query", "application/timestamp-reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorities:
    """Whom to ask, through whom, and whose word counts."""

    urls: tuple[str, ...]
    roots: Path | None
    proxies: tuple[str, ...]


class Stamper:
    """Asks for time-stamps of a store's checkpoints."""

    def __init__(self, store: LedgerStore, authorities: Authorities, key: SigningKey, clock: Clock) -> None:
        self._store, self._authorities, self._key, self._clock = store, authorities, key, clock
        self._log = structlog.get_logger("watcher")
        self._wake = asyncio.Event()
        self._urgent = False

    def soon(self) -> None:
        """There is news: ask for the newest checkpoint now."""
        self._urgent = True
        self._wake.set()

    async def run(self) -> None:
        """Ask for what is due, until cancelled."""
        while self._authorities.urls:
            self._wake.clear()
            await self.flush()
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def flush(self, *, now: bool = False) -> int:
        """How many tokens came: the newest checkpoint is asked for if it is time (or ``now``), and all that waits."""
        await self._want(at_once=now or self._urgent)
        self._urgent = False
        moment = self._clock.now()
        due = [
            s
            for s in await self._stamps()
            if s.state == "pending" and (now or s.next_try is None or s.next_try <= moment)
        ]
        return sum(await asyncio.gather(*(self._try(stamp) for stamp in due)))

    async def _want(self, *, at_once: bool) -> None:
        """Put the newest checkpoint down to be stamped, if it is not, and the last one is old enough."""
        heads = await self._store.do(lambda desk: list(desk.ledger.checkpoints())[-1:])
        if not heads:
            return
        head, moment = heads[0], self._clock.now()
        stamps = await self._stamps()
        signed = await self._store.do(lambda desk: {h.size: h.signed_at for h in desk.ledger.checkpoints()})
        for authority in self._authorities.urls:
            sizes = [stamp.size for stamp in stamps if stamp.authority == authority]
            last = max((signed[size] for size in sizes if size in signed), default=None)
            if head.size not in sizes and (at_once or last is None or moment - last >= EVERY):
                await self._store.stamp(head.size, authority, why="asked for", next_try=moment)

    async def _try(self, stamp: Stamp) -> bool:
        """Whether the token came; if not, when to ask again stands in the ledger."""
        try:
            token = await self._ask(stamp)
        except (post.NotAnswered, EvidenceError, UsageError) as error:
            wait = min(FIRST_WAIT * 2 ** min(stamp.tries, 20), LONGEST_WAIT)
            self._log.warning("no time-stamp", authority=stamp.authority, tries=stamp.tries, error=str(error))
            next_try = self._clock.now() + wait
            await self._store.stamp(stamp.size, stamp.authority, why=str(error), next_try=next_try)
            return False
        await self._store.stamp(stamp.size, stamp.authority, token=token)
        return True

    async def _ask(self, stamp: Stamp) -> bytes:
        roots = self._roots()
        heads = await self._store.do(lambda desk: {head.size: head.note for head in desk.ledger.checkpoints()})
        data = as_signed(heads[stamp.size], [self._key.verifier])
        request = tokens.ask_for(data)
        answer = await post.post(
            stamp.authority, request.as_bytes(), ASK, proxies=self._authorities.proxies, token="time-stamp"
        )
        if answer.status != 200:
            raise post.NotAnswered(f"HTTP status {answer.status}")
        tokens.verify(answer.body, data, roots, nonce=request.nonce)
        return answer.body

    def _roots(self) -> Sequence[tokens.Certificate]:
        path = self._authorities.roots
        if path is None or not path.is_file():
            raise UsageError(f"the authorities' roots are not there: {path}", hint="put them there, in PEM form")
        return tokens.load_roots(path.read_bytes(), source=str(path))

    async def _stamps(self) -> list[Stamp]:
        return await self._store.do(lambda desk: list(desk.ledger.stamps()))
