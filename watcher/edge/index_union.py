"""One ledger over all vantages: what the copies of their ledgers hold, kept and recorded here as if it were seen here.

The copy's custody log says in which order it happened. Each leaf is gone through once, and how far that has come is
written in the transaction that writes what came of it: whatever ends the process, nothing is left out or done twice.
The union has a custody log of its own, over the same records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import msgspec
import structlog

from watcher.core import http
from watcher.core.agree import Agreement, together
from watcher.edge.custody_log import Kind
from watcher.edge.gather import is_erased
from watcher.edge.ledger import Ledger
from watcher.edge.rows import capture_id, moment, visit_name, visit_started
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError
from watcher.ports import Origin, Outcome
from watcher.records import Event, Exchange

MOST_LEAVES = 256
"""Of one transaction; what was recorded at once stays together, however long it is."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS fleet_vantage (name TEXT PRIMARY KEY, leaf INTEGER NOT NULL, hash BLOB NOT NULL,"
    " left_out INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS fleet_stream (stream TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT",
)
_decode_event = msgspec.json.Decoder(Event).decode


class Step(NamedTuple):
    """What came of some leaves."""

    leaves: int
    told: int
    """Events."""
    more: bool
    """There are more leaves to be gone through."""


@dataclass(slots=True)
class _Recorded:
    """What one visit was recorded to say, or to say anew: leaves that belong together."""

    first: int
    site: str
    visit: str
    has_snapshot: bool = False
    events: list[Event] = field(default_factory=list)


class _Row(NamedTuple):
    leaf: int
    kind: int
    ref: int | None
    hash: bytes


def prepare(desk: Desk) -> None:
    """The tables that an index has besides those of every ledger."""
    for statement in _TABLES:
        desk.db.execute(statement)


def progress(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Of each vantage, how many leaves were gone through, and how many of its visits could not be kept."""
    rows = connection.execute("SELECT name, leaf, left_out FROM fleet_vantage ORDER BY name")
    return {name: (leaf, left_out) for name, leaf, left_out in rows}


class Union:
    """Goes through the copy of one vantage's ledger, within the transaction of the union's owner."""

    def __init__(self, desk: Desk, copy: Ledger, vantage: str, rule: Agreement) -> None:
        self._desk, self._copy, self._vantage, self._rule = desk, copy, vantage, rule
        self._log = structlog.get_logger("watcher")
        self._told = self._left_out = 0

    def step(self) -> Step:
        """Go through the next leaves."""
        self._copy.log.forget()
        start = self._start()
        size = self._copy.log.size
        upto, most = start, MOST_LEAVES
        while upto == start and start < size:
            rows = self._rows(start, most)
            upto = self._go(rows, is_all=start + len(rows) == size)
            most *= 2
        if upto > start:
            self._come_to(upto)
        return Step(upto - start, self._told, upto < size)

    def _start(self) -> int:
        row = self._desk.db.execute("SELECT leaf, hash FROM fleet_vantage WHERE name = ?", (self._vantage,)).fetchone()
        if row is None:
            return 0
        leaf, known = int(row[0]), bytes(row[1])
        there = list(self._copy.log.leaves(leaf - 1, leaf)) if leaf else [known]
        if there and bytes(there[0]) == known:
            return leaf
        self._log.error(
            "custody log begun anew",
            vantage=self._vantage,
            was=leaf,
            mend="ask whoever runs that vantage why; what was received before stays here",
        )
        return 0

    def _come_to(self, leaf: int) -> None:
        (last,) = self._copy.log.leaves(leaf - 1, leaf)
        self._desk.db.execute(
            "INSERT INTO fleet_vantage VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET leaf = ?2, hash = ?3,"
            " left_out = left_out + ?4",
            (self._vantage, leaf, last, self._left_out),
        )

    def _rows(self, start: int, most: int) -> list[_Row]:
        rows = self._copy.connection.execute(
            "SELECT n, kind, ref, hash FROM leaf WHERE n >= ? ORDER BY n LIMIT ?", (start, most)
        )
        return [_Row(*row) for row in rows]

    def _go(self, rows: Sequence[_Row], *, is_all: bool) -> int:
        """How far it came: what may go on behind the last row waits for the rest."""
        open_one: _Recorded | None = None
        for row in rows:
            belongs = self._recorded(row, open_one)
            if open_one is not None and belongs is not open_one:
                self._record(open_one)
            open_one = belongs
            if row.kind == Kind.CAPTURE:
                self._keep(row)
        if open_one is None or is_all:
            if open_one is not None:
                self._record(open_one)
            return rows[-1].leaf + 1
        return open_one.first

    # ------------------------------------------------------------------------------------------------- captures

    def _keep(self, row: _Row) -> None:
        """Step 2 of a visit, with the bytes of the copy."""
        found = self._copy.connection.execute("SELECT id FROM capture WHERE n = ?", (row.ref,)).fetchone()
        kept = self._copy.kept(capture_id(found[0])) if found else None
        if kept is None:
            raise EvidenceError(f"vantage {self._vantage}: leaf {row.leaf} is about a capture that is not there")
        capture = kept.capture
        if capture.vantage != self._vantage:
            raise EvidenceError(f"vantage {self._vantage} shipped a capture of {capture.vantage}")
        if self._is_anothers(capture.site, capture.visit) or is_erased(self._copy, capture.id):
            self._left_out += 1
            return
        request, response = self._copy.wire(capture.id)
        exchange = Exchange(
            url=capture.url,
            mirror=capture.mirror,
            request=request,
            response=response,
            requested_at=capture.requested_at,
            finished_at=capture.finished_at,
            status=capture.status,
            verdict=capture.verdict if capture.is_miss else "",
            why=kept.pack.why,
            cut=kept.pack.cut,
            isolation=kept.pack.isolation,
            facts=kept.pack.facts,
        )
        origin = Origin(site=capture.site, target=capture.target, visit=capture.visit)
        (mine,) = self._desk.keeper.keep(origin, [exchange], [http.split(response)], vantage=self._vantage)
        if mine.id != capture.id:
            raise EvidenceError(f"vantage {self._vantage}: capture {capture.id} is not what its identifier says")

    def _is_anothers(self, site: str, visit: str) -> bool:
        """Whether another vantage began a visit to the site in the same microsecond: its name is taken."""
        row = self._desk.db.execute(
            "SELECT p.vantage FROM capture c JOIN place p ON p.id = c.place JOIN site s ON s.id = p.site"
            " WHERE c.started = ? AND s.name = ? AND p.vantage != ? LIMIT 1",
            (visit_started(visit), site, self._vantage),
        ).fetchone()
        if row is not None:
            self._log.warning("visit left out of the union", visit=visit, vantage=self._vantage, same_moment_as=row[0])
        return row is not None

    # ------------------------------------------------------------------------------------- what was recorded at once

    def _recorded(self, row: _Row, now: _Recorded | None) -> _Recorded | None:
        """What the leaf belongs to: what was begun with the leaves before it, something new, or nothing."""
        match row.kind:
            case Kind.READING:
                visit = self._visit_of_capture(row)
                begun = now is not None and (now.has_snapshot or now.events)
                if now is None or begun or now.visit != visit:
                    now = _Recorded(row.leaf, visit.rpartition("@")[0], visit)
            case Kind.SNAPSHOT:
                visit = self._visit_of_snapshot(row)
                if now is None or now.has_snapshot or now.visit != visit:
                    now = _Recorded(row.leaf, visit.rpartition("@")[0], visit)
                now.has_snapshot = True
            case Kind.EVENT:
                event = self._event(row)
                if now is None or now.site != event.site:
                    now = _Recorded(row.leaf, event.site, self._visit_before(event))
                now.events.append(event)
            case _:
                return None
        return now

    def _visit_of_capture(self, row: _Row) -> str:
        found = self._copy.connection.execute(
            "SELECT s.name, c.started FROM capture c JOIN place p ON p.id = c.place JOIN site s ON s.id = p.site"
            " WHERE c.n = ?",
            (row.ref,),
        ).fetchone()
        return visit_name(*self._there(found, row))

    def _visit_of_snapshot(self, row: _Row) -> str:
        found = self._copy.connection.execute(
            "SELECT s.name, x.started FROM site s CROSS JOIN snapshot x WHERE x.site = s.id AND x.started = ?"
            " AND x.leaf = ?",
            (row.ref, row.leaf),
        ).fetchone()
        return visit_name(*self._there(found, row))

    def _visit_before(self, event: Event) -> str:
        """The visit that an event follows from, of which nothing else was recorded with it."""
        found = self._copy.connection.execute(
            "SELECT s.name, max(x.started) FROM site s JOIN snapshot x ON x.site = s.id WHERE s.name = ?",
            (event.site,),
        ).fetchone()
        return visit_name(found[0], found[1]) if found[0] is not None else ""

    def _event(self, row: _Row) -> Event:
        found = self._copy.connection.execute("SELECT data FROM event WHERE seq = ?", (row.ref,)).fetchone()
        event = _decode_event(self._there(found, row)[0])
        if event.vantage != self._vantage:
            raise EvidenceError(f"vantage {self._vantage} shipped an event of {event.vantage}")
        return event

    def _there(self, found: tuple[str, int] | None, row: _Row) -> tuple[str, int]:
        if found is None:
            raise EvidenceError(f"vantage {self._vantage}: leaf {row.leaf} is about something that is not there")
        return found

    def _record(self, what: _Recorded) -> None:
        """Steps 4 to 6 of a visit, of the fleet: what was read, what follows from it together with what others saw."""
        snapshot = self._copy.snapshot(what.visit) if what.visit else None
        if snapshot is None:
            raise EvidenceError(f"vantage {self._vantage}: visit {what.visit} was never recorded")
        if snapshot.vantage != self._vantage:
            raise EvidenceError(f"vantage {self._vantage} shipped a visit of {snapshot.vantage}")
        at = self._at(what)
        state = self._desk.believer.state(what.site)
        decision = together(state.roster, snapshot, what.events, self._rule)
        self._told += len(decision.events)
        theirs = [one.id for one in self._copy.captures_of(what.visit) if not one.foreign]
        mine = {one.id for one in self._desk.ledger.captures_of(what.visit)}
        if mine.issuperset(theirs):
            readings = {name: reading for name in theirs if (reading := self._copy.reading(name)) is not None}
            outcome = Outcome(
                visit=what.visit,
                site=what.site,
                readings=readings,
                snapshot=snapshot,
                decision=decision,
                memory=b"",
            )
            self._desk.recorder.record(outcome, at, as_logged=True)
        else:
            self._desk.recorder.tell(what.site, decision.events, at)
        self._desk.believer.believe(what.site, snapshot, decision.roster, b"")
        self._next_visit(what.site)

    def _at(self, what: _Recorded) -> datetime:
        """When the vantage recorded it."""
        said = self._copy.record_of(what.first)["at"]
        if not isinstance(said, str):
            raise EvidenceError(f"vantage {self._vantage}: leaf {what.first} has no time")
        return datetime.fromisoformat(said)

    def _next_visit(self, site: str) -> None:
        """When this vantage looks at the site again."""
        row = self._copy.connection.execute(
            "SELECT next_visit FROM target WHERE site = (SELECT id FROM site WHERE name = ?)", (site,)
        ).fetchone()
        if row is not None and row[0] is not None:
            self._desk.outbox.schedule(site, moment(row[0]))
