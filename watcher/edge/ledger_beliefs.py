"""Questions to the ledger about what is believed and concluded: entries, sites, events, and whom they were told to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from watcher.core.adaptive import DAY, Watched
from watcher.edge.rows import as_written, blob, damaged, decoder, micros, moment
from watcher.edge.sayings import decode_event
from watcher.ports import SiteState
from watcher.records import Event, MirrorStatus, Roster, RosterEntry, StandingName, TargetStatus

Look = tuple[datetime, str]
"""When entries were last seen, and in which capture: the same for all entries of one page, so it is kept once."""


class Sight(NamedTuple):
    """The looks at a site's pages."""

    looks: tuple[Look, ...]
    again: int
    """How often they showed the same since the state was written."""


_decode_entry = decoder(RosterEntry)
decode_looks = decoder(tuple[Look, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """An alert that is due: an event not yet delivered to a sink."""

    event: Event
    seq: int
    sink: str
    tries: int
    """How often it was tried in vain."""
    held: bool = False
    """It was held back, or tried in vain, until now."""
    why: str = ""
    """Why it did not arrive the last time."""


def entry_of(data: bytes, look: int | None, looks: Sequence[Look]) -> RosterEntry:
    """The entry of a row, as that look last saw it; without one the row says so itself."""
    entry = _decode_entry(data)
    if look is None:
        return entry
    try:
        last_seen, seen_in = looks[look]
    except (LookupError, TypeError) as error:
        raise damaged(error) from error
    return replace(entry, last_seen=last_seen, seen_in=seen_in)


def _instant(count: int | None) -> datetime | None:
    return None if count is None else moment(count)


class BeliefQuestions:
    """Everything about beliefs; part of ``Ledger``."""

    connection: sqlite3.Connection

    # --------------------------------------------------------------------------------------- sites and entries

    def sites(self) -> tuple[str, ...]:
        """Every site that anything is known of."""
        return tuple(name for (name,) in self.connection.execute("SELECT name FROM site ORDER BY name"))

    def state(self, site: str) -> SiteState:
        """What is believed of a site and what its pages taught; empty at first."""
        row = self.connection.execute(
            "SELECT memory FROM state WHERE site = (SELECT id FROM site WHERE name = ?)", (site,)
        ).fetchone()
        memory, notes = blob(row[0]) if row else b"", self.notes(site)
        entries = {entry.key: entry for _, entry in self.entries(site)}
        return SiteState(roster=Roster(site=site, entries=entries, notes=notes), memory=memory)

    def notes(self, site: str) -> bytes:
        """What the decision remembers of a site; empty at first."""
        row = self.connection.execute(
            "SELECT notes FROM state WHERE site = (SELECT id FROM site WHERE name = ?)", (site,)
        ).fetchone()
        sight = self.sight(site)
        if not row or not sight.again:
            return blob(row[0]) if row else b""
        from watcher.core.foreseen import seen_again  # and all that decides with it: not for who asks something else

        with as_written:
            return seen_again(row[0], sight.again, *sight.looks[0])

    def entries(
        self, site: str | None = None, standing: StandingName | None = None, match: str | None = None
    ) -> Iterator[tuple[str, RosterEntry]]:
        """Entries with their site, by site, in the order in which they were first seen. ``match`` is looked for,
        whatever its case, in titles, past titles and keys."""
        wanted = None if match is None else match.casefold()
        looks = self._looks(site)
        # one site's rows are found by its name; of ten thousand sites, the others are not even looked at
        of_site = "" if site is None else " s.name = ?1 AND"
        rows = self.connection.execute(
            "SELECT s.name, e.site, e.look, e.data FROM entry e JOIN site s ON s.id = e.site"
            f" WHERE{of_site} (?2 IS NULL OR e.standing = ?2) ORDER BY s.name, e.first_seen, e.rowid",
            (site, standing),
        )
        for name, number, look, data in rows:
            entry = entry_of(data, look, looks.get(number, ()))
            if wanted is None or any(wanted in text.casefold() for text in (entry.title, entry.key, *entry.aliases)):
                yield name, entry

    def count(self, standing: StandingName) -> int:
        """How many entries of all sites stand so."""
        return int(self.connection.execute("SELECT count(*) FROM entry WHERE standing = ?", (standing,)).fetchone()[0])

    def sight(self, site: str) -> Sight:
        """When the pages of a site's last good snapshot showed the entries that are in sight."""
        row = self.connection.execute(
            "SELECT looks, again FROM sight WHERE site = (SELECT id FROM site WHERE name = ?)", (site,)
        ).fetchone()
        return Sight(decode_looks(row[0]), row[1]) if row else Sight((), 0)

    def _looks(self, site: str | None = None) -> dict[int, tuple[Look, ...]]:
        of_site = "" if site is None else " WHERE site = (SELECT id FROM site WHERE name = ?1)"
        rows = self.connection.execute(f"SELECT site, looks FROM sight{of_site}", () if site is None else (site,))
        return {number: decode_looks(looks) for number, looks in rows}

    def status(self) -> tuple[TargetStatus, ...]:
        """How every target stands."""
        mirrors: dict[int, list[MirrorStatus]] = {}
        for site, url, verdict, visited in self.connection.execute(
            "SELECT site, url, verdict, last_visit FROM mirror ORDER BY site, url"
        ):
            mirrors.setdefault(site, []).append(MirrorStatus(url=url, verdict=verdict, last_visit=_instant(visited)))
        rows = self.connection.execute(
            "SELECT s.name, t.* FROM target t JOIN site s ON s.id = t.site ORDER BY s.name, t.target"
        )
        return tuple(
            TargetStatus(
                site=name,
                target=target,
                verdict=verdict,
                last_visit=_instant(last_visit),
                last_complete=_instant(last_complete),
                next_visit=_instant(next_visit),
                listed=listed,
                misses_in_a_row=misses,
                mirrors=tuple(mirrors.get(site, ())),
            )
            for name, site, target, verdict, last_visit, last_complete, next_visit, listed, misses in rows
        )

    def watched(self, sites: Sequence[str], now: datetime) -> dict[str, Watched]:
        """What watching these sites brought so far: entries that came after the first ones, and how long it took."""
        found = {}
        for site in sites:
            first, news = self.connection.execute(
                "WITH mine AS (SELECT first_seen FROM entry WHERE site = (SELECT id FROM site WHERE name = ?))"
                " SELECT min(first_seen), (SELECT count(*) FROM mine WHERE first_seen > (SELECT min(first_seen)"
                " FROM mine)) FROM mine",
                (site,),
            ).fetchone()
            if first is not None:
                found[site] = Watched(news=news, days=max((now - moment(first)) / DAY, 0.0))
        return found

    # -------------------------------------------------------------------------------------------------- events

    def event(self, identifier: str) -> Event | None:
        """The event; None if there is none of that identifier."""
        row = self.connection.execute("SELECT data FROM event WHERE id = ?", (identifier,)).fetchone()
        return decode_event(row[0]) if row else None

    def events(
        self, site: str | None = None, kind: str | None = None, since: datetime | None = None
    ) -> Iterator[Event]:
        """Events in the order in which they were recorded: of a site, of a kind, confirmed since a time."""
        return (event for _, event in self.numbered_events(site, kind, since))

    def numbered_events(
        self, site: str | None = None, kind: str | None = None, since: datetime | None = None, last: int = 0
    ) -> Iterator[tuple[int, Event]]:
        """Events with their number, those after the last one seen."""
        rows = self.connection.execute(
            "SELECT seq, data FROM event WHERE seq > ?1 AND (?2 IS NULL OR kind = ?2)"
            " AND (?3 IS NULL OR site = (SELECT id FROM site WHERE name = ?3)) AND (?4 IS NULL OR confirmed >= ?4)"
            " ORDER BY seq",
            (last, kind, site, None if since is None else micros(since)),
        )
        return ((seq, decode_event(data)) for seq, data in rows)

    def owed(
        self, now: datetime, limit: int = 100, sinks: Sequence[str] | None = None, held: timedelta = DAY
    ) -> tuple[Owed, ...]:
        """Alerts that are due, to these sinks if any are named, the oldest event first. One that failed is due, too, if
        it is put off for more than a day, and any if it is for more than a day beyond ``held``, the longest that one is
        held back: the clock was set back since."""
        rows = self.connection.execute(
            "SELECT e.seq, e.data, k.name, d.tries, d.next_try > 0, d.why"
            " FROM delivery d JOIN event e ON e.seq = d.event JOIN sink k ON k.id = d.sink"
            " WHERE d.state = 'owed' AND (d.next_try <= ?1 OR d.next_try > iif(d.why = '', ?5, ?4))"
            " AND (?2 IS NULL OR k.name IN (SELECT value FROM json_each(?2))) ORDER BY e.seq, k.id LIMIT ?3",
            (
                *(micros(now), None if sinks is None else json.dumps(list(sinks)), limit),
                *(micros(now + DAY), micros(now + DAY + held)),
            ),
        )
        return tuple(
            Owed(event=decode_event(data), seq=seq, sink=sink, tries=tries, held=bool(was_held), why=why)
            for seq, data, sink, tries, was_held, why in rows
        )
