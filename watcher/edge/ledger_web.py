"""The ledger's lists, a page at a time: what a page costs does not grow with the list.

A cursor names a row, not a number of rows: what is added meanwhile moves nothing. Pages are newest first.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from watcher.edge.ledger import Ledger
from watcher.edge.ledger_beliefs import Look
from watcher.edge.rows import micros, moment, visit_name, visit_started
from watcher.edge.sayings import decode_why
from watcher.records import Capture, Event, RosterEntry

T = TypeVar("T")
ANY = "*"
"""For ``watchlist``: whichever name of it."""
_NEEDLE = re.compile(r"[A-Za-z0-9 .,:;()'-]+", re.ASCII)
"""What JSON spells as it is, and ``LIKE`` finds whatever its case: asked first, because it is quick."""
_NEVER = 1 << 62

_decode_event = msgspec.json.Decoder(Event).decode
_decode_entry = msgspec.json.Decoder(RosterEntry).decode
_decode_looks = msgspec.json.Decoder(tuple[Look, ...]).decode


class Cursor(NamedTuple):
    """Where a page ends: show what is older, or newer, than the row of this place."""

    way: Literal["older", "newer"]
    place: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet(Generic[T]):
    """One page of a list, newest first."""

    rows: tuple[T, ...] = ()
    newer: tuple[int, ...] | None = None
    """The place after which the next newer page begins; None: there is none."""
    older: tuple[int, ...] | None = None


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
class EntriesWanted:
    """Which entries."""

    site: str = ""
    standing: str = ""
    text: str = ""


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
    aliases: tuple[str, ...] = ()


class _Told(msgspec.Struct):
    entry: _Names | None
    was: str
    watchlist: tuple[str, ...]


_decode_names = msgspec.json.Decoder(_Names).decode
_decode_told = msgspec.json.Decoder(_Told).decode


class _Where:
    """A condition in SQL, put together."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Any] = []

    def add(self, part: str, *values: Any) -> None:
        self.parts.append(part)
        self.values += values

    def __str__(self) -> str:
        return f" WHERE {' AND '.join(self.parts)}" if self.parts else ""


class Lists(Ledger):
    """The ledger for those who look at one page of it after the other."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        super().__init__(connection, folder)
        connection.create_function("entry_holds", 2, _entry_holds, deterministic=True)
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
            return [(seq, _decode_event(data)) for seq, data in found]

        return _sheet(rows, lambda row: (row[0],), cursor, limit)

    def events_after(self, wanted: EventsWanted, last: int, limit: int = 500) -> list[tuple[int, Event]]:
        """The next events in the order in which they were recorded, with their numbers."""
        where = self._events_where(wanted)
        where.add("seq > ?", last)
        rows = self.connection.execute(
            f"SELECT seq, data FROM event{where} ORDER BY seq LIMIT ?", (*where.values, limit)
        )
        return [(seq, _decode_event(data)) for seq, data in rows]

    def event_number(self, identifier: str) -> int | None:
        """The number of an event: which it is, in the order in which they were recorded."""
        row = self.connection.execute("SELECT seq FROM event WHERE id = ?", (identifier,)).fetchone()
        return None if row is None else int(row[0])

    def _events_where(self, wanted: EventsWanted) -> _Where:
        where = _Where()
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
            where.add("data LIKE ? AND event_holds(data, ?)", _pattern(wanted.text), wanted.text.casefold())
        return where

    def events_of(self, site: str, key: str) -> tuple[Event, ...]:
        """Everything that was concluded of one entry, oldest first."""
        needle = b'"entry":{"key":' + msgspec.json.encode(key) + b","
        rows = self.connection.execute(
            "SELECT data FROM event WHERE site = (SELECT id FROM site WHERE name = ?) AND instr(data, ?) ORDER BY seq",
            (site, needle),
        )
        found = (_decode_event(data) for (data,) in rows)
        return tuple(event for event in found if event.entry is not None and event.entry.key == key)

    # ------------------------------------------------------------------------------------------------- entries

    def entry(self, site: str, key: str) -> RosterEntry | None:
        """The entry of that key; None if there is none."""
        where = _Where()
        where.add("e.site = (SELECT id FROM site WHERE name = ?) AND e.key = ?", site, key)
        found = next(self._entries(where), None)
        return found[2] if found else None

    def place_of(self, site: str, key: str) -> tuple[int, int] | None:
        """Where an entry stands among those of its site; None if there is none."""
        row = self.connection.execute(
            "SELECT first_seen, rowid FROM entry WHERE site = (SELECT id FROM site WHERE name = ?) AND key = ?",
            (site, key),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def entries_after(self, wanted: EntriesWanted, place: tuple[int, ...] | None) -> Iterator[RosterEntry]:
        """The entries of one site after a place (all), in the order in which they were first seen."""
        number = 500
        while True:
            rows = self._newest(wanted, place or (-_NEVER, 0), "newer", number)
            yield from (entry for _, _, entry in rows)
            if len(rows) < number:
                return
            place = (micros(rows[-1][2].first_seen), rows[-1][1])

    def entries_page(
        self, wanted: EntriesWanted, cursor: Cursor | None = None, limit: int = 50
    ) -> Sheet[tuple[str, RosterEntry]]:
        """Entries with their site, those first seen last first."""

        def rows(place: tuple[int, ...] | None, way: str, number: int) -> list[tuple[str, int, RosterEntry]]:
            return self._newest(wanted, place, way, number)

        found = _sheet(
            rows,
            lambda row: (micros(row[2].first_seen), row[1]),
            cursor,
            limit,
        )
        return Sheet(rows=tuple((row[0], row[2]) for row in found.rows), newer=found.newer, older=found.older)

    def _newest(
        self, wanted: EntriesWanted, place: tuple[int, ...] | None, way: str, number: int
    ) -> list[tuple[str, int, RosterEntry]]:
        """The next entries by their first sighting. Without a text the index has them in order, by standing; with one
        the whole table is gone through once, which costs less than to follow an index."""
        order = "DESC" if way == "older" else "ASC"
        table, each = "entry", [wanted.standing] if wanted.standing else ["listed", "missing", "withdrawn"]
        if wanted.text:
            table, each = ("entry" if wanted.site else "entry NOT INDEXED"), [wanted.standing]
        numbers: list[tuple[int, int]] = []
        for standing in each:
            where = _Where()
            if wanted.site:
                where.add("site = (SELECT id FROM site WHERE name = ?)", wanted.site)
            if standing:
                where.add("standing = ?", standing)
            if place is not None:
                where.add(f"(first_seen, rowid) {'<' if way == 'older' else '>'} (?, ?)", *place)
            if wanted.text:
                where.add("data LIKE ? AND entry_holds(data, ?)", _pattern(wanted.text), wanted.text.casefold())
            numbers += self.connection.execute(
                f"SELECT first_seen, rowid FROM {table}{where} ORDER BY first_seen {order}, rowid {order} LIMIT ?",
                (*where.values, number),
            ).fetchall()
        numbers.sort(reverse=way == "older")
        chosen = [row for _, row in numbers[:number]]
        where = _Where()
        where.add(f"e.rowid IN ({', '.join('?' * len(chosen))})", *chosen)
        found = {row[1]: row for row in self._entries(where)}
        return [found[row] for row in chosen]

    def _entries(self, where: _Where) -> Iterator[tuple[str, int, RosterEntry]]:
        rows = self.connection.execute(
            "SELECT s.name, e.rowid, e.look, e.data, w.looks FROM entry e JOIN site s ON s.id = e.site"
            f" LEFT JOIN sight w ON w.site = e.site AND e.look IS NOT NULL{where}",
            where.values,
        )
        known: dict[str, tuple[Look, ...]] = {}
        for name, row, look, data, looks in rows:
            entry = _decode_entry(data)
            if look is not None:
                if name not in known:
                    known[name] = _decode_looks(looks)
                last_seen, seen_in = known[name][look]
                entry = replace(entry, last_seen=last_seen, seen_in=seen_in)
            yield name, row, entry

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
            return [(self.started(kept.capture), kept.number, kept.capture) for kept in found]

        found = _sheet(rows, lambda row: (row[0], row[1]), cursor, limit)
        return Sheet(rows=tuple(row[2] for row in found.rows), newer=found.newer, older=found.older)

    def visits_page(self, site: str, cursor: Cursor | None = None, limit: int = 30) -> Sheet[Visit]:
        """Visits to a site that were recorded, with their captures and how many entries they showed."""

        def rows(place: tuple[int, ...] | None, way: str, number: int) -> list[Visit]:
            return self.visits(site, place, way, number)

        found = _sheet(rows, lambda row: (row.started,), cursor, limit)
        return Sheet(rows=self._with_captures(site, found.rows), newer=found.newer, older=found.older)

    def visits(self, site: str, place: tuple[int, ...] | None, way: str, number: int) -> list[Visit]:
        """The next visits older or newer than a place, without their captures."""
        where = _Where()
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
        starts = {f"v{index}": visit.started for index, visit in enumerate(visits)}
        captures: dict[int, list[Capture]] = {visit.started: [] for visit in visits}
        chosen = ", ".join(f":{name}" for name in starts)
        condition = f"c.started IN ({chosen}) AND s.name = :site ORDER BY c.started, c.n"
        for kept in self.kept_where(condition, {**starts, "site": site}):
            captures[self.started(kept.capture)].append(kept.capture)
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

    @staticmethod
    def started(capture: Capture) -> int:
        """When the capture's visit began: the place of that visit."""
        return visit_started(capture.visit)

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


def _entry_holds(data: bytes, text: str) -> bool:
    """Whether the folded text stands in an entry's title, past titles or key."""
    entry = _decode_names(data)
    return any(text in name.casefold() for name in (entry.title, entry.key, *entry.aliases))


def _event_holds(data: bytes, text: str) -> bool:
    told = _decode_told(data)
    return told.entry is not None and any(
        text in name.casefold() for name in (told.entry.title, told.entry.key, told.was)
    )


def _event_watched(data: bytes, name: str) -> bool:
    return name in _decode_told(data).watchlist


def _pattern(text: str) -> str:
    """What ``LIKE`` is asked before the text itself is looked for."""
    return f"%{max(_NEEDLE.findall(text), key=len, default='')}%"


def _sheet(
    rows: Callable[[tuple[int, ...] | None, str, int], list[T]],
    place_of: Callable[[T], tuple[int, ...]],
    cursor: Cursor | None,
    limit: int,
) -> Sheet[T]:
    """The page that begins at the cursor; one row more is asked for, to know whether there is another page."""
    way = cursor.way if cursor else "older"
    found = rows(cursor.place if cursor else None, way, limit + 1)
    more, shown = len(found) > limit, found[:limit]
    if way == "newer":
        shown.reverse()
    first, last = (place_of(shown[0]), place_of(shown[-1])) if shown else (None, None)
    came_back = cursor is not None
    return Sheet(
        rows=tuple(shown),
        newer=first if (more if way == "newer" else came_back) else None,
        older=last if (more if way == "older" else came_back) else None,
    )
