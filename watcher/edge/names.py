"""Numbers for what the ledger would else spell out in every row: sites and places."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

MOST_PLACES = 20_000


class PlaceKey(NamedTuple):
    """Where a capture comes from."""

    site: int
    target: str
    url: str
    mirror: str
    vantage: str
    foreign: bool


class Place:
    """A place and what was last kept and read there."""

    __slots__ = ("body", "digest", "number", "reading")

    def __init__(self, number: int, body: int | None, reading: int | None) -> None:
        self.number, self.body, self.reading = number, body, reading
        self.digest = b""
        """Of the body, if it is known without a look-up."""


class Names:
    """Looks numbers up, and gives new ones, within the owner's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sites: dict[str, int] = {}
        self._places: dict[PlaceKey, Place] = {}

    def forget(self) -> None:
        self._sites.clear()
        self._places.clear()

    def site(self, name: str) -> int:
        """The site's number; a new one for a new site."""
        number = self._sites.get(name)
        if number is None:
            self._connection.execute("INSERT OR IGNORE INTO site (name) VALUES (?)", (name,))
            row = self._connection.execute("SELECT id FROM site WHERE name = ?", (name,)).fetchone()
            number = self._sites[name] = int(row[0])
        return number

    def place(self, key: PlaceKey) -> Place:
        """The place; a new one for a new address."""
        place = self._places.get(key)
        if place is None:
            where = "site = ? AND target = ? AND url = ? AND mirror = ? AND vantage = ? AND claimed = ?"
            find = f"SELECT id, body, reading FROM place WHERE {where}"
            row = self._connection.execute(find, key).fetchone()
            if row is None:
                self._connection.execute(
                    "INSERT INTO place (site, target, url, mirror, vantage, claimed) VALUES (?, ?, ?, ?, ?, ?)", key
                )
                row = self._connection.execute(find, key).fetchone()
            place = self._places[key] = Place(*row)
            if len(self._places) > MOST_PLACES:
                del self._places[next(iter(self._places))]
        return place

    def body_at(self, place: Place, body: int, digest: bytes) -> None:
        """Remember the body last kept at a place: the next one's prefix."""
        place.digest = digest
        if place.body != body:
            self._connection.execute("UPDATE place SET body = ? WHERE id = ?", (body, place.number))
            place.body = body

    def reading_at(self, place: Place, content: int) -> None:
        """Remember what was last read at a place."""
        if place.reading != content:
            self._connection.execute("UPDATE place SET reading = ? WHERE id = ?", (content, place.number))
            place.reading = content
