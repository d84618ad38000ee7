"""One ledger over all vantages: what the copies of their ledgers hold, kept and recorded here as if it were seen here.

The copy's custody log says in which order it happened. Each leaf is gone through once, and how far that has come is
written in the transaction that writes what came of it: whatever ends the process, nothing is left out or done twice.
The union has a custody log of its own, over the same records.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import structlog

from watcher.core import http
from watcher.core.agree import Agreement, Recently, together
from watcher.edge import index_names
from watcher.edge.custody_log import Kind
from watcher.edge.gather import is_erased
from watcher.edge.ledger import Ledger
from watcher.edge.ledger_captures import Kept
from watcher.edge.rows import blob, capture_id, capture_number, moment, visit_name, visit_started
from watcher.edge.sayings import Said, decode_event, decode_reading, decode_said, snapshot_of
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError, StoreDamaged, UsageError
from watcher.ports import Origin, Outcome
from watcher.records import Capture, Event, Exchange, Reading, Snapshot

T = TypeVar("T")

MOST_LEAVES = 256
"""Of one transaction; what was recorded at once stays together, however long it is."""
MOST_REMEMBERED = 20_000
"""Readings of one copy."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS fleet_vantage (name TEXT PRIMARY KEY, leaf INTEGER NOT NULL, hash BLOB NOT NULL,"
    " left_out INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS fleet_stream (stream TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT",
    index_names.MOVED,
    # captures whose visible text is to be put into the search index: logs hold its digest alone
    "CREATE TABLE IF NOT EXISTS fleet_unread (capture TEXT PRIMARY KEY) STRICT",
)
_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What comes of rows whose values are not of the kind that they should be."""


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
    at: datetime
    """When the vantage recorded it."""
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


class Memory:
    """What was read of one copy: most visits say the very same again, and it is known by identity then."""

    def __init__(self) -> None:
        self._readings: OrderedDict[int, Reading] = OrderedDict()
        self._saids: OrderedDict[int, Said] = OrderedDict()
        self._bodies: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def is_new(self, capture: Capture) -> bool:
        """Whether its page showed another body the last time, or nobody knows."""
        place = (capture.site, capture.url, capture.mirror)
        before = self._bodies.pop(place, None)
        self._bodies[place] = capture.body_digest or ""
        while len(self._bodies) > MOST_REMEMBERED:
            self._bodies.popitem(last=False)
        return before != capture.body_digest

    def clear(self) -> None:
        """The copy was begun anew: its numbers mean other things."""
        self._readings.clear()
        self._saids.clear()

    def reading(self, copy: Ledger, content: int) -> Reading:
        return _remembered(self._readings, content, lambda: decode_reading(copy.contents.get(content)))

    def said(self, copy: Ledger, content: int) -> Said:
        return _remembered(self._saids, content, lambda: decode_said(copy.contents.get(content)))


def _remembered(known: OrderedDict[int, T], number: int, make: Callable[[], T]) -> T:
    found = known.get(number)
    if found is None:
        found = known[number] = make()
        while len(known) > MOST_REMEMBERED:
            known.popitem(last=False)
    return found


class Union:
    """Goes through the copy of one vantage's ledger, within the transaction of the union's owner."""

    def __init__(
        self, desk: Desk, copy: Ledger, vantage: str, rule: Agreement, *, recently: Recently, memory: Memory
    ) -> None:
        self._desk, self._copy, self._vantage, self._rule = desk, copy, vantage, rule
        self._recently, self._memory = recently, memory
        self._log = structlog.get_logger("watcher")
        self._told = self._left_out = 0

    def step(self) -> Step:
        """Go through the next leaves. ``EvidenceError`` if what the vantage shipped makes no sense: then nothing of it
        is written, and the other vantages go on."""
        try:
            return self._step()
        except (StoreDamaged, UsageError, *_NONSENSE) as error:
            raise EvidenceError(f"vantage {self._vantage} shipped rows that make no sense: {error!r}") from error

    def _step(self) -> Step:
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
        leaf, known = int(row[0]), blob(row[1])
        there = list(self._copy.log.leaves(leaf - 1, leaf)) if leaf else [known]
        if there and there[0] == known:
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
        if is_erased(self._copy, capture.id):
            self._left_out += 1
            return
        payload = b"" if kept.body is None else self._copy.bodies.get(kept.body)
        response = http.rebuild(kept.pack.head, payload, kept.pack.framing)
        exchange = Exchange(
            url=capture.url,
            mirror=capture.mirror,
            request=kept.pack.request,
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
        origin = Origin(site=capture.site, target=capture.target, visit=self._named(capture.visit))
        (mine,) = self._desk.keeper.keep(
            origin, [exchange], [http.split(response)], vantage=self._vantage, named=capture.visit
        )
        if mine.id != capture.id:
            raise EvidenceError(f"vantage {self._vantage}: capture {capture.id} is not what its identifier says")
        if not mine.is_miss and self._memory.is_new(mine):
            self._desk.db.execute("INSERT OR IGNORE INTO fleet_unread VALUES (?)", (mine.id,))

    def _named(self, visit: str) -> str:
        return index_names.here(self._desk.db.conn, self._vantage, visit)

    # ------------------------------------------------------------------------------------- what was recorded at once

    def _recorded(self, row: _Row, now: _Recorded | None) -> _Recorded | None:
        """What the leaf belongs to: what was begun with the leaves before it, something new, or nothing."""
        match row.kind:
            case Kind.READING:
                visit, at = self._visit_of_capture(row)
                begun = now is not None and (now.has_snapshot or now.events)
                if now is None or begun or now.visit != visit:
                    now = _Recorded(row.leaf, visit.rpartition("@")[0], visit, at)
            case Kind.SNAPSHOT:
                visit, at = self._visit_of_snapshot(row)
                if now is None or now.has_snapshot or now.visit != visit:
                    now = _Recorded(row.leaf, visit.rpartition("@")[0], visit, at)
                now.has_snapshot = True
            case Kind.EVENT:
                event, at = self._event(row)
                if now is None or now.site != event.site:
                    now = _Recorded(row.leaf, event.site, self._visit_before(event), at)
                now.events.append(event)
            case _:
                return None
        return now

    def _visit_of_capture(self, row: _Row) -> tuple[str, datetime]:
        found = self._copy.connection.execute(
            "SELECT s.name, c.started, c.started + r.read_at FROM capture c JOIN reading r ON r.capture = c.n"
            " JOIN place p ON p.id = c.place JOIN site s ON s.id = p.site WHERE c.n = ?",
            (row.ref,),
        ).fetchone()
        name, started, at = self._there(found, row)
        return visit_name(name, started), moment(at)

    def _visit_of_snapshot(self, row: _Row) -> tuple[str, datetime]:
        found = self._copy.connection.execute(
            "SELECT s.name, x.started, x.started + x.read_at FROM site s CROSS JOIN snapshot x"
            " WHERE x.site = s.id AND x.started = ? AND x.leaf = ?",
            (row.ref, row.leaf),
        ).fetchone()
        name, started, at = self._there(found, row)
        return visit_name(name, started), moment(at)

    def _visit_before(self, event: Event) -> str:
        """The visit that an event follows from, of which nothing else was recorded with it."""
        found = self._copy.connection.execute(
            "SELECT s.name, max(x.started) FROM site s JOIN snapshot x ON x.site = s.id WHERE s.name = ?",
            (event.site,),
        ).fetchone()
        return visit_name(found[0], found[1]) if found[0] is not None else ""

    def _event(self, row: _Row) -> tuple[Event, datetime]:
        found = self._copy.connection.execute("SELECT data, recorded FROM event WHERE seq = ?", (row.ref,)).fetchone()
        data, recorded = self._there(found, row)
        event = decode_event(data)
        if event.vantage != self._vantage:
            raise EvidenceError(f"vantage {self._vantage} shipped an event of {event.vantage}")
        return event, moment(recorded)

    def _there(self, found: tuple[Any, ...] | None, row: _Row) -> tuple[Any, ...]:
        if found is None:
            raise EvidenceError(f"vantage {self._vantage}: leaf {row.leaf} is about something that is not there")
        return found

    def _record(self, what: _Recorded) -> None:
        """Steps 4 to 6 of a visit, of the fleet: what was read, what follows from it together with what others saw."""
        kept = self._copy.kept_of(what.visit) if what.visit else ()
        readings = self._readings(kept)
        snapshot = self._snapshot(what, kept, readings)
        if snapshot.vantage != self._vantage:
            raise EvidenceError(f"vantage {self._vantage} shipped a visit of {snapshot.vantage}")
        state = self._desk.believer.state(what.site)
        decision = together(state.roster, snapshot, what.events, self._rule, self._recently)
        self._told += len(decision.events)
        if self._are_here(kept):
            outcome = Outcome(
                visit=snapshot.visit,
                site=what.site,
                readings=readings,
                snapshot=snapshot,
                decision=decision,
                memory=b"",
            )
            self._desk.recorder.record(outcome, what.at, as_logged=True)
        else:
            self._desk.recorder.tell(what.site, decision.events, what.at)
        self._desk.believer.believe(what.site, snapshot, decision.roster, b"")
        self._next_visit(what.site)

    def _readings(self, kept: Sequence[Kept]) -> dict[str, Reading]:
        """What the visit's captures were read to say."""
        found = {}
        for one in kept:
            row = self._copy.connection.execute(
                "SELECT content FROM reading WHERE capture = ?", (one.number,)
            ).fetchone()
            if row is not None and not one.capture.foreign:
                found[one.capture.id] = self._memory.reading(self._copy, row[0])
        return found

    def _snapshot(self, what: _Recorded, kept: Sequence[Kept], readings: Mapping[str, Reading]) -> Snapshot:
        """What the visit saw, as the log has it."""
        started = visit_started(what.visit) if what.visit else 0
        row = self._copy.connection.execute(
            "SELECT x.taken, x.finished, x.content FROM snapshot x JOIN site s ON s.id = x.site"
            " WHERE s.name = ? AND x.started = ?",
            (what.site, started),
        ).fetchone()
        if row is None:
            raise EvidenceError(f"vantage {self._vantage}: visit {what.visit} was never recorded")
        taken, finished, content = row
        form = self._memory.said(self._copy, content)
        visit = self._named(what.visit) if what.visit else ""
        times, captures = (started + taken, started + finished), [one.capture for one in kept]
        return snapshot_of(form, readings, captures, site=what.site, visit=visit, times=times)

    def _are_here(self, kept: Sequence[Kept]) -> bool:
        """Whether all captures of the visit are in the union."""
        numbers = [capture_number(one.capture.id) for one in kept if not one.capture.foreign]
        (count,) = self._desk.db.execute(
            "SELECT count(*) FROM capture WHERE id IN (SELECT value FROM json_each(?))", (str(numbers),)
        ).fetchone()
        return bool(count == len(numbers))

    def _next_visit(self, site: str) -> None:
        """When this vantage looks at the site again."""
        row = self._copy.connection.execute(
            "SELECT next_visit FROM target WHERE site = (SELECT id FROM site WHERE name = ?)", (site,)
        ).fetchone()
        if row is not None and row[0] is not None:
            self._desk.outbox.schedule(site, moment(row[0]))
