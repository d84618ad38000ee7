"""Records what a visit concluded: readings, snapshot, events, and a leaf for each (step 6 of a visit)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from watcher.core import custody
from watcher.core.moments import rfc3339
from watcher.core.resighted import listed
from watcher.edge.custody_log import Kind, logged_reading, speaks_for
from watcher.edge.keeper import InHand, Keeper
from watcher.edge.ledger import Ledger
from watcher.edge.names import Names, Place
from watcher.edge.repeats import PageSaid, Repeats, repeat_of
from watcher.edge.rows import micros, text_digest, visit_started
from watcher.edge.sayings import encode, encode_why, said
from watcher.edge.search_index import SearchIndex
from watcher.errors import StoreError
from watcher.ports import Again, Outcome
from watcher.records import MISS_VERDICTS, Event, Reading, Snapshot

MOST_READ = 32
"""Readings kept in memory, to know the same one again."""
LISTING = "listing"


class _Visit(NamedTuple):
    site: int
    started: int
    at: datetime
    """When it is recorded."""
    fresh: bool
    """It was never recorded before."""


class _Read(NamedTuple):
    """A reading as it came, as the log has it, and where it is."""

    came: Reading
    logged: Reading
    content: int


class Recorder:
    """Writes outcomes, within the owner's transaction."""

    def __init__(self, ledger: Ledger, names: Names, keeper: Keeper, index: SearchIndex) -> None:
        self._ledger, self._names, self._keeper, self._index = ledger, names, keeper, index
        self._connection = ledger.connection
        self.repeats = Repeats(ledger)
        self._reads: OrderedDict[int, _Read] = OrderedDict()
        self._saids: dict[int, tuple[bytes, int]] = {}
        """Site to the digest of what its last snapshot said, and where that is: to know it again."""

    def forget(self) -> None:
        self.repeats.forget()
        self._reads.clear()
        self._saids.clear()

    def record(self, outcome: Outcome, at: datetime, *, as_logged: bool = False) -> None:
        """Readings, snapshot and events of a visit. Said again, the same changes nothing; a new reading takes the old
        one's place, and the log keeps both. ``as_logged``: they come from another log, their texts as digests."""
        site, started = self._names.site(outcome.site), visit_started(outcome.visit)
        hands, fresh = self._keeper.in_hand(site, outcome.visit)
        # the record of what was said before is made before the readings that it rests on change
        before = None if fresh else self._ledger.leaf_of_snapshot(outcome.visit)
        known = {hand.capture.id: hand for hand in hands}
        reads: dict[str, _Read] = {}
        for name, reading in outcome.readings.items():
            if name not in known:
                raise StoreError(f"capture {name} of visit {outcome.visit} was never kept")
            reads[name] = self._content(known[name].place, reading, as_logged=as_logged)
        pages = [reads[name] for name in outcome.snapshot.captures if name in reads]
        covered = speaks_for(outcome.snapshot, [page.came for page in pages])
        visit = _Visit(site, started, at, fresh)
        for name, read in reads.items():
            if not as_logged:
                self._index.see(known[name].place.number, known[name].number, read.came.text)
            self._reading(visit, known[name], read, silent=covered and name in outcome.snapshot.captures)
        snapshot = outcome.snapshot if as_logged else _logged(outcome.snapshot, pages)
        record = custody.snapshot_record(snapshot, at=at)
        repeat = None
        if before is None or {**before.record, "at": ""} != {**record, "at": ""}:
            if before is not None:
                self._supersede(before.index, before.record)
            leaf = self._ledger.log.append(Kind.SNAPSHOT, started, custody.leaf_data(record))
            first = next((hand.capture.isolation for hand in hands if hand.capture.id in snapshot.captures[:1]), "")
            form = said(snapshot, [page.logged for page in pages], [hand.capture.id for hand in hands], first)
            content = self._said(site, encode(form), snapshot)
            self._snapshot(visit, snapshot, content, leaf)
            if fresh and not as_logged:
                of_pages = {
                    name: _page_said(known[name], reads[name], at, silent=covered)
                    for name in snapshot.captures
                    if name in reads
                }
                names = [hand.capture.id for hand in hands]
                repeat = repeat_of(snapshot, content, names, of_pages, listed(outcome.decision.roster.entries))
        self.repeats.note(site, outcome.visit, {hand.capture.mirror for hand in hands}, repeat, outcome.lately)
        if outcome.lately:
            self._saids.pop(site, None)  # what comes next is most likely the same, and then nobody asks
        for event in outcome.decision.events:
            self._event(site, event, at)
        verdicts = {name: read.came.verdict for name, read in reads.items()}
        self._status(site, outcome.snapshot, hands, verdicts, listed(outcome.decision.roster.entries))
        self._connection.execute("DELETE FROM underway WHERE site = ? AND started = ?", (site, started))

    def record_again(self, again: Again, at: datetime) -> Snapshot | None:
        """The snapshot of a visit that showed what one before it did, without its entries; what ``record`` would have
        written is written. None: it is not known what that was, and nothing was."""
        site, started = self._names.site(again.site), visit_started(again.visit)
        repeat = self.repeats.find(site, again)
        if repeat is None:
            return None
        hands, fresh = self._keeper.in_hand(site, again.visit)
        pages = [hand for hand in hands if hand.capture.id in again.captures]
        if not fresh or tuple([hand in pages for hand in hands]) != repeat.are_pages:
            return None
        for hand, page in zip(pages, repeat.pages, strict=True):
            is_same = again.moved or hand.capture.body_digest == page.body
            if not is_same or (hand.place.number, hand.place.reading) != (page.place, page.content):
                return None
        if again.moved:
            repeat = self.repeats.moved(site, again, repeat)
        visit = _Visit(site, started, at, fresh)
        for hand, page in zip(pages, repeat.pages, strict=True):
            leaf = None
            if page.record is not None:
                record = {**page.record, "capture": hand.capture.id, "at": rfc3339(at)}
                leaf = self._ledger.log.append(Kind.READING, hand.number, custody.leaf_data(record))
            row = (hand.number, page.content, micros(at) - started, leaf)
            self._connection.execute("INSERT INTO reading VALUES (?, ?, ?, ?)", row)
        snapshot, entries = self.repeats.snapshot(site, repeat, again.visit, pages)
        data = custody.leaf_data(custody.snapshot_record(snapshot, at=at, entries=entries))
        self._snapshot(visit, snapshot, repeat.content, self._ledger.log.append(Kind.SNAPSHOT, started, data))
        verdicts = {hand.capture.id: page.verdict for hand, page in zip(pages, repeat.pages, strict=True)}
        self._status(site, snapshot, hands, verdicts, repeat.listed)
        self._connection.execute("DELETE FROM underway WHERE site = ? AND started = ?", (site, started))
        self.repeats.said_again(site, again.visit)
        return snapshot

    def tell(self, site: str, events: Sequence[Event], at: datetime) -> None:
        """Events alone, of a visit whose captures are not here."""
        number = self._names.site(site)
        for event in events:
            self._event(number, event, at)

    def read_foreign(self, hand: InHand, reading: Reading, at: datetime) -> None:
        """What a capture made by others says: to be looked at and searched, and in no log."""
        started = visit_started(hand.capture.visit)
        content = self._content(hand.place, reading).content
        self._index.see(hand.place.number, hand.number, reading.text)
        row = (hand.number, content, micros(at) - started, None)
        self._connection.execute("INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)", row)

    # ------------------------------------------------------------------------------------------------ readings

    def _content(self, place: Place, reading: Reading, *, as_logged: bool = False) -> _Read:
        """The reading, said once."""
        last = self._reads.get(place.number)
        if last is not None and last.came is reading:
            return last
        if last is not None and last.came == reading:
            self._reads[place.number] = last._replace(came=reading)  # next time, one look tells
            return last
        logged = reading if as_logged else logged_reading(reading)
        content = self._ledger.contents.put(
            encode(logged), reading.verdict, encode_why(reading.why), reading.complete, place.reading
        )
        self._names.reading_at(place, content)
        read = self._reads[place.number] = _Read(reading, logged, content)
        self._reads.move_to_end(place.number)
        if len(self._reads) > MOST_READ:
            self._reads.popitem(last=False)
        return read

    def _reading(self, visit: _Visit, hand: InHand, read: _Read, *, silent: bool) -> None:
        """What one capture says; ``silent`` if the snapshot's leaf says it."""
        if not visit.fresh and self._said_before(hand.number, read.content):
            return
        leaf = None
        if not silent:
            record = custody.reading_record(hand.capture.id, read.logged, at=visit.at, vantage=hand.capture.vantage)
            leaf = self._ledger.log.append(Kind.READING, hand.number, custody.leaf_data(record))
        row = (hand.number, read.content, micros(visit.at) - visit.started, leaf)
        self._connection.execute("INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)", row)

    def _said_before(self, number: int, content: int) -> bool:
        """Whether the capture was read to say just this; what it was read to say instead is kept for the log."""
        row = self._connection.execute("SELECT content, leaf FROM reading WHERE capture = ?", (number,)).fetchone()
        if row is None or row[0] == content:
            return row is not None
        if row[1] is not None:
            self._supersede(row[1], self._ledger.record_of(row[1]))
        return False

    def _supersede(self, leaf: int, record: custody.Record) -> None:
        """Keep the record of a leaf whose rows are about to change."""
        self._connection.execute("INSERT INTO act VALUES (?, ?)", (leaf, custody.canonical(record)))
        self._connection.execute("UPDATE leaf SET kind = ?, ref = NULL WHERE n = ?", (Kind.ACT, leaf))

    # ------------------------------------------------------------------------------------------------ snapshot

    def _snapshot(self, visit: _Visit, snapshot: Snapshot, content: int, leaf: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                visit.site,
                visit.started,
                micros(snapshot.taken_at) - visit.started,
                micros(snapshot.finished_at) - visit.started,
                content,
                micros(visit.at) - visit.started,
                leaf,
            ),
        )

    def _said(self, site: int, form: bytes, snapshot: Snapshot) -> int:
        """What the snapshot says, said once."""
        digest = sha256(form).digest()
        known = self._saids.get(site)
        if known is not None and known[0] == digest:
            return known[1]
        last = self._connection.execute(
            "SELECT content FROM snapshot WHERE site = ? ORDER BY started DESC LIMIT 1", (site,)
        ).fetchone()
        content = self._ledger.contents.put(
            form, snapshot.verdict, encode_why(snapshot.why), snapshot.complete, last[0] if last else None
        )
        self._saids[site] = (digest, content)
        return content

    # --------------------------------------------------------------------------------------- events and status

    def _event(self, site: int, event: Event, at: datetime) -> None:
        """The event and the alerts it owes; one recorded before is passed over."""
        row = (event.id, site, event.kind, micros(event.confirmed_at), micros(at), self._ledger.log.size, encode(event))
        added = self._connection.execute(
            "INSERT OR IGNORE INTO event (id, site, kind, confirmed, recorded, leaf, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        if added.rowcount and added.lastrowid is not None:
            record = custody.event_record(event, at=at)
            self._ledger.log.append(Kind.EVENT, added.lastrowid, custody.leaf_data(record))
            self._connection.execute(
                "INSERT INTO delivery SELECT ?, id, 'owed', 0, 0, '' FROM sink WHERE active", (added.lastrowid,)
            )

    def _status(
        self,
        site: int,
        snapshot: Snapshot,
        hands: Sequence[InHand],
        verdicts: Mapping[str, str],
        listed: int,
    ) -> None:
        """How the target and the mirrors asked stand now; an older visit, read again, changes nothing."""
        visited = micros(snapshot.finished_at)
        self._connection.execute(
            "INSERT INTO target VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7) ON CONFLICT DO UPDATE SET"
            " verdict = ?3, last_visit = ?4, last_complete = coalesce(?5, last_complete), listed = ?6,"
            " misses = CASE WHEN ?7 THEN misses + 1 ELSE 0 END WHERE last_visit IS NULL OR last_visit < ?4",
            (
                site,
                LISTING,
                snapshot.verdict,
                visited,
                visited if snapshot.complete else None,
                listed,
                snapshot.verdict in MISS_VERDICTS,
            ),
        )
        for hand in hands:
            capture = hand.capture
            verdict = verdicts.get(capture.id, capture.verdict)
            if capture.target == LISTING and verdict:
                self._connection.execute(
                    "INSERT INTO mirror VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET verdict = ?3, last_visit = ?4"
                    " WHERE last_visit <= ?4",
                    (site, capture.mirror, verdict, micros(capture.finished_at)),
                )


def _page_said(hand: InHand, read: _Read, at: datetime, *, silent: bool) -> PageSaid:
    """What a page says, to be said again."""
    capture, record = hand.capture, None
    if not silent:
        record = custody.reading_record(capture.id, read.logged, at=at, vantage=capture.vantage)
    return PageSaid(hand.place.number, capture.body_digest, read.content, read.came.verdict, record)


def _logged(snapshot: Snapshot, pages: Sequence[_Read]) -> Snapshot:
    """The snapshot as the log has it: its text as a digest."""
    if len(pages) == 1 and snapshot.text == pages[0].came.text:
        return replace(snapshot, text=pages[0].logged.text)
    return replace(snapshot, text=text_digest(snapshot.text))
