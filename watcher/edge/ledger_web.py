"""The ledger's events, captures and visits, a page at a time: what a page costs does not grow with the list."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from watcher.edge.ledger_entries import EntryLists
from watcher.edge.ledger_lists import Cursor, Sheet, Where, pattern, sheet
from watcher.edge.rows import decoder, micros, moment, visit_name, visit_started
from watcher.edge.sayings import decode_event, decode_why
from watcher.records import Capture, Event

ANY = "*"
"""For ``watchlist``: whichever name of it."""
_NEVER = 1 << 62
OF_VISITS = "c.started IN (SELECT value FROM json_each(:starts)) AND s.name = :site"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsWanted:
    """Which events."""

    site: str = ""
    kind: str = ""
    since: datetime | None = None
    watchlist: str = ""
    """A name of the watchlist, or ``*`` for any."""
    text: str = ""
    """Looked for, whatever its case, in titles, past titles and keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit to a site and what came of it."""

    site: str
    started: int
    taken_at: datetime
    finished_at: datetime
    verdict: str
    why: tuple[str, ...]
    complete: bool
    leaf: int
    captures: tuple[Capture, ...] = ()
    entries: int | None = None
    """How many entries it showed; None if it was not read as a listing."""

    @property
    def name(self) -> str:
        return visit_name(self.site, self.started)


class _Key(msgspec.Struct):
    key: str
    title: str
    url: str


class _Keys(msgspec.Struct):
    entries: tuple[_Key, ...] | None = ()


class _Names(msgspec.Struct):
    key: str
    title: str


class _Told(msgspec.Struct):
    entry: _Names | None
    was: str
    watchlist: tuple[str, ...]


_decode_told = decoder(_Told)


class Lists(EntryLists):
    """The ledger for those who look at one page of it after the other."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        super().__init__(connection, folder)
        connection.create_function("event_holds", 2, _event_holds, deterministic=True)
        connection.create_function("event_watched", 2, _event_watched, deterministic=True)

    # -------------------------------------------------------------------------------------------------- events

    def events_page(
        self, wanted: EventsWanted, cursor: Cursor | None = None, limit: int = 50
    ) -> Sheet[tuple[int, Event]]:
        """Events with their numbers; the place of one is its number."""

        def rows(place: tuple[int, ...] | None, way: str, number: int) -> list[tuple[int, Event]]:
            where = self._events_where(wanted)
            if place is not None:
                where.add(f"seq {'<' if way == 'older' else '>'} ?", place[0])
            order = "DESC" if way == "older" else "ASC"
            found = self.connection.execute(
                f"SELECT seq, data FROM event{where} ORDER BY seq {order} LIMIT ?", (*where.values, number)
            )
            return [(seq, decode_event(data)) for seq, data in found]

        return sheet(rows, lambda row: (row[0],), cursor, limit)

    def event_number(self, identifier: str) -> int | None:
        """The number of an event: which it is, in the order in which they were recorded."""
        row = self.connection.execute("SELECT seq FROM event WHERE id = ?", (identifier,)).fetchone()
        return None if row is None else int(row[0])

    def _events_where(self, wanted: EventsWanted) -> Where:
        where = Where()
        if wanted.site:
            where.add("site = (SELECT id FROM site WHERE name = ?)", wanted.site)
        if wanted.kind:
            where.add("kind = ?", wanted.kind)
        if wanted.since is not None:
            since = micros(wanted.since)
            # confirmed moments rise with the numbers, but for what is concluded late: the numbers bound the walk
            (first,) = self.connection.execute("SELECT min(seq) FROM event WHERE confirmed >= ?", (since,)).fetchone()
            where.add("seq >= ? AND +confirmed >= ?", _NEVER if first is None else first, since)
        if wanted.watchlist:
            where.add("instr(data, CAST('\"watchlist\":[]' AS BLOB)) = 0")
        if wanted.watchlist not in {"", ANY}:
            where.add("event_watched(data, ?)", wanted.watchlist)
        if wanted.text:
            where.add(
                "CAST(data AS TEXT) LIKE ? AND event_holds(data, ?)", pattern(wanted.text), wanted.text.casefold()
            )
        return where

    def events_of(self, site: str, key: str) -> tuple[Event, ...]:
        """Everything that was concluded of one entry, oldest first."""
        needle = b'"entry":{"key":' + msgspec.json.encode(key) + b","
        rows = self.connection.execute(
            "SELECT data FROM event WHERE site = (SELECT id FROM site WHERE name = ?) AND instr(data, ?) ORDER BY seq",
            (site, needle),
        )
        found = (decode_event(data) for (data,) in rows)
        return tuple(event for event in found if event.entry is not None and event.entry.key == key)

    # ------------------------------------------------------------------------------------ captures and visits

    def captures_page(self, cursor: Cursor | None = None, limit: int = 50) -> Sheet[Capture]:
        """Captures and misses of all sites, those of the visit that began last first."""

        def rows(place: tuple[int, ...] | None, way: str, number: int) -> list[tuple[int, int, Capture]]:
            values: dict[str, Any] = {"number": number}
            condition = "1"
            if place is not None:
                condition = f"(c.started, c.n) {'<' if way == 'older' else '>'} (:started, :n)"
                values |= {"started": place[0], "n": place[1]}
            order = "DESC" if way == "older" else "ASC"
            found = self.kept_where(f"{condition} ORDER BY c.started {order}, c.n {order} LIMIT :number", values)
            return [(visit_started(kept.capture.visit), kept.number, kept.capture) for kept in found]

        found = sheet(rows, lambda row: (row[0], row[1]), cursor, limit)
        return found.showing(row[2] for row in found.rows)

    def visits_page(self, site: str, cursor: Cursor | None = None, limit: int = 30) -> Sheet[Visit]:
        """Visits to a site that were recorded, with their captures and how many entries they showed."""
        found = sheet(partial(self.visits_near, site), lambda row: (row.started,), cursor, limit)
        return found.showing(self._with_captures(site, found.rows))

    def visits_near(self, site: str, place: tuple[int, ...] | None, way: str, number: int) -> list[Visit]:
        """The next visits older or newer than a place, without their captures."""
        where = Where()
        where.add("x.site = (SELECT id FROM site WHERE name = ?)", site)
        if place is not None:
            where.add(f"x.started {'<' if way == 'older' else '>'} ?", place[0])
        rows = self.connection.execute(
            "SELECT x.started, x.taken, x.finished, x.leaf, t.verdict, t.why, t.complete"
            f" FROM snapshot x JOIN content t ON t.id = x.content{where}"
            f" ORDER BY x.started {'DESC' if way == 'older' else 'ASC'} LIMIT ?",
            (*where.values, number),
        )
        return [
            Visit(
                site=site,
                started=started,
                taken_at=moment(started + taken),
                finished_at=moment(started + finished),
                verdict=verdict,
                why=decode_why(why),
                complete=bool(complete),
                leaf=leaf,
            )
            for started, taken, finished, leaf, verdict, why, complete in rows
        ]

    def _with_captures(self, site: str, visits: Sequence[Visit]) -> tuple[Visit, ...]:
        if not visits:
            return ()
        captures: dict[int, list[Capture]] = {visit.started: [] for visit in visits}
        for kept in self.kept_where(f"{OF_VISITS} ORDER BY c.started, c.n", {"starts": str([*captures]), "site": site}):
            captures[visit_started(kept.capture.visit)].append(kept.capture)
        said = self.said_by(site, min(captures), max(captures))
        return tuple(
            replace(
                visit,
                captures=tuple(captures[visit.started]),
                entries=len({one.key for content in said.get(visit.started, ()) for one in self.keys_in(content)})
                if visit.started in said
                else None,
            )
            for visit in visits
        )

    # ---------------------------------------------------------------------------------------------- what was read

    def said_by(self, site: str, first: int, last: int) -> dict[int, tuple[int, ...]]:
        """For each recorded visit of a span: what the pages of its listing were read to say, as numbers of contents."""
        rows = self.connection.execute(
            "SELECT x.started, r.content FROM snapshot x CROSS JOIN capture c ON c.started = x.started"
            " CROSS JOIN place p ON p.id = c.place AND p.site = x.site AND p.target = 'listing'"
            " CROSS JOIN reading r ON r.capture = c.n"
            " WHERE x.site = (SELECT id FROM site WHERE name = ?) AND x.started BETWEEN ? AND ?"
            " ORDER BY x.started, c.n",
            (site, first, last),
        )
        found: dict[int, tuple[int, ...]] = {}
        for started, content in rows:
            found[started] = (*found.get(started, ()), content)
        return found

    def keys_in(self, content: int) -> tuple[_Key, ...]:
        """Key, title and address of each entry that a content shows."""
        return msgspec.json.decode(self.contents.get(content), type=_Keys).entries or ()


def _event_holds(data: bytes, text: str) -> bool:
    told = _decode_told(data)
    return told.entry is not None and any(
        text in name.casefold() for name in (told.entry.title, told.entry.key, told.was)
    )


def _event_watched(data: bytes, name: str) -> bool:
    return name in _decode_told(data).watchlist
