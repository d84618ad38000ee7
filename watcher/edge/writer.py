"""The one thread that writes: jobs that wait are committed together, and answered once they are durable.

A commit costs a wait for the disk, whatever is in it; so while one is under way the next gathers. Each job has a
savepoint of its own: one that fails takes nothing else with it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from watcher.edge import schema, trouble
from watcher.edge.believer import Believer
from watcher.edge.keeper import Keeper
from watcher.edge.ledger import Ledger
from watcher.edge.names import Names
from watcher.edge.outbox import Outbox
from watcher.edge.pruner import Pruner
from watcher.edge.recorder import Recorder
from watcher.edge.search_index import SearchIndex
from watcher.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

T = TypeVar("T")
MOST_TOGETHER = 512
"""Jobs of one commit."""


class Desk:
    """What a job works with: the ledger, and all that writes it."""

    def __init__(self, db: Database, folder: Path, vantage: str) -> None:
        self.db = db
        self.ledger = Ledger(db.conn, folder)
        names = Names(db.conn)
        self.keeper = Keeper(self.ledger, names, vantage)
        self.index = SearchIndex(db.conn)
        self.recorder = Recorder(self.ledger, names, self.keeper, self.index)
        self.believer = Believer(self.ledger, names, self.index)
        self.outbox = Outbox(self.ledger, names, vantage)
        self.pruner = Pruner(self.ledger, self.index, vantage)
        self._names = names

    def forget(self) -> None:
        """Remember nothing: something was rolled back, and what was remembered of it is not so."""
        for one in (self._names, self.keeper, self.recorder, self.believer, self.index, self.ledger.log):
            one.forget()
        self.ledger.bodies.forget()
        self.ledger.contents.forget()


class Job(Generic[T]):
    """Something to be written, and what came of it."""

    def __init__(self, work: Callable[[Desk], T]) -> None:
        self.answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._work = work
        self._result: T
        self.error: BaseException | None = None

    def run(self, desk: Desk, place: Path) -> None:
        """Do the work within a savepoint; whatever it raises is carried to whoever asked for it."""
        self.error = None
        with _Carried(self), trouble.told(place), _Savepoint(desk.db.conn):
            self._result = self._work(desk)
        if self.error is not None:
            desk.forget()

    def tell(self) -> None:
        """Give the answer, unless nobody waits for it any more."""
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self._result)


class _Savepoint:
    """As a nested ``db.atomic()``, with one name, so that SQLite need not parse it anew for every job."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("SAVEPOINT job")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self._connection.execute("RELEASE job")
        elif self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK TO job")
                self._connection.execute("RELEASE job")
            except (sqlite3.Error, MemoryError):
                self._connection.rollback()  # rather all of it than half a job
                raise


class _Carried:
    """Keeps what is raised inside for the job's asker, in whose task it is raised again: nothing is passed over."""

    def __init__(self, job: Job[Any]) -> None:
        self._job = job

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        self._job.error = error
        return True


class Writer:
    """The thread, its queue and its ledger."""

    def __init__(self, folder: Path, vantage: str) -> None:
        """Opens the ledger, in the thread that will use it; raises what that raises."""
        self._folder, self._vantage = folder, vantage
        self._place = folder / schema.LEDGER
        self._queue: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._closed = False
        opened: Future[Desk] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="ledger", daemon=True)
        self._thread.start()
        self.desk = opened.result()

    async def do(self, work: Callable[[Desk], T]) -> T:
        """What ``work`` returns, once all that it wrote is durable; or what it raised, and then it wrote nothing."""
        if self._closed or not self._thread.is_alive():
            raise StoreError("the store is closed")
        job = Job(work)
        self._queue.put(job)
        return await job.answer

    def close(self) -> None:
        """Finish what waits, and close the ledger."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    # ------------------------------------------------------------------------------------------ in the thread

    def _run(self, opened: Future[Desk]) -> None:
        try:
            with ExitStack() as otherwise:
                db = schema.open_owned(self._folder)
                otherwise.callback(db.conn.close)
                desk = Desk(db, self._folder, self._vantage)
                with trouble.told(self._place):
                    if desk.ledger.bodies.files.near:  # elsewhere it takes long, and prune does it
                        desk.ledger.bodies.sweep()
                otherwise.pop_all()
            opened.set_result(desk)
        except (StoreError, ImportError) as error:
            opened.set_exception(error)
            return
        finally:
            if not opened.done():  # whoever opens must not wait for ever
                opened.set_exception(StoreError(f"{self._place} could not be opened"))
        more = True
        while more:
            jobs, more = self._waiting()
            if jobs:
                self._commit(desk, jobs)
                _tell(jobs)
        desk.ledger.close()

    def _waiting(self) -> tuple[list[Job[Any]], bool]:
        """What waits to be written, at least one job; and whether there will be more."""
        jobs: list[Job[Any]] = []
        first = self._queue.get()
        while first is not None:
            jobs.append(first)
            if len(jobs) >= MOST_TOGETHER or self._queue.empty():
                return jobs, True
            first = self._queue.get()
        return jobs, False

    def _commit(self, desk: Desk, jobs: list[Job[Any]]) -> None:
        """All jobs in one transaction; if that cannot be had, each in its own."""
        try:
            with trouble.told(self._place), desk.db.atomic():
                for job in jobs:
                    job.run(desk, self._place)
                    if not desk.db.conn.in_transaction:  # a full disk makes SQLite give up all of it, not the savepoint
                        raise StoreError(f"{self._place}: the transaction was lost") from job.error
        except (StoreError, MemoryError) as error:  # SQLite's want of memory ends a transaction, too
            desk.forget()
            if len(jobs) == 1:
                jobs[0].error = jobs[0].error or error
            else:
                for job in jobs:
                    self._commit(desk, [job])


def _tell(jobs: list[Job[Any]]) -> None:
    def tell() -> None:
        for job in jobs:
            job.tell()

    with suppress(RuntimeError):  # the loop is closed: nobody waits
        jobs[0].answer.get_loop().call_soon_threadsafe(tell)
