"""Questions to the ledger about the custody log: what each leaf says, and the heads that were signed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from watcher.core import custody, merkle
from watcher.edge.bodies import Frames
from watcher.edge.custody_log import CustodyLog, Kind
from watcher.edge.ledger_captures import CaptureQuestions
from watcher.edge.rows import as_written, capture_id, capture_number, decoder, moment, visit_name, visit_started
from watcher.edge.sayings import decode_event, decode_reading
from watcher.errors import StoreDamaged, UsageError

LARGEST = (1 << 63) - 1
"""Of the numbers that SQLite knows; no leaf has it."""

if TYPE_CHECKING:
    from watcher.core.material import Leaf

_decode_record = decoder(dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A checkpoint as it was signed."""

    size: int
    signed_at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What one time-stamp authority was asked of one head, and said."""

    size: int
    authority: str
    state: str
    """``pending``, ``stamped`` or ``off``."""
    tries: int
    next_try: datetime | None
    token: bytes
    why: str
    """Why it is not stamped yet."""


class LogQuestions(CaptureQuestions):
    """Everything about the custody log; part of ``Ledger``."""

    def __init__(self, connection: sqlite3.Connection, files: Frames) -> None:
        super().__init__(connection, files)
        self.log = CustodyLog(connection)

    # --------------------------------------------------------------------------------------------------- heads

    def checkpoints(self) -> Iterator[SignedHead]:
        """The signed heads of the log, smallest first."""
        return self._heads("ORDER BY size")

    def checkpoint(self, size: int | None = None) -> SignedHead | None:
        """The signed head over so many leaves; the newest, if it is not said how many."""
        return next(self._heads("WHERE ?1 IS NULL OR size = ?1 ORDER BY size DESC LIMIT 1", size), None)

    def checkpoint_over(self, leaf: int) -> SignedHead | None:
        """The first signed head that covers a leaf; None if none does yet."""
        return next(self._heads("WHERE size > ? ORDER BY size LIMIT 1", leaf), None)

    def _heads(self, which: str, *values: int | None) -> Iterator[SignedHead]:
        rows = self.connection.execute(f"SELECT size, signed, note FROM checkpoint {which}", values)
        return (SignedHead(size=size, signed_at=moment(signed), note=text) for size, signed, text in rows)

    def stamps(self, size: int | None = None) -> Iterator[Stamp]:
        """What time-stamp authorities said of the heads, or were asked."""
        return self._stamps("?1 IS NULL OR size = ?1", size)

    def _stamps(self, which: str, value: str | int | None) -> Iterator[Stamp]:
        rows = self.connection.execute(
            "SELECT size, authority, state, tries, next_try, token, why FROM stamp"
            f" WHERE {which} ORDER BY size, authority",
            (value,),
        )
        for size, authority, state, tries, next_try, token, why in rows:
            due = None if next_try is None else moment(next_try)
            yield Stamp(
                size=size, authority=authority, state=state, tries=tries, next_try=due, token=token or b"", why=why
            )

    # -------------------------------------------------------------------------------------------------- leaves

    def leaf_of_capture(self, identifier: str) -> Leaf | None:
        """The leaf that a capture, miss or refusal was logged in."""
        return self._leaf("SELECT leaf FROM capture WHERE id = ?", capture_number(identifier))

    def leaf_of_reading(self, identifier: str) -> Leaf | None:
        """The leaf of a capture's reading; None if there is none, or its snapshot's leaf says it all."""
        return self._leaf(
            "SELECT r.leaf FROM reading r JOIN capture c ON c.n = r.capture WHERE c.id = ?", capture_number(identifier)
        )

    def leaf_of_snapshot(self, visit: str) -> Leaf | None:
        """The leaf of what a visit saw, with the commitment to its set of entries."""
        return self._leaf(
            "SELECT x.leaf FROM snapshot x JOIN site s ON s.id = x.site WHERE s.name = ? AND x.started = ?",
            visit.rpartition("@")[0],
            visit_started(visit),
        )

    def leaf_of_event(self, identifier: str) -> Leaf | None:
        """The leaf of a conclusion."""
        return self._leaf("SELECT leaf FROM event WHERE id = ?", identifier)

    def proof(self, index: int, head: SignedHead | None) -> dict[str, Any]:
        """A leaf, its record, and its path to a checkpoint that covers it; None: to the log as it stands."""
        size = head.size if head else self.log.size
        return {
            "index": index,
            "record": self.record_of(index),
            "leaf_hash": self.log.node_at(0, index).hex(),
            "size": size,
            "root": self.log.root(size).hex(),
            "path": [value.hex() for value in merkle.inclusion_proof(index, size, self.log.node_at)],
            "checkpoint": head.note if head else None,
        }

    def acts(self, act: str) -> list[tuple[int, custody.Record]]:
        """The acts of a kind that has no rows of its own: the leaf of each, and its record."""
        rows = self.connection.execute(
            "SELECT leaf, record FROM act WHERE instr(record, ?) ORDER BY leaf", (f'"act":"{act}"'.encode(),)
        ).fetchall()
        return [(leaf, _decode_record(record)) for leaf, record in rows]

    def _leaf(self, sql: str, *values: str | int | None) -> Leaf | None:
        row = self.connection.execute(sql, values).fetchone()
        if row is None or row[0] is None:
            return None
        from watcher.core.material import Leaf  # and all that a bundle is made of: for who makes one

        return Leaf(index=row[0], record=self.record_of(row[0]))

    @as_written
    def record_of(self, leaf: int) -> custody.Record:
        """The record that the leaf at this index holds the digest of, made again from the ledger."""
        number = min(leaf, LARGEST)
        row = self.connection.execute("SELECT kind, ref FROM leaf WHERE n = ?", (number,)).fetchone()
        if row is None:
            raise UsageError(f"there is no leaf {leaf}", hint=f"the log has {self.log.size}")
        kind, ref = row
        match kind:
            case Kind.CAPTURE:
                return self._capture_record(ref)
            case Kind.READING:
                return self._reading_record(ref)
            case Kind.SNAPSHOT:
                return self._snapshot_record(ref, leaf)
            case Kind.EVENT:
                return self._event_record(ref)
        row = self.connection.execute("SELECT record FROM act WHERE leaf = ?", (leaf,)).fetchone()
        if row is None:
            raise self._lacks(f"the record of leaf {leaf}")
        record: custody.Record = _decode_record(row[0])
        return record

    def _lacks(self, what: str) -> StoreDamaged:
        return StoreDamaged(f"the ledger lacks {what}", hint="restore a copy of the store; watcher verify says more")

    def _capture_record(self, number: int) -> custody.Record:
        row = self.connection.execute("SELECT id FROM capture WHERE n = ?", (number,)).fetchone()
        kept = self.kept(capture_id(row[0])) if row else None
        if kept is None:
            raise self._lacks(f"capture number {number}")
        gone = self.connection.execute("SELECT digest FROM response WHERE capture = ?", (number,)).fetchone()
        if gone is None:
            request, response = self.wire(kept.capture.id)
            return custody.capture_record(kept.capture, request=request, response=response)
        record = custody.capture_record(kept.capture, request=kept.pack.request, response=b"")
        return {**record, "response": gone[0].hex()}

    def _reading_record(self, number: int) -> custody.Record:
        row = self.connection.execute(
            "SELECT c.id, c.started + r.read_at, r.content FROM reading r JOIN capture c ON c.n = r.capture"
            " WHERE r.capture = ?",
            (number,),
        ).fetchone()
        if row is None:
            raise self._lacks(f"the reading of capture number {number}")
        identifier, at, content = row
        capture = self.capture(capture_id(identifier))
        reading = decode_reading(self.contents.get(content))
        return custody.reading_record(
            capture_id(identifier), reading, at=moment(at), vantage=capture.vantage if capture else ""
        )

    def _snapshot_record(self, started: int, leaf: int) -> custody.Record:
        row = self.connection.execute(
            "SELECT s.name, x.started + x.read_at FROM site s CROSS JOIN snapshot x"
            " WHERE x.site = s.id AND x.started = ? AND x.leaf = ?",
            (started, leaf),
        ).fetchone()
        snapshot = self.snapshot(visit_name(row[0], started)) if row else None
        if snapshot is None:
            raise self._lacks(f"the snapshot of leaf {leaf}")
        return custody.snapshot_record(snapshot, at=moment(row[1]))

    def _event_record(self, seq: int) -> custody.Record:
        row = self.connection.execute("SELECT data, recorded FROM event WHERE seq = ?", (seq,)).fetchone()
        if row is None:
            raise self._lacks(f"event number {seq}")
        return custody.event_record(decode_event(row[0]), at=moment(row[1]))
