"""Puts into the search index what was kept before there was one: place by place, at leisure, beside the watching.

Pages are read by the reader's workers, as a visit's are; whatever ends the process, the place that it was at is begun
anew by the next one, and nothing is in the index twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import structlog

from watcher.edge.ledger import Ledger
from watcher.edge.rows import capture_id
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import StoreError
from watcher.ports import Reader

_RUNS = """
SELECT place, n, lead(n, 1, :last + 1) OVER (PARTITION BY place ORDER BY n), id FROM (
  SELECT c.place, c.n, c.id, b.erased, c.body IS NOT lag(c.body) OVER (PARTITION BY c.place ORDER BY c.n) AS begins
  FROM capture c JOIN body b ON b.id = c.body WHERE c.n <= :last AND c.place > :done AND c.status IS NOT NULL)
WHERE begins AND erased IS NULL ORDER BY place, n
"""
"""Captures of one place in a row that show the same bytes: where each such run begins, and where the next one does."""
_ENTRIES = 500


class _Run(NamedTuple):
    place: int
    first: int
    until: int
    capture: int


async def backfill(store: LedgerStore, reader: Reader, advance: Callable[[int, int], None] = lambda *_: None) -> int:
    """How many versions of pages were put into the index; nothing is to be done for a store that was made with one.
    ``advance`` is told how many of how many are through."""
    row = await store.do(lambda desk: desk.db.execute("SELECT last, place FROM unsearched").fetchone())
    if row is None:
        return 0
    last, done = row
    if done < 0:
        await _entries(store)
    with Ledger.open(store.folder) as ledger:
        # asked for at once: a question that is open for hours would keep the ledger's other half from being tidied up
        runs = [_Run(*found) for found in ledger.connection.execute(_RUNS, {"last": last, "done": done}).fetchall()]
        for number, run in enumerate(runs):
            if number and runs[number - 1].place != run.place:
                await store.do(partial(_through, place=runs[number - 1].place))
            try:
                page = await asyncio.to_thread(ledger.page, capture_id(run.capture))
            except StoreError:
                continue  # damage is for `verify` to name
            reading = await reader.read_detail(page, b"", "")
            await store.do(partial(_see, run=run, text=reading.text))
            advance(number + 1, len(runs))
    await store.do(lambda desk: desk.db.execute("DELETE FROM unsearched"))
    return len(runs)


async def at_leisure(store: LedgerStore, reader: Reader) -> None:
    """The same beside the watching: trouble ends it until the next start."""
    log = structlog.get_logger("watcher")
    try:
        count = await backfill(store, reader)
    except StoreError as error:
        log.error("search index waits", error=str(error), mend=error.hint)
    else:
        if count:
            log.info("older captures can be searched", versions=count)


async def _entries(store: LedgerStore) -> None:
    def some(desk: Desk, after: int) -> int | None:
        rows = desk.db.execute(
            "SELECT e.rowid, e.site, s.name, e.key FROM entry e JOIN site s ON s.id = e.site WHERE e.rowid > ?"
            " ORDER BY e.rowid LIMIT ?",
            (after, _ENTRIES),
        ).fetchall()
        wanted = {(name, key): site for _, site, name, key in rows}
        for name in dict.fromkeys(name for _, _, name, _ in rows):
            for of, entry in desk.ledger.entries(site=name):
                if (of, entry.key) in wanted:
                    desk.index.name(wanted[of, entry.key], entry)
        return rows[-1][0] if rows else None

    after: int | None = 0
    while after is not None:
        after = await store.do(partial(some, after=after))


def _see(desk: Desk, *, run: _Run, text: str) -> None:
    desk.index.see_between(run.place, run.first, run.until, text)


def _through(desk: Desk, *, place: int) -> None:
    desk.db.execute("UPDATE unsearched SET place = ?", (place,))
