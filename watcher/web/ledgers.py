"""Threads that ask the ledger, each with one of its own: a page that takes long holds up neither the others nor the
watch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from watcher.edge.ledger_sights import WebLedger
from watcher.edge.schema import LEDGER
from watcher.errors import StoreError
from watcher.web.questions import NotFoundError

T = TypeVar("T")
THREADS = 4
MOST_STREAMS = 4
BATCH = 200
"""Objects of a stream that are fetched at a time."""


class NothingKeptError(NotFoundError):
    """Nothing was visited yet."""

    mend = "`watcher run` and `watcher check` visit"


class Ledgers:
    """The store in ``folder``, for many who look at once. ``close`` when nobody does any more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="look")
        self._own = threading.local()
        self._open: list[WebLedger] = []
        self._streams = asyncio.Semaphore(MOST_STREAMS)

    async def ask(self, question: Callable[[WebLedger], T]) -> T:
        """The answer, as of one moment. Raises ``NothingKeptError`` before anything was kept."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question)

    def _answer(self, question: Callable[[WebLedger], T]) -> T:
        ledger = self._ledger()
        try:
            ledger.connection.execute("BEGIN")
            ledger.log.forget()
            return question(ledger)
        except StoreError:
            self._drop(ledger)  # a restored store is another file
            raise
        finally:
            if self._own.__dict__.get("ledger") is ledger:
                ledger.connection.execute("ROLLBACK")

    def _ledger(self) -> WebLedger:
        """This thread's ledger; another one if another file has taken the store's place."""
        path = self.folder / LEDGER
        try:
            about = path.stat()
        except OSError:
            raise NothingKeptError("nothing was visited yet") from None
        which = (about.st_dev, about.st_ino)
        ledger: WebLedger | None = self._own.__dict__.get("ledger")
        if ledger is not None and self._own.which != which:
            self._drop(ledger)
            ledger = None
        if ledger is None:
            ledger = WebLedger.open(self.folder)
            self._own.ledger, self._own.which = ledger, which
            self._open.append(ledger)
        return ledger

    def _drop(self, ledger: WebLedger) -> None:
        self._own.__dict__.pop("ledger", None)
        with suppress(ValueError):
            self._open.remove(ledger)
        ledger.close()

    @asynccontextmanager
    async def stream(self, rows: Callable[[WebLedger], Iterator[T]]) -> AsyncIterator[AsyncIterator[list[T]]]:
        """The rows of a question whose answer may be long, some at a time, as of one moment."""
        async with self._streams:
            path = self.folder / LEDGER
            if not path.exists():
                raise NothingKeptError("nothing was visited yet")
            stack, loop = ExitStack(), asyncio.get_running_loop()

            def begin() -> Iterator[T]:
                ledger = stack.enter_context(closing(WebLedger.open(self.folder)))
                ledger.connection.execute("BEGIN")
                return rows(ledger)

            # One thread does all of it: who stops listening in the middle of a batch closes nothing under the reader.
            thread = ThreadPoolExecutor(1, thread_name_prefix="stream")
            try:
                yield _batches(await loop.run_in_executor(thread, begin), thread)
            finally:
                thread.submit(stack.close)
                await loop.run_in_executor(None, thread.shutdown)

    def close(self) -> None:
        """Wait for the questions that are being answered, and close the ledgers."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for ledger in self._open:
            ledger.close()
        self._open.clear()


async def _batches(rows: Iterator[T], thread: ThreadPoolExecutor) -> AsyncIterator[list[T]]:
    def some() -> list[T]:
        return list(islice(rows, BATCH))

    while batch := await asyncio.get_running_loop().run_in_executor(thread, some):
        yield batch
