"""Independent time: RFC 3161 tokens over checkpoints, asked for through the proxy, however long it takes.

What is asked for stands in the ledger (the table ``stamp``): an authority that is away delays nothing and is asked
again, later and later. A token counts only if it verifies against roots that the user pinned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from watcher.edge import post, tokens
from watcher.edge.ledger import Stamp
from watcher.edge.rows import micros
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.edge.verify_store import as_signed
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError, UsageError
from watcher.ports import Clock

EVERY = timedelta(hours=1)
"""A checkpoint is stamped at least this long after the last one; one that covers news, at once."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
ASK = "application/timestamp-query"


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
        self._urgent = False

    def soon(self) -> None:
        """There is news: ask for the newest checkpoint now."""
        self._urgent = True

    async def flush(self, *, now: bool = False) -> int:
        """How many tokens came: the newest checkpoint is asked for if it is time (or ``now``), and all that waits."""
        await self._store.do(partial(self._want, at_once=now or self._urgent, moment=self._clock.now()))
        self._urgent = False
        due = await self._store.do(partial(_due, until=None if now else self._clock.now()))
        return sum(await asyncio.gather(*(self._try(stamp) for stamp in due)))

    def _want(self, desk: Desk, *, at_once: bool, moment: datetime) -> None:
        """Put the newest checkpoint down to be stamped, if it is not, and the last one stamped is old enough."""
        head = desk.ledger.checkpoint()
        if head is None:
            return
        for authority in self._authorities.urls:
            (last,) = desk.ledger.connection.execute(
                "SELECT max(size) FROM stamp WHERE authority = ?", (authority,)
            ).fetchone()
            before = None if last is None else desk.ledger.checkpoint(last)
            if last != head.size and (at_once or before is None or abs(moment - before.signed_at) >= EVERY):
                desk.outbox.stamp(head.size, authority, why="asked for", next_try=moment)

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
        head = await self._store.do(lambda desk: desk.ledger.checkpoint(stamp.size))
        if head is None:
            raise EvidenceError(f"there is no checkpoint over {stamp.size} leaves")
        data = as_signed(head.note, [self._key.verifier])
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


def _due(desk: Desk, *, until: datetime | None) -> list[Stamp]:
    """What was asked for in vain, or not yet, and is due then; all of it, if no time is given. What was put off for
    longer than anything is, is due, too: the clock was set back since."""
    rows = desk.ledger.connection.execute(
        "SELECT size, authority FROM stamp WHERE state = 'pending'"
        " AND (?1 IS NULL OR next_try IS NULL OR next_try <= ?1 OR next_try > ?2)",
        (None, None) if until is None else (micros(until), micros(until + LONGEST_WAIT)),
    ).fetchall()
    return [stamp for size, whom in rows for stamp in desk.ledger.stamps(size) if stamp.authority == whom]
