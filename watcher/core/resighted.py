"""A roster's entries of which those on the page are seen once more, spelled out only when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from watcher.records import RosterEntry


class Entries:
    """A roster's entries as a full decision left them, and what is asked of them over and over."""

    __slots__ = ("_came", "_listed", "_titles", "held")

    def __init__(self, held: Mapping[str, RosterEntry]) -> None:
        self.held = held
        self._titles: tuple[str, ...] | None = None
        self._listed = -1
        self._came: tuple[datetime, ...] | None = None

    @property
    def came(self) -> tuple[datetime, ...]:
        if self._came is None:
            self._came = _came(self.held)
        return self._came

    @property
    def titles(self) -> tuple[str, ...]:
        if self._titles is None:
            self._titles = _titles(self.held)
        return self._titles

    @property
    def listed(self) -> int:
        if self._listed < 0:
            self._listed = _listed(self.held)
        return self._listed


class Resighted(Mapping[str, RosterEntry]):
    """A roster's entries, those on the page seen once more and all else as it was; spelled out when asked for."""

    __slots__ = ("_made", "before", "captures", "places", "seen_at")

    def __init__(self, before: Entries, places: Mapping[str, int], seen_at: datetime, captures: Sequence[str]) -> None:
        """``places``: roster key to the page, by number, that shows the entry; ``captures``: those pages."""
        self.before, self.places, self.seen_at, self.captures = before, places, seen_at, captures
        self._made: dict[str, RosterEntry] | None = None

    @property
    def spelled(self) -> dict[str, RosterEntry]:
        """All of them."""
        if self._made is None:
            made = dict(self.before.held)
            for key, place in self.places.items():
                made[key] = replace(made[key], last_seen=self.seen_at, seen_in=self.captures[place])
            self._made = made
        return self._made

    def __getitem__(self, key: str) -> RosterEntry:
        return self.spelled[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.before.held)

    def __len__(self) -> int:
        return len(self.before.held)

    def __eq__(self, other: object) -> bool:
        return self.spelled == (other.spelled if isinstance(other, Resighted) else other)

    __hash__ = None  # type: ignore[assignment]  # as of a dict


def titles(entries: Mapping[str, RosterEntry]) -> tuple[str, ...]:
    """The titles of all entries that are not withdrawn."""
    return entries.before.titles if isinstance(entries, Resighted) else _titles(entries)


def listed(entries: Mapping[str, RosterEntry]) -> int:
    """How many entries are listed."""
    return entries.before.listed if isinstance(entries, Resighted) else _listed(entries)


def came(entries: Mapping[str, RosterEntry]) -> tuple[datetime, ...]:
    """When each entry was first seen, in the roster's order."""
    return entries.before.came if isinstance(entries, Resighted) else _came(entries)


def _titles(entries: Mapping[str, RosterEntry]) -> tuple[str, ...]:
    return tuple([entry.title for entry in entries.values() if entry.standing != "withdrawn"])


def _came(entries: Mapping[str, RosterEntry]) -> tuple[datetime, ...]:
    return tuple([entry.first_seen for entry in entries.values()])


def _listed(entries: Mapping[str, RosterEntry]) -> int:
    return sum([entry.standing == "listed" for entry in entries.values()])
