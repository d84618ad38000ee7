"""Writes what is believed of a site, and only what is new in it.

Every complete snapshot moves the last sighting of every listed entry. That is said once a page (``sight.looks``); an
entry's own row is written when the entry itself changes, or drops out of sight.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from watcher.core.resighted import Resighted
from watcher.core.searching import says_else
from watcher.edge.beliefs import Belief, Beliefs
from watcher.edge.ledger import Ledger
from watcher.edge.ledger_beliefs import Look
from watcher.edge.names import Names
from watcher.edge.rows import micros
from watcher.edge.sayings import encode
from watcher.edge.search_index import SearchIndex
from watcher.ports import SiteState
from watcher.records import Roster, RosterEntry, Snapshot


class Believer:
    """Writes rosters and memories, within the owner's transaction."""

    def __init__(self, ledger: Ledger, names: Names, index: SearchIndex) -> None:
        self._ledger, self._names, self._index = ledger, names, index
        self._connection: sqlite3.Connection = ledger.connection
        self._beliefs = Beliefs()

    def forget(self) -> None:
        self._beliefs.clear()

    def at_hand(self, site: str) -> SiteState | None:
        """What is believed of the site, if it is in memory: the one question that any thread may ask."""
        belief = self._beliefs.at_hand(site)
        return belief.state if belief else None

    def state(self, site: str) -> SiteState:
        """What is believed of the site."""
        return self._belief(site).state

    def _belief(self, site: str) -> Belief:
        belief = self._beliefs.get(site)
        if belief is None:
            belief = Belief(self._ledger.state(site), *self._ledger.sight(site))
            self._beliefs.put(site, belief)
        return belief

    def believe(self, site: str, snapshot: Snapshot, roster: Roster, memory: bytes) -> None:
        """Make this what is believed of the site."""
        number = self._names.site(site)
        before = self._belief(site)
        if _only_seen(before.state.roster, roster):
            looks = tuple([(snapshot.taken_at, capture) for capture in snapshot.captures])
        else:
            looks = _looks(snapshot, roster) or before.looks
            self._write_entries(number, before, roster, looks)
        old = before.state
        moved = memory != old.memory or roster.notes != old.roster.notes
        # both rows together: one counts on from where the other ends
        if moved or (before.again and looks != before.looks):
            row = (number, memory, roster.notes)
            self._connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", row)
        if looks != before.looks or (before.again and moved):
            self._connection.execute("INSERT OR REPLACE INTO sight VALUES (?, ?, 0)", (number, encode(looks).decode()))
        again = 0 if moved or looks != before.looks else before.again
        self._beliefs.put(site, Belief(SiteState(roster=roster, memory=memory), looks, again))

    def saw_again(self, site: str, looks: tuple[Look, ...]) -> None:
        """The site was seen as it was before: nothing else is to be said, and nothing needs to be remembered of it."""
        self._beliefs.drop(site)
        self._connection.execute(
            "UPDATE sight SET looks = ?, again = again + 1 WHERE site = ?",
            (encode(looks).decode(), self._names.site(site)),
        )

    def _write_entries(self, number: int, before: Belief, roster: Roster, looks: tuple[Look, ...]) -> None:
        old, old_looks = before.state.roster.entries, {look: index for index, look in enumerate(before.looks)}
        new_looks = {look: index for index, look in enumerate(looks)}
        moved: list[tuple[int | None, bytes, int, str]] = []
        for key, entry in roster.entries.items():
            was = old.get(key)
            look = new_looks.get((entry.last_seen, entry.seen_in))
            if was is not None and look == old_looks.get((was.last_seen, was.seen_in)) and _same(was, entry, look):
                continue
            if was is not None and was.standing == entry.standing and was.first_seen == entry.first_seen:
                moved.append((look, encode(entry), number, key))
            else:
                self._connection.execute(
                    "INSERT INTO entry (site, key, standing, first_seen, look, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                    " ON CONFLICT DO UPDATE SET standing = ?3, first_seen = ?4, look = ?5, data = ?6",
                    (number, key, entry.standing, micros(entry.first_seen), look, encode(entry)),
                )
            if was is None or says_else(was, entry):
                self._index.name(number, entry)
        # what is in an index is only named where it is another: most of what moves are numbers
        self._connection.executemany("UPDATE entry SET look = ?, data = ? WHERE site = ? AND key = ?", moved)
        for key in old.keys() - roster.entries.keys():
            self._connection.execute("DELETE FROM entry WHERE site = ? AND key = ?", (number, key))


def _only_seen(before: Roster, after: Roster) -> bool:
    """Whether all that is new is that what stood on the page stands on it again, each on the same page of it."""
    old, new = before.entries, after.entries
    if not isinstance(new, Resighted):
        return False
    return new.before is old.before if isinstance(old, Resighted) else new.before.held is old


def _looks(snapshot: Snapshot, roster: Roster) -> tuple[Look, ...]:
    """When each page of the snapshot last showed entries of the roster; nothing if none of them did."""
    last_seen: dict[str, datetime] = {}
    pages = set(snapshot.captures)
    for entry in roster.entries.values():
        if entry.seen_in in pages:
            last_seen.setdefault(entry.seen_in, entry.last_seen)
    if not last_seen:
        return ()
    return tuple((last_seen.get(capture, snapshot.taken_at), capture) for capture in snapshot.captures)


def _same(one: RosterEntry, other: RosterEntry, look: int | None) -> bool:
    """Whether two states of an entry are one; with a look, whatever their last sighting, which the look tells."""
    if one is other or look is None:
        return one == other
    return (
        one.title == other.title
        and one.url == other.url
        and one.fields == other.fields
        and one.standing == other.standing
        and one.first_seen == other.first_seen
        and one.missing_since == other.missing_since
        and one.missing_in == other.missing_in
        and one.withdrawn_at == other.withdrawn_at
        and one.aliases == other.aliases
        and one.absences == other.absences
        and one.key == other.key
    )
