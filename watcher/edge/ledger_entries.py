"""The ledger's rosters, a page at a time: what a page costs does not grow with the list."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from watcher.edge.ledger import Ledger
from watcher.edge.ledger_beliefs import Look, decode_looks, entry_of
from watcher.edge.ledger_lists import Cursor, Sheet, Where, sheet
from watcher.edge.rows import micros
from watcher.edge.schema import ENTRY_NAMES
from watcher.errors import StoreDamaged
from watcher.records import RosterEntry, StandingName

STANDINGS = get_args(StandingName)
_WILD = re.compile("[%_!]")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesWanted:
    """Which entries."""

    site: str = ""
    standing: str = ""
    text: str = ""


class EntryLists(Ledger):
    """Everything about pages of entries; part of ``Lists``."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        super().__init__(connection, folder)
        connection.create_function("names_hold", 2, _names_hold, deterministic=True)

    def entry(self, site: str, key: str) -> RosterEntry | None:
        """The entry of that key; None if there is none."""
        where = Where()
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

    def entries_page(
        self, wanted: EntriesWanted, cursor: Cursor | None = None, limit: int = 50
    ) -> Sheet[tuple[str, RosterEntry]]:
        """Entries with their site, those first seen last first."""
        found = sheet(partial(self._newest, wanted), lambda row: (micros(row[2].first_seen), row[1]), cursor, limit)
        return found.showing((site, entry) for site, _, entry in found.rows)

    def _newest(
        self, wanted: EntriesWanted, place: tuple[int, ...] | None, way: str, number: int
    ) -> list[tuple[str, int, RosterEntry]]:
        """The next entries by their first sighting. The index has them in order, by standing; those that hold a text
        are looked for among the names of all."""
        order = "DESC" if way == "older" else "ASC"
        numbers: list[tuple[int, int]] = []
        table = "entry INDEXED BY entry_names" if wanted.text else "entry"
        for standing in [wanted.standing] if wanted.standing or wanted.text else STANDINGS:
            where = Where()
            if wanted.site:
                where.add("site = (SELECT id FROM site WHERE name = ?)", wanted.site)
            if standing:
                where.add("standing = ?", standing)
            if place is not None:
                where.add(f"(first_seen, rowid) {'<' if way == 'older' else '>'} (?, ?)", *place)
            if wanted.text:
                where.add(*_holding(wanted.text))
            numbers += self.connection.execute(
                f"SELECT first_seen, rowid FROM {table}{where} ORDER BY first_seen {order}, rowid {order} LIMIT ?",
                (*where.values, number),
            ).fetchall()
        numbers.sort(reverse=way == "older")
        chosen = [row for _, row in numbers[:number]]
        where = Where()
        where.add(f"e.rowid IN ({', '.join('?' * len(chosen))})", *chosen)
        found = {row[1]: row for row in self._entries(where)}
        if len(found) < len(chosen):
            raise StoreDamaged("the ledger lacks entries that its index has", hint="restore a copy of the store")
        return [found[row] for row in chosen]

    def _entries(self, where: Where) -> Iterator[tuple[str, int, RosterEntry]]:
        rows = self.connection.execute(
            "SELECT s.name, e.rowid, e.look, e.data, w.looks FROM entry e JOIN site s ON s.id = e.site"
            f" LEFT JOIN sight w ON w.site = e.site AND e.look IS NOT NULL{where}",
            where.values,
        )
        known: dict[str, tuple[Look, ...]] = {}
        for name, row, look, data, looks in rows:
            if look is not None and name not in known:
                known[name] = decode_looks(looks)
            yield name, row, entry_of(data, look, known.get(name, ()))


def _holding(text: str) -> tuple[str, str]:
    """The condition that an entry's names hold a text, whatever its case, and its value."""
    if text.isascii():
        plain = _WILD.sub(r"!\g<0>", text)
        return f"{ENTRY_NAMES} LIKE ? ESCAPE '!'", f"%{plain}%"
    return f"names_hold({ENTRY_NAMES}, ?)", text.casefold()


def _names_hold(names: str, text: str) -> bool:
    return text in names.casefold()
