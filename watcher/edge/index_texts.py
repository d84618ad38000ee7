"""Puts into the search index of a fleet's index what the pages say: logs hold digests of texts alone, so the pages that
are new are read again, by the reader's workers, beside the following."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from watcher.edge.rows import capture_number
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import StoreError, UsageError
from watcher.ports import Reader
from watcher.records import Page

IDLE_SECONDS = 5.0
AT_ONCE = 64


async def read_texts(union: LedgerStore, reader: Reader) -> int:
    """How many pages were read: all that wait. What cannot be read any more is passed over."""
    count = 0
    while names := await union.do(_waiting):
        for name in names:
            text = ""
            try:
                page = await union.do(partial(_page, capture=name))
                text = (await reader.read_detail(page, b"", "")).text
            except (StoreError, UsageError) as error:  # pruned meanwhile; damage is for `verify` to name
                structlog.get_logger("watcher").warning("page not read", capture=name, error=str(error))
            await union.do(partial(_see, capture=name, text=text))
            count += 1
    return count


async def at_leisure(union: LedgerStore, reader: Reader) -> None:
    """The same, again and again, until cancelled."""
    while True:
        try:
            await read_texts(union, reader)
        except StoreError as error:
            structlog.get_logger("watcher").error("search index waits", error=str(error), mend=error.hint)
        await asyncio.sleep(IDLE_SECONDS)


def _waiting(desk: Desk) -> list[str]:
    rows = desk.db.execute("SELECT capture FROM fleet_unread ORDER BY rowid LIMIT ?", (AT_ONCE,))
    return [name for (name,) in rows]


def _page(desk: Desk, *, capture: str) -> Page:
    return desk.ledger.page(capture)


def _see(desk: Desk, *, capture: str, text: str) -> None:
    row = desk.db.execute("SELECT place, n FROM capture WHERE id = ?", (capture_number(capture),)).fetchone()
    if row is not None and text:
        desk.index.see(row[0], row[1], text, in_turn=True)
    desk.db.execute("DELETE FROM fleet_unread WHERE capture = ?", (capture,))
