"""A store through any course of visits, prunes, restarts, kills, full disks and clocks set back, against a model of
what was acknowledged: nothing of it is lost, torn or doubled, and nothing else is there."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.edge.keeping import MIRROR, START, entries, event, exchange, miss, outcome, reading
from tests.edge.test_store import check_log
from watcher.core.moments import rfc3339
from watcher.edge.ledger import Ledger
from watcher.edge.store import LedgerStore
from watcher.errors import StoreFull, UsageError
from watcher.ports import Origin
from watcher.records import Capture, Event, Exchange, Roster

T = TypeVar("T")
SITES = ("alpha", "beta")
FILLING = b"".join(b"<p>%d moving parts, and %d more</p>" % (number * 7919 % 1000, number) for number in range(40))
LARGE = b"".join(b"%x" % (number * 2654435761 % 2**32) for number in range(9000))
"""Packs to more than what lies in the ledger: a file."""


def body_of(number: int) -> bytes:
    """Six versions of a page; the last two are large."""
    return FILLING + b"<li>version %d</li>" % number + (LARGE if number >= 4 else b"")


@dataclass
class Kept:
    """A capture that was acknowledged."""

    capture: Capture
    exchange: Exchange
    started: datetime
    body: int | None
    """Which instance of its body it shows."""


@dataclass
class Visited:
    """A visit: what was kept of it, and whether that was recorded."""

    name: str
    site: str
    captures: list[Capture] = field(default_factory=list)
    recorded: bool = False


def facts_of(one: Capture) -> Capture:
    """What is known of a capture before anybody reads it."""
    return one if one.is_miss else replace(one, verdict="", why=(), complete=False)


class Course(RuleBasedStateMachine):
    """What a store is told, and what it must say."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="course"))
        self.loop = asyncio.new_event_loop()
        self.generation = 0
        self.at = START
        self.kept: dict[str, Kept] = {}
        self.visits: dict[str, Visited] = {}
        self.bodies: list[tuple[bytes, bool]] = []
        """Each time that a body came into the store: its bytes, and whether it is erased."""
        self.events: list[Event] = []
        self.rosters: dict[str, Roster] = {}
        self.acts = 0
        self.store = self._open()

    def _open(self) -> LedgerStore:
        return self.do(self._opened())

    async def _opened(self) -> LedgerStore:
        return LedgerStore.open(self.root / str(self.generation), vantage="local", now=lambda: self.at)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.look()
        finally:
            self.do(self.store.close())
            self.loop.close()
            shutil.rmtree(self.root)

    # ------------------------------------------------------------------------------------------------ what is done

    @initialize(site=st.sampled_from(SITES))
    def begin(self, site: str) -> None:
        self.visit(site, 0, 1, False, True, None)

    @rule(
        site=st.sampled_from(SITES),
        version=st.integers(0, 5),
        minutes=st.sampled_from((-90, 1, 15, 600)),
        missed=st.booleans(),
        recorded=st.booleans(),
        told=st.none() | st.integers(0, 3),
    )
    def visit(self, site: str, version: int, minutes: int, missed: bool, recorded: bool, told: int | None) -> None:
        """A visit, before which perhaps a mirror did not answer; with an event perhaps, of so many visits before."""
        self.at += timedelta(minutes=minutes, microseconds=1)
        visit = self._fresh(site)
        sent = [exchange(body_of(version), self.at, url=MIRROR, mirror=MIRROR)]
        if missed:
            sent.insert(0, miss(self.at, response=b"HTTP/1.1 200 OK\r\n\r\ncut" * 300, url=f"{MIRROR}other"))
        self._keep(visit, sent)
        if recorded:
            self._record(visit, told)

    def _fresh(self, site: str) -> Visited:
        while (name := f"{site}@{rfc3339(self.at)}") in self.visits:  # the clock was set back to the very microsecond
            self.at += timedelta(microseconds=1)
        self.visits[name] = Visited(name, site)
        return self.visits[name]

    def _keep(self, visit: Visited, sent: list[Exchange]) -> None:
        captures = self.do(self.store.keep(Origin(site=visit.site, target="listing", visit=visit.name), sent))
        for capture, one in zip(captures, sent, strict=True):
            if capture.id not in self.kept:
                self.kept[capture.id] = Kept(capture, one, self._started(visit), self._body(one))
                visit.captures.append(capture)

    def _started(self, visit: Visited) -> datetime:
        return datetime.fromisoformat(visit.name.rpartition("@")[2])

    def _body(self, one: Exchange) -> int | None:
        payload = one.response if one.status is None else one.response.partition(b"\r\n\r\n")[2]
        if not payload:
            return None
        for number, (there, is_erased) in enumerate(self.bodies):
            if there == payload and not is_erased:
                return number
        self.bodies.append((payload, False))
        return len(self.bodies) - 1

    def _record(self, visit: Visited, told: int | None) -> None:
        *_, page = visit.captures
        shown = entries(1 + len(visit.captures) + len(self.events) % 3)
        events = []
        if told is not None:
            mine = [one.capture for one in self.kept.values() if one.capture.site == visit.site]
            mine = [one for one in mine if not one.is_miss]
            before, after = mine[max(0, len(mine) - 2 - told)], mine[-1]
            events = [
                event(
                    len(self.events), visit.site, not_before=before.requested_at, not_after=after.requested_at,
                    confirmed_at=self.at, before=before.id, after=after.id,
                )
            ]  # fmt: skip
        made = outcome(visit.name, visit.captures, {page.id: reading(shown)}, events=events)
        self.do(self.store.record(made))
        visit.recorded = True
        self.events += events
        self.rosters[visit.site] = made.decision.roster

    @precondition(lambda self: any(not one.recorded for one in self.visits.values()))
    @rule(data=st.data())
    def record_later(self, data: st.DataObject) -> None:
        waiting = sorted(one.name for one in self.visits.values() if not one.recorded)
        self._record(self.visits[data.draw(st.sampled_from(waiting))], None)

    @rule(data=st.data())
    def keep_again(self, data: st.DataObject) -> None:
        """Whoever does not know whether it was kept keeps it again: it is one capture."""
        waiting = [one for one in self.visits.values() if not one.recorded]
        if not waiting:
            return
        visit = data.draw(st.sampled_from(waiting))
        if any(self.bodies[self.kept[one.id].body or 0][1] for one in visit.captures):
            return  # pruned since: its bytes would be there again, which nobody asks for
        self._keep(visit, [self.kept[one.id].exchange for one in visit.captures])

    @rule(days=st.sampled_from((-1, 0, 0.01, 0.2, 1)))
    def prune(self, days: float) -> None:
        before = self.at - timedelta(days=days)
        expected = self._going(before)
        would = self.do(self.store.prune(before, dry_run=True))
        pruned = self.do(self.store.prune(before))
        assert pruned == would
        assert len(pruned.bodies) == len(expected)
        self.acts += bool(expected)
        for number in expected:
            self.bodies[number] = (self.bodies[number][0], True)

    def _going(self, before: datetime) -> set[int]:
        """Shown by something older, by nothing newer, and by nothing that an event or an entry rests on."""
        going = set()
        for number, (_, is_erased) in enumerate(self.bodies):
            shown = [one for one in self.kept.values() if one.body == number]
            older = any(one.started < before for one in shown)
            newer = any(one.capture.requested_at >= before for one in shown)
            if older and not newer and not is_erased and not any(self._is_needed(one) for one in shown):
                going.add(number)
        return going

    def _is_needed(self, one: Kept) -> bool:
        visit, site = one.capture.visit, one.capture.site
        for told in self.events:
            ends = [self.kept[name].capture for name in (told.before, told.after) if name]
            begun = min([told.not_before or told.not_after, *(self.kept[end.id].started for end in ends)])
            if told.site == site and begun <= one.started <= told.confirmed_at:
                return True
            if visit in {end.visit for end in ends}:
                return True
        seen = {entry.seen_in for entry in self.rosters[site].entries.values()} if site in self.rosters else set()
        return any(self.kept[name].capture.visit == visit for name in seen)

    @rule()
    def restart(self) -> None:
        self.do(self.store.close())
        self.store = self._open()

    @rule()
    def kill(self) -> None:
        """What lies on the disk at this moment is all that there is: another process goes on from it."""
        source = self.root / str(self.generation)
        self.generation += 1
        shutil.copytree(source, self.root / str(self.generation))
        self.do(self.store.close())
        shutil.rmtree(source)
        self.store = self._open()

    @rule(site=st.sampled_from(SITES), version=st.integers(0, 5))
    def find_no_room(self, site: str, version: int) -> None:
        """A full disk: the visit is refused whole, and the next one finds everything as it was."""
        self.at += timedelta(minutes=1)
        pages = self.do(self.store.do(lambda desk: desk.db.execute("PRAGMA page_count").fetchone()[0]))
        self.do(self.store.do(lambda desk: desk.db.execute(f"PRAGMA max_page_count = {pages}")))
        large = exchange(bytes(body_of(version)), self.at, request=LARGE, facts={"note": LARGE.decode()[:50_000]})
        visit = f"{site}@{rfc3339(self.at)}"
        try:
            with pytest.raises(StoreFull, match="no room left"):
                self.do(self.store.keep(Origin(site=site, target="listing", visit=visit), [large] * 2))
        finally:
            self.do(self.store.do(lambda desk: desk.db.execute("PRAGMA max_page_count = 1073741823")))

    @rule(version=st.integers(0, 5), turns=st.integers(0, 3))
    def cancel(self, version: int, turns: int) -> None:
        """A visit given up while it is kept: it is there whole, or not at all."""
        self.at += timedelta(minutes=1)
        visit = self._fresh("alpha")
        sent = [miss(self.at, url=f"{MIRROR}other"), exchange(body_of(version), self.at)]

        async def given_up() -> None:
            task = asyncio.ensure_future(
                self.store.keep(Origin(site="alpha", target="listing", visit=visit.name), sent)
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.do(given_up())
        there = self.do(self.store.captures_of(visit.name))
        assert len(there) in (0, 2)
        if there:
            self._keep(visit, sent)
        else:
            del self.visits[visit.name]

    # ------------------------------------------------------------------------------------------------ what it says

    @rule()
    def look(self) -> None:
        folder = self.root / str(self.generation)
        with Ledger.open(folder) as ledger:
            found = {one.id: facts_of(one) for one in ledger.captures()}
            assert found == {name: facts_of(one.capture) for name, one in self.kept.items()}
            for name, one in self.kept.items():
                if one.body is not None and self.bodies[one.body][1]:
                    with pytest.raises(UsageError, match="was erased"):
                        ledger.wire(name)
                else:
                    assert ledger.wire(name) == (one.exchange.request, one.exchange.response)
            assert set(ledger.unrecorded_visits()) == {one.name for one in self.visits.values() if not one.recorded}
            assert {one.id for one in ledger.events()} == {one.id for one in self.events}
            for site, roster in self.rosters.items():
                assert ledger.state(site).roster == roster
                assert self.do(self.store.state(site)).roster == roster
            acts = check_log(ledger)
            assert sum(acts.count(kind) for kind in ("capture", "miss", "refusal")) == len(self.kept)
            assert acts.count("event") == len(self.events)
            assert acts.count("prune") == self.acts
            live = "SELECT digest FROM body WHERE frame IS NULL AND erased IS NULL"
            large = {digest.hex() for (digest,) in ledger.connection.execute(live)}
            assert ledger.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            (count,) = ledger.connection.execute("SELECT count(*) FROM body WHERE erased IS NULL").fetchone()
        assert count == sum(not is_erased for _, is_erased in self.bodies)
        assert large <= {path.stem for path in (folder / "bodies").glob("??/*.zst")}


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=20, stateful_step_count=14, deadline=None, derandomize=True)
