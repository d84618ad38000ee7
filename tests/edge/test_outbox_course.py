"""What is owed to whom, through any course of events, deliveries, failures, restarts, other sinks and other clocks,
against a plain list of it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.edge.keeping import START, entries, whole_visit
from tests.edge.test_store import check_log
from watcher.edge.ledger import Ledger
from watcher.edge.ledger_sights import WebLedger
from watcher.edge.store import LedgerStore

T = TypeVar("T")
SINKS = ("stdout:", "file:/alerts", "slack:0123")
NOTE = "local\n1\nhash=\n"


@dataclass
class Alert:
    """One event for one sink."""

    seq: int
    sink: str
    state: str = "owed"
    tries: int = 0
    due: datetime | None = None
    """None: at once."""
    why: str = ""


class Course(RuleBasedStateMachine):
    """An outbox and its list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="outbox"))
        self.loop = asyncio.new_event_loop()
        self.at = START
        self.events = 0
        self.active: tuple[str, ...] = ()
        self.known: list[str] = []
        """Sinks in the order in which they were first named."""
        self.alerts: dict[tuple[int, str], Alert] = {}
        self.store = self.do(self._opened())

    async def _opened(self) -> LedgerStore:
        return LedgerStore.open(self.folder, vantage="local", now=lambda: self.at)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.look()
        finally:
            self.do(self.store.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    @initialize(sinks=st.lists(st.sampled_from(SINKS), unique=True, min_size=1))
    def begin(self, sinks: list[str]) -> None:
        self.subscribe(sinks)
        self.tell()

    @rule(sinks=st.lists(st.sampled_from(SINKS), unique=True))
    def subscribe(self, sinks: list[str]) -> None:
        self.do(self.store.subscribe(sinks))
        self.active = tuple(sinks)
        self.known += [sink for sink in sinks if sink not in self.known]
        gone = [key for key, one in self.alerts.items() if one.state == "owed" and one.sink not in sinks]
        for key in gone:
            del self.alerts[key]

    @rule()
    def tell(self) -> None:
        self.events += 1
        self.do(whole_visit(self.store, self.events, b"<li>%d" % self.events, entries(1)))
        for sink in self.active:
            self.alerts[self.events, sink] = Alert(self.events, sink)

    @rule(minutes=st.sampled_from((-3000, -30, 1, 30, 600)))
    def wait(self, minutes: int) -> None:
        """The clock may be set back."""
        self.at += timedelta(minutes=minutes)

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), what=st.sampled_from(("delivered", "not wanted", "failed", "put off")))
    def settle(self, data: st.DataObject, what: str) -> None:
        """Somebody says what became of an alert: of one that is settled already, too, as after a crash."""
        one = self.alerts[data.draw(st.sampled_from(sorted(self.alerts)))]
        until = self.at + timedelta(minutes=20)
        match what:
            case "delivered":
                self.do(self.store.do(lambda desk: desk.outbox.delivered(one.seq, one.sink, NOTE, self.at)))
            case "not wanted":
                self.do(self.store.do(lambda desk: desk.outbox.not_wanted(one.seq, one.sink)))
            case "failed":
                self.do(self.store.do(lambda desk: desk.outbox.not_delivered(one.seq, one.sink, "deaf", until)))
            case "put off":
                self.do(self.store.do(lambda desk: desk.outbox.put_off(one.seq, one.sink, until)))
        if one.state != "owed":
            return
        match what:
            case "delivered":
                one.state, one.why = "delivered", ""
            case "not wanted":
                one.state, one.why = "not-wanted", ""
            case "failed":
                one.tries, one.due, one.why = one.tries + 1, until, "deaf"
            case "put off":
                one.due = until

    @rule()
    def restart(self) -> None:
        self.do(self.store.close())
        self.store = self.do(self._opened())

    def _due(self) -> list[Alert]:
        owed = [one for one in self.alerts.values() if one.state == "owed"]
        due = [one for one in owed if one.due is None or one.due <= self.at or self._is_of_another_clock(one)]
        return sorted(due, key=lambda one: (one.seq, self.known.index(one.sink)))

    def _is_of_another_clock(self, one: Alert) -> bool:
        """Nothing that fails waits for so long, and nothing is held back for so long."""
        return one.due is not None and one.due > self.at + timedelta(days=1 if one.why else 2)

    @rule(most=st.integers(1, 4), sinks=st.none() | st.lists(st.sampled_from(SINKS), unique=True))
    def ask(self, most: int, sinks: list[str] | None) -> None:
        """Of some sinks, and no more than so many: the oldest."""
        wanted = [one for one in self._due() if sinks is None or one.sink in sinks][:most]
        found = self.do(self.store.undelivered(most, sinks))
        assert [(one.seq, one.sink) for one in found] == [(one.seq, one.sink) for one in wanted]

    @rule()
    def look(self) -> None:
        found = self.do(self.store.undelivered())
        assert [(one.seq, one.sink, one.tries, one.held, one.why) for one in found] == [
            (one.seq, one.sink, one.tries, one.due is not None, one.why) for one in self._due()
        ]
        assert all(one.event.id == f"e{one.seq:015x}" for one in found)
        with Ledger.open(self.folder) as ledger:
            delivered = sum(one.state == "delivered" for one in self.alerts.values())
            assert check_log(ledger).count("alert") == delivered
        with WebLedger.open(self.folder) as ledger:
            assert isinstance(ledger, WebLedger)
            for seq in range(1, self.events + 1):
                mine = {one.sink: (one.state, one.why) for one in self.alerts.values() if one.seq == seq}
                told = {sink: (state, why) for sink, state, why in ledger.alerts_of(f"e{seq:015x}")}
                assert told == mine


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=15, stateful_step_count=25, deadline=None, derandomize=True)
