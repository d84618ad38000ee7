"""A vantage, an engine and an index through any course of restarts, messages that come twice or are lost, and stores
that are old copies: in the end the index's copy is the vantage's ledger, row for row."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.edge.keeping import entries, exchange, keep, visit_at, whole_visit
from tests.fleet.copying import KEY, NOW, rows_of
from watcher.core import custody
from watcher.core.shipping import MissingMessagesError, open_sealed
from watcher.edge import parcels
from watcher.edge.index_copies import Copy, folder_of
from watcher.edge.sign import check_signature
from watcher.edge.store import LedgerStore

T = TypeVar("T")
LARGE = b"".join(b"%x" % (number * 2654435761 % 2**32) for number in range(9000))


class Course(RuleBasedStateMachine):
    """One of each."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="shipping"))
        self.loop = asyncio.new_event_loop()
        self.number = 0
        self.stream: list[bytes] = []
        """What the engine holds."""
        self.read = 0
        """How much of it the index has read."""
        self.is_level = False
        self.saved = 0
        """How many old copies of the vantage's store there are."""
        self.own = self.do(self._own())
        self.copy = self.do(Copy.open(self.root / "index", KEY.verifier))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def _own(self) -> LedgerStore:
        store = LedgerStore.open(self.root / "own", vantage="a", now=lambda: NOW)
        await store.do(parcels.join)
        return store

    def teardown(self) -> None:
        try:
            self.agree_in_the_end()
        finally:
            self.do(self.copy.close())
            self.do(self.own.close())
            self.loop.close()
            shutil.rmtree(self.root)

    def agree_in_the_end(self) -> None:
        """Everybody is well, and has time."""
        self.is_level = False
        while self._ship(8, True):
            pass
        self.follow(10_000)
        assert rows_of(folder_of(self.root / "index", "a")) == rows_of(self.root / "own")

    @initialize(is_forgetful=st.booleans())
    def begin(self, is_forgetful: bool) -> None:
        """The engine may lose what it has not written, or the vantage be put back: both at once is beyond mending."""
        self.is_forgetful = is_forgetful
        self.do(self.own.act(custody.key_record(old="", new=KEY.vkey, at=NOW, vantage="a")))

    # --------------------------------------------------------------------------------------------- the vantage

    @rule(is_large=st.booleans(), is_recorded=st.booleans())
    def write(self, is_large: bool, is_recorded: bool) -> None:
        self.number += 1
        body = b"<li>%d" % self.number + LARGE * is_large
        if is_recorded:
            self.do(whole_visit(self.own, self.number, body, entries(self.number % 4)))
        else:
            self.do(keep(self.own, self.number, exchange(body, visit_at(self.number)[1])))

    @rule()
    def prune(self) -> None:
        self.do(self.own.prune(visit_at(self.number)[1] - timedelta(minutes=20)))

    @rule()
    def sign(self) -> None:
        size, root = self.do(self.own.head())
        self.do(self.own.checkpoint(size, str(KEY.checkpoint(size, root))))

    @rule(most=st.integers(1, 4), is_acknowledged=st.booleans())
    def ship(self, most: int, is_acknowledged: bool) -> None:
        self._ship(most, is_acknowledged)

    def _ship(self, most: int, is_acknowledged: bool) -> bool:
        """Some messages arrive at the engine; the vantage may not hear of the last of them, and ships it again."""
        if not self.is_level:
            last = self._seq(self.stream[-1]) if self.stream else 0
            self.do(self.own.do(partial(parcels.level, last=last)))
            self.is_level = True
        waiting = self.do(self.own.do(partial(parcels.waiting, most=most)))
        if not waiting:
            self.do(self.own.do(partial(parcels.make_parcel, vantage="a", sign=KEY.sign, at=NOW)))
            waiting = self.do(self.own.do(partial(parcels.waiting, most=most)))
        for place, (seq, data) in enumerate(waiting, start=1):
            self.stream.append(data)
            if is_acknowledged or place < len(waiting):
                self.do(self.own.do(partial(parcels.arrived, seq=seq)))
        return bool(waiting)

    def _seq(self, data: bytes) -> int:
        return open_sealed(data, "a", KEY.verifier.public, check_signature).seq

    @rule()
    def restart(self) -> None:
        self.do(self.own.close())
        self.own, self.is_level = self.do(self._own()), False

    @precondition(lambda self: not self.is_forgetful)
    @rule()
    def save(self) -> None:
        self.do(self.own.close())
        self.saved += 1
        shutil.copytree(self.root / "own", self.root / f"saved{self.saved}")
        self.own, self.is_level = self.do(self._own()), False

    @precondition(lambda self: not self.is_forgetful and self.saved)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        """The disk broke, and an old copy of the store goes on."""
        chosen = data.draw(st.integers(1, self.saved))
        self.do(self.own.close())
        shutil.rmtree(self.root / "own")
        shutil.copytree(self.root / f"saved{chosen}", self.root / "own")
        self.own, self.is_level = self.do(self._own()), False

    # ----------------------------------------------------------------------------------------------- the engine

    @precondition(lambda self: self.is_forgetful)
    @rule(lost=st.integers(1, 3))
    def forget(self, lost: int) -> None:
        """It was killed, and had not written its last messages; whoever reads it begins a little earlier."""
        del self.stream[-lost:]
        self.read, self.is_level = 0, False

    # ------------------------------------------------------------------------------------------------ the index

    @rule(most=st.integers(1, 5))
    def follow(self, most: int) -> None:
        for _ in range(most):
            if self.read >= len(self.stream):
                return
            message = self.copy.opened(self.stream[self.read])
            try:
                self.do(self.copy.receive(message))
            except MissingMessagesError:
                raise AssertionError("nothing was passed over") from None
            self.read += 1

    @rule()
    def restart_index(self) -> None:
        """It reads again what it had not taken in for good, and something before."""
        self.do(self.copy.close())
        self.copy = self.do(Copy.open(self.root / "index", KEY.verifier))
        self.read = 0


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=12, stateful_step_count=20, deadline=None, derandomize=True)
