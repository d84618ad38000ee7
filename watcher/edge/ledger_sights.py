"""What the ledger says at a glance: how sites fare lately, what happened since, and one entry's whole life."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Literal, NamedTuple

from watcher.edge.ledger_log import SignedHead, Stamp
from watcher.edge.ledger_web import OF_VISITS, Lists, Visit
from watcher.edge.rows import as_written, micros, moment, visit_started
from watcher.records import SPEAKING, RosterEntry

MOST_ENDS = 100_000
"""Endings of visits kept in memory."""
MOST_VISITS = 1000
"""Visits of one page of a life."""
Shown = Literal["seen", "absent", "silent"]
_serials = itertools.count(1)


class Mark(NamedTuple):
    """What one visit says of an entry."""

    at: datetime
    shown: Shown
    verdict: str


class Look(NamedTuple):
    """How one visit ended."""

    verdict: str
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Visits in a row that say the same of an entry."""

    shown: Shown
    """``silent``: they said nothing (nothing came, or not the whole listing)."""
    first: datetime
    last: datetime
    visits: int
    verdicts: Mapping[str, int]
    first_capture: str = ""
    last_capture: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What the visits of a span say of one entry, oldest first."""

    runs: tuple[Run, ...]
    marks: tuple[Mark, ...]
    """Each visit."""
    older: int | None
    """Where the next older span begins; None: this is the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much there is of everything."""

    captures: int
    leaves: int
    checkpoints: int
    events: Mapping[tuple[str, str], int]
    """By site and kind."""
    entries: Mapping[tuple[str, str], int]
    """By site and standing."""
    alerts: Mapping[str, int]
    """By state: ``owed``, ``delivered`` …"""
    stamps: Mapping[str, int]
    ledger_bytes: int


class WebLedger(Lists):
    """The ledger as the web page asks it."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        super().__init__(connection, folder)
        self.serial = next(_serials)
        """Tells it from every other one, whatever file each has open."""
        self._ends: dict[int, Look] = {}

    # ---------------------------------------------------------------------------------------------- at a glance

    @as_written
    def recent_looks(self, number: int) -> dict[str, tuple[Look, ...]]:
        """How the last so many visits to each site ended, oldest first."""
        rows = self.connection.execute(
            "SELECT name, (SELECT group_concat(content) FROM (SELECT content FROM snapshot WHERE site = s.id"
            " ORDER BY started DESC LIMIT ?)) FROM site s",
            (number,),
        ).fetchall()
        said = {name: [int(one) for one in contents.split(",")] for name, contents in rows if contents}
        known = self._looks_of({content for contents in said.values() for content in contents})
        return {name: tuple(known[content] for content in reversed(contents)) for name, contents in said.items()}

    def _looks_of(self, contents: set[int]) -> dict[int, Look]:
        """How visits ended that said this; what is said never changes, so it is asked for once."""
        unknown = contents - self._ends.keys()
        if len(self._ends) + len(unknown) > MOST_ENDS:
            self._ends.clear()
            unknown = contents
        rows = self.connection.execute(
            "SELECT id, verdict, complete FROM content WHERE id IN (SELECT value FROM json_each(?))",
            (str(sorted(unknown)),),
        )
        self._ends |= {number: Look(verdict, bool(complete)) for number, verdict, complete in rows}
        return self._ends

    @as_written
    def listed_over(self, ends: Sequence[datetime]) -> dict[str, tuple[int | None, ...]]:
        """How many entries each site listed at the end of each span, the last being now; None: not watched yet.

        Counted back from what is listed now: first sightings came, withdrawals went, and what was relisted came again.
        """
        if len(ends) < 2:
            return {}
        step, start = ends[1] - ends[0], ends[0]
        width = step // timedelta(microseconds=1)
        began = micros(start) + 1
        deltas: dict[str, Counter[int]] = {}
        came = "SELECT s.name, (e.first_seen - ?1) / ?2 + 1, count(*) FROM entry e JOIN site s ON s.id = e.site"
        for name, span, count in self.connection.execute(
            f"{came} WHERE e.first_seen >= ?1 GROUP BY e.site, 2", (began, width)
        ):
            deltas.setdefault(name, Counter())[span] += count
        went = "SELECT s.name, (e.confirmed - ?1) / ?2 + 1, e.kind, count(*) FROM event e JOIN site s ON s.id = e.site"
        for name, span, kind, count in self.connection.execute(
            f"{went} WHERE e.confirmed >= ?1 AND e.kind IN ('withdrawn', 'relisted') GROUP BY e.site, 2, e.kind",
            (began, width),
        ):
            deltas.setdefault(name, Counter())[span] += count if kind == "relisted" else -count
        firsts = self._first_visits()
        found = {}
        for name, listed in self.connection.execute(
            "SELECT s.name, t.listed FROM target t JOIN site s ON s.id = t.site WHERE t.target = 'listing'"
        ):
            changes, level = deltas.get(name, Counter[int]()), listed
            levels: list[int | None] = []
            for span in range(len(ends) - 1, -1, -1):
                is_known = name in firsts and firsts[name] <= ends[span]
                levels.append(max(0, level) if is_known else None)
                level -= changes[span]
            found[name] = tuple(reversed(levels))
        return found

    def _first_visits(self) -> dict[str, datetime]:
        rows = self.connection.execute(
            "SELECT name, (SELECT started FROM snapshot WHERE site = s.id ORDER BY started LIMIT 1) FROM site s"
        )
        return {name: moment(started) for name, started in rows if started is not None}

    def kinds_since(self, since: datetime) -> dict[str, int]:
        """How many events of each kind were confirmed since then."""
        rows = self.connection.execute(
            "SELECT kind, count(*) FROM event INDEXED BY event_confirmed WHERE confirmed >= ? GROUP BY kind",
            (micros(since),),
        )
        return dict(rows.fetchall())

    def version(self) -> int:
        """Of the ledger, as this connection sees it: another whenever anything was written by another."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def newest(self) -> tuple[int, int]:
        """Numbers that grow whenever something is recorded."""
        (event,) = self.connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        self.log.forget()
        return event, self.log.size

    # -------------------------------------------------------------------------------------------- one entry's life

    def life(self, site: str, entry: RosterEntry, before: int | None = None) -> Life:
        """What the visits said of an entry, from its first sighting on: the last ``MOST_VISITS`` of them, or those
        before a place."""
        since = micros(entry.first_seen) - 1
        found = self.visits_near(site, None if before is None else (before,), "older", MOST_VISITS)
        visits = [one for one in reversed(found) if micros(one.taken_at) >= since]
        names = {entry.title, *entry.aliases, *([entry.url] if entry.url else [])}
        marks = self.marks(site, visits, entry.key, names)
        is_more = len(visits) == MOST_VISITS
        return Life(runs=self._runs(site, visits, marks), marks=marks, older=visits[0].started if is_more else None)

    def visits_between(self, site: str, first: datetime, last: datetime, most: int) -> list[Visit]:
        """The visits of a span, oldest first; the last ``most`` of them."""
        found = self.visits_near(site, (micros(last) + 1,), "older", most)
        return [one for one in reversed(found) if one.finished_at >= first]

    def marks(self, site: str, visits: Sequence[Visit], key: str, names: set[str]) -> tuple[Mark, ...]:
        """What each visit says of the entry of this key; after a rename it goes by one of its titles or addresses, and
        by a key that no other entry has."""
        if not visits:
            return ()
        said = self.said_by(site, visits[0].started, visits[-1].started)
        known: dict[int, bool] = {}
        found: list[Mark] = []
        for visit in visits:
            contents = said.get(visit.started, ())
            for content in contents:
                if content not in known:
                    known[content] = self._shows(site, content, key, names)
            speaks = visit.complete and visit.verdict in SPEAKING
            shown: Shown = "seen" if any(map(known.get, contents)) else "absent" if speaks else "silent"
            found.append(Mark(visit.taken_at, shown, visit.verdict))
        return tuple(found)

    def _shows(self, site: str, content: int, key: str, names: set[str]) -> bool:
        shown = self.keys_in(content)
        if any(one.key == key for one in shown):
            return True
        alike = [one.key for one in shown if one.title in names or (one.url and one.url in names)]
        return len(alike) == 1 and self.entry(site, alike[0]) is None

    def _runs(self, site: str, visits: Sequence[Visit], marks: Sequence[Mark]) -> tuple[Run, ...]:
        runs: list[Run] = []
        spans: list[tuple[int, int]] = []
        for visit, (at, shown, verdict) in zip(visits, marks, strict=True):
            if runs and runs[-1].shown == shown:
                run = runs[-1]
                verdicts = {**run.verdicts, verdict: run.verdicts.get(verdict, 0) + 1}
                runs[-1] = replace(run, last=at, visits=run.visits + 1, verdicts=verdicts)
                spans[-1] = (spans[-1][0], visit.started)
            else:
                runs.append(Run(shown=shown, first=at, last=at, visits=1, verdicts={verdict: 1}))
                spans.append((visit.started, visit.started))
        ends = self._first_captures(site, {start for span in spans for start in span})
        return tuple(
            replace(run, first_capture=ends.get(span[0], ""), last_capture=ends.get(span[1], ""))
            for run, span in zip(runs, spans, strict=True)
        )

    def _first_captures(self, site: str, starts: set[int]) -> dict[int, str]:
        """The first capture of the listing of each visit."""
        condition = f"{OF_VISITS} AND p.target = 'listing' ORDER BY c.n DESC"
        found = self.kept_where(condition, {"starts": str(sorted(starts)), "site": site})
        return {visit_started(kept.capture.visit): kept.capture.id for kept in found}

    # ------------------------------------------------------------------------------------------------- all together

    def checkpoints_before(self, size: int | None = None, limit: int = 20) -> tuple[SignedHead, ...]:
        """The last signed heads, those smaller than a size, largest first."""
        return tuple(self._heads("WHERE ?1 IS NULL OR size < ?1 ORDER BY size DESC LIMIT ?2", size, limit))

    def stamps_of(self, sizes: Sequence[int]) -> dict[int, tuple[Stamp, ...]]:
        """What time-stamp authorities said of these heads."""
        stamps = self._stamps("size IN (SELECT value FROM json_each(?))", str(list(sizes)))
        return {size: tuple(some) for size, some in itertools.groupby(stamps, key=attrgetter("size"))}

    def last_stamped(self) -> int | None:
        """The largest head that an authority stamped; None if none was."""
        row = self.connection.execute("SELECT max(size) FROM stamp WHERE state = 'stamped'").fetchone()
        return None if row[0] is None else int(row[0])

    def alerts_of(self, event: str) -> tuple[tuple[str, str, str], ...]:
        """Where an event's alerts went: sink, state, and why not yet."""
        rows = self.connection.execute(
            "SELECT k.name, d.state, d.why FROM delivery d JOIN sink k ON k.id = d.sink"
            " WHERE d.event = (SELECT seq FROM event WHERE id = ?) ORDER BY k.id",
            (event,),
        )
        return tuple(rows.fetchall())

    def counts(self) -> Counts:
        """How much there is of everything."""
        ask = self.connection.execute
        self.log.forget()
        # rows of captures are only ever added, so their last number counts them
        (captures,) = ask("SELECT coalesce(max(n), 0) FROM capture").fetchone()
        (checkpoints,) = ask("SELECT count(*) FROM checkpoint").fetchone()
        (pages,) = ask("PRAGMA page_count").fetchone()
        (size,) = ask("PRAGMA page_size").fetchone()
        return Counts(
            captures=captures,
            leaves=self.log.size,
            checkpoints=checkpoints,
            events={
                (site, kind): count
                for site, kind, count in ask(
                    "SELECT s.name, e.kind, count(*) FROM event e INDEXED BY event_confirmed"
                    " JOIN site s ON s.id = e.site GROUP BY e.site, e.kind"
                )
            },
            entries={
                (site, standing): count
                for site, standing, count in ask(
                    "SELECT s.name, e.standing, count(*) FROM entry e INDEXED BY entry_standing"
                    " JOIN site s ON s.id = e.site GROUP BY e.site, e.standing"
                )
            },
            alerts=dict(ask("SELECT state, count(*) FROM delivery GROUP BY state").fetchall()),
            stamps=dict(ask("SELECT state, count(*) FROM stamp GROUP BY state").fetchall()),
            ledger_bytes=pages * size,
        )
