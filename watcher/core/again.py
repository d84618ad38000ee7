"""Visits that see again just what the last one saw: what follows from those, without going through every entry.

Most visits are such. ``core.decide`` says of them only that they were made: counters go up, and what is on the page
was seen once more. ``Lately`` remembers, for sites on which nothing is open, what the last visit saw; the first time
that comes again both ways are gone, and only where they agree is the short one taken from then on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watcher.core.notes import LOOKS, Notes, load, save, tag
from watcher.records import Capture, Decision, Reading, Roster, RosterEntry, Snapshot

MOST_ENTRIES = 20_000
"""Entries of all sites together that are remembered."""
A_SITE = 4
"""What else is remembered of a site weighs as much as so many entries."""


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


@dataclass(slots=True)
class _Known:
    """What was seen of a site last."""

    entries: Entries
    """What the roster held after it."""
    places: Mapping[str, int]
    readings: tuple[Reading, ...]
    snapshot: Snapshot
    holds: bool = False
    """Whether the short way was found to lead where the long one does."""


class Lately:
    """What was seen of many sites last; those not visited for longest are forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._held = 0

    def snapshot(self, site: str, visit: str, pages: Sequence[tuple[Capture, Reading | None]]) -> Snapshot | None:
        """What ``core.snapshot.assemble`` would make of these pages, if the last ones there were read to the very same;
        None: nobody knows yet."""
        known = self._known.get(site)
        first, final = pages[0][0], pages[-1][0]
        if known is None or known.snapshot.mirror != first.mirror or len(known.readings) != len(pages):
            return None
        for (capture, reading), before in zip(pages, known.readings, strict=True):
            if reading is not before or capture.is_miss:
                return None
        seen = known.snapshot
        captures = tuple([capture.id for capture, _ in pages])
        renamed = dict(zip(seen.captures, captures, strict=True))
        return Snapshot(
            site=site,
            visit=visit,
            mirror=first.mirror,
            vantage=seen.vantage,
            taken_at=first.requested_at,
            finished_at=final.finished_at,
            verdict=seen.verdict,
            why=seen.why,
            complete=seen.complete,
            entries=seen.entries,
            text=seen.text,
            captures=captures,
            seen_in={key: renamed[name] for key, name in seen.seen_in.items()},
            isolation=first.isolation,
            rule_digest=seen.rule_digest,
            provisional=seen.provisional,
        )

    def decision(self, roster: Roster, snapshot: Snapshot) -> Decision | None:
        """What ``core.decide`` would say of a snapshot that shows what the last one did; None: it must be asked."""
        known = self._known.get(roster.site)
        if known is None or not known.holds or not _is_of(roster.entries, known.entries):
            return None
        last = known.snapshot
        if last.entries is not snapshot.entries or last.text is not snapshot.text or last.mirror != snapshot.mirror:
            return None
        self._known.move_to_end(roster.site)
        return _again(roster, snapshot, known)

    def learn(
        self, roster: Roster, pages: Sequence[tuple[Capture, Reading | None]], snapshot: Snapshot, decision: Decision
    ) -> None:
        """A full decision was made of these pages: remember what it left, if nothing is open."""
        readings = tuple([reading for _, reading in pages if reading is not None])
        before = self._known.pop(roster.site, None)
        if before is not None:
            self._held -= _weight(before)
        calm = len(readings) == len(pages) and not decision.events and _is_calm(load(decision.roster.notes), snapshot)
        if not calm or isinstance(decision.roster.entries, Resighted):
            return
        known = _Known(Entries(decision.roster.entries), _places(decision.roster, snapshot), readings, snapshot)
        if before is not None and _says_same(before.snapshot, snapshot):
            known.holds = _again(roster, snapshot, before) == decision
        self._known[roster.site] = known
        self._held += _weight(known)
        while self._held > MOST_ENTRIES and len(self._known) > 1:
            _, forgotten = self._known.popitem(last=False)
            self._held -= _weight(forgotten)


def _weight(known: _Known) -> int:
    return len(known.entries.held) + A_SITE


def _is_of(held: Mapping[str, RosterEntry], entries: Entries) -> bool:
    """Whether a roster's entries are these, seen again or not."""
    return held is entries.held or (isinstance(held, Resighted) and held.before is entries)


def _says_same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots of one mirror show the same, page by page."""
    return (
        one.mirror == other.mirror
        and one.entries == other.entries
        and one.text == other.text
        and one.rule_digest == other.rule_digest
        and len(one.captures) == len(other.captures)
        and [one.captures.index(name) for name in one.seen_in.values()]
        == [other.captures.index(name) for name in other.seen_in.values()]
    )


def _places(roster: Roster, snapshot: Snapshot) -> dict[str, int]:
    """On which page each entry of the roster stands that was seen just now."""
    pages = {name: number for number, name in enumerate(snapshot.captures)}
    return {
        key: pages[entry.seen_in]
        for key, entry in roster.entries.items()
        if entry.last_seen == snapshot.taken_at and entry.seen_in in pages
    }


def _is_calm(notes: Notes, snapshot: Snapshot) -> bool:
    """Whether nothing is open: nothing missing, doubted, new, or the matter with the site."""
    open_ones = notes.absences or notes.episodes or notes.fresh or notes.rolled or notes.whole or notes.flutter
    waiting = any(not name.startswith("new:") for name in notes.flips)
    if open_ones or waiting or notes.behind or not notes.settled or not notes.runs:
        return False
    mirror = tag(snapshot.mirror)
    good = snapshot.verdict == "listing" and snapshot.complete and bool(snapshot.entries) and not snapshot.backfill
    return (
        good
        and "rule-relearned" not in snapshot.why
        and notes.rule == snapshot.rule_digest
        and (notes.sure or snapshot.provisional)
        and mirror in notes.mirrors
        and all(mirror in lacked for lacked in notes.clings.values())
    )


def _again(roster: Roster, snapshot: Snapshot, known: _Known) -> Decision | None:
    """What follows from seeing the same again; None if something is open after all."""
    notes = load(roster.notes)
    if not _is_calm(notes, snapshot):
        return None
    notes.visits += 1
    notes.complete += 1
    if not notes.sure:
        notes.stable += 1
    notes.runs[-1].visits += 1
    notes.runs[-1].last = snapshot.taken_at
    first = snapshot.captures[0]
    notes.since, notes.since_in = snapshot.taken_at, first
    notes.reached, notes.reached_in = snapshot.taken_at, first
    notes.looks = (notes.looks + "g")[-LOOKS:]
    entries = known.entries
    if not _is_of(roster.entries, entries):
        return None
    seen = Resighted(entries, known.places, snapshot.taken_at, snapshot.captures)
    return Decision(roster=Roster(site=roster.site, entries=seen, notes=save(notes)))
