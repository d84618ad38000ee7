"""Versions of the same thing, each stored as little more than what is new in it.

A version is a zstd frame with an earlier one as its prefix. From a keyframe (depth 0) a chain grows to depth 8; the
next version goes back to the keyframe (depth 1) and a chain grows from there. So nothing ever needs more than 8 others
to be read, and a keyframe, which costs as much as a file of its own, is written only once in 64 versions, or as soon as
a version shares too little with those before. (With a keyframe at every eighth version the keyframes alone would be an
eighth of what gzip takes.)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from watcher.edge.bodies import Frames, Recent, pack, unpack
from watcher.edge.rows import as_written, blob, key_of, micros, moment
from watcher.errors import StoreDamaged, UsageError

MOST_DEPTH = 8
"""No version needs more than so many others."""
ERA = 64
"""A keyframe at least every so many versions."""
PAYS = 0.7
"""A prefix pays while its frame is smaller than this share of a whole one."""
DOUBTFUL = 16
"""A frame below one such part of its payload surely pays; else the whole one is tried."""
IN_LEDGER = 32 * 1024
"""Larger frames are files."""
_HINT = "restore a copy of the store; watcher verify says what is lost"


class Link(NamedTuple):
    """One version's row, without its bytes."""

    number: int
    size: int
    base: int | None
    depth: int
    nth: int


class Packed(NamedTuple):
    """A new version, ready to be stored."""

    frame: bytes
    base: int | None
    depth: int
    nth: int


class Chains:
    """The chains of one table (``body`` or ``content``)."""

    def __init__(
        self, connection: sqlite3.Connection, table: str, frame_of: Callable[[int, bytes | None], bytes]
    ) -> None:
        self._connection, self._frame_of = connection, frame_of
        self._link = f"SELECT id, size, base, depth, nth FROM {table} WHERE id = ?"
        self._stored = f"SELECT size, base, frame FROM {table} WHERE id = ?"
        self.recent = Recent()

    @as_written
    def payload(self, number: int, check: Callable[[int, bytes], None]) -> bytes:
        """The version's bytes; each link of its chain is checked on the way."""
        found = self.recent.get(number)
        if found is not None:
            return found
        row = self._connection.execute(self._stored, (number,)).fetchone()
        if row is None:
            raise StoreDamaged(f"the ledger lacks version {number}", hint=_HINT)
        size, base, frame = row
        if base is not None and base >= number:
            raise StoreDamaged(f"version {number} of the ledger claims to follow a later one", hint=_HINT)
        prefix = b"" if base is None else self.payload(base, check)
        try:
            payload = unpack(self._frame_of(number, frame), size, prefix)
        except ValueError:
            payload = b""  # and the check names it
        check(number, payload)
        if base is not None or frame is None:
            self.recent.put(number, payload)
        return payload

    def packed(self, payload: bytes, last: int | None, check: Callable[[int, bytes], None]) -> Packed:
        """The payload as the version that follows ``last``."""
        base = self._base(last)
        if base is None:
            return Packed(pack(payload), None, 0, 0)
        try:
            prefix = self.payload(base.number, check)
        except StoreDamaged as error:  # old damage must not cost new evidence
            import structlog  # a tenth of a second, and readers hardly ever need it

            structlog.get_logger("watcher").error("store damaged", error=str(error), mend=error.hint)
            return Packed(pack(payload), None, 0, 0)
        frame = pack(payload, prefix)
        delta = Packed(frame, base.number, base.depth + 1, self._nth(last))
        if len(frame) * DOUBTFUL < len(payload):
            return delta
        whole = pack(payload)
        return delta if len(frame) < PAYS * len(whole) else Packed(whole, None, 0, 0)

    def remember(self, number: int, payload: bytes, new: Packed, *, near: bool = True) -> None:
        """The version was stored: the next one follows it. One that needs no other and is near, in the ledger, is had
        from there as quickly: pages that never change take nothing here."""
        if new.base is not None or not near:
            self.recent.put(number, payload)
        if new.base is not None and new.depth > 1:
            self.recent.drop(new.base)

    @as_written
    def _base(self, last: int | None) -> Link | None:
        """What the next version is written against: the last one, or its keyframe; None: it is a keyframe itself."""
        link = self._row(last)
        if link is None or link.nth + 1 >= ERA:
            return None
        while link.depth >= MOST_DEPTH or (link.depth and link.number != last):
            above = self._row(link.base)
            if above is None:
                return None
            link = above
        return link

    @as_written
    def _nth(self, last: int | None) -> int:
        """The number in its era of the version after ``last``."""
        link = self._row(last)
        return link.nth + 1 if link else 0

    def _row(self, number: int | None) -> Link | None:
        row = None if number is None else self._connection.execute(self._link, (number,)).fetchone()
        return Link(*row) if row else None


class Stored(NamedTuple):
    """A body on the shelf."""

    number: int
    new_bytes: int
    """What it cost now: nothing if it was there."""


class BodyShelf:
    """Payloads as received, by their SHA-256."""

    def __init__(self, connection: sqlite3.Connection, files: Frames) -> None:
        self._connection, self.files = connection, files
        self._chains = Chains(connection, "body", self._frame)

    def put(self, digest: bytes, payload: bytes, last: int | None) -> Stored:
        """The payload on the shelf; ``last`` is the version of the same page before it. A body met before costs
        nothing; a large new one is a durable file before its row is written."""
        known = self.find(digest)
        if known is not None:
            return Stored(known, 0)
        new = self._chains.packed(payload, last, self._check)
        inside = len(new.frame) <= IN_LEDGER
        if not inside:
            if self.files.alone and new.base is not None:
                new = Packed(pack(payload), None, 0, 0)
            self.files.write(digest.hex(), new.frame)
        number = self._connection.execute(
            "INSERT INTO body (key, digest, size, base, depth, nth, stored, frame) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key_of(digest),
                digest,
                len(payload),
                new.base,
                new.depth,
                new.nth,
                len(new.frame),
                new.frame if inside else None,
            ),
        ).lastrowid
        assert number is not None
        self._chains.remember(number, payload, new, near=inside)
        return Stored(number, len(new.frame))

    def find(self, digest: bytes) -> int | None:
        """The number of the body with this digest; None if it is not here, or was erased."""
        row = self._connection.execute(
            "SELECT id FROM body WHERE key = ? AND digest = ? AND erased IS NULL", (key_of(digest), digest)
        ).fetchone()
        return row[0] if row else None

    def get(self, number: int) -> bytes:
        """The payload; ``StoreDamaged`` names the digest if it is not what was kept."""
        return self._chains.payload(number, self._check)

    def erase(self, at: datetime) -> None:
        """Erase the bodies listed in the temporary table ``going``; what is written as a difference from one of them,
        and stays, is written anew, in the ledger, where a rollback takes it back. ``sweep`` removes the files."""
        leaning = self._connection.execute(
            "SELECT id FROM body WHERE base IN (SELECT id FROM going) AND id NOT IN (SELECT id FROM going) ORDER BY id"
        ).fetchall()
        for (number,) in leaning:
            payload = self.get(number)
            base = self._staying(number)
            frame = pack(payload, b"" if base is None else self.get(base))
            self._connection.execute(
                "UPDATE body SET frame = ?, stored = ?, base = ? WHERE id = ?", (frame, len(frame), base, number)
            )
        self._connection.execute(
            "UPDATE body SET erased = ?, frame = NULL, base = NULL, stored = 0 WHERE id IN (SELECT id FROM going)",
            (micros(at),),
        )
        self.forget()

    def _staying(self, number: int) -> int | None:
        """The nearest body above this one in its chain that stays; None: it must stand alone."""
        above: int | None = number
        while above is not None:
            row = self._connection.execute(
                "SELECT b.base, b.base IN (SELECT id FROM going) FROM body b WHERE b.id = ?", (above,)
            ).fetchone()
            above = row[0]
            if above is not None and not row[1]:
                return above
        return None

    def sweep(self) -> int:
        """Remove files that belong to no body: left by a process that was killed, or erased. How many there were."""
        there = self.files.digests()
        wanted = "SELECT digest FROM body WHERE frame IS NULL AND erased IS NULL"
        there -= {digest.hex() for (digest,) in self._connection.execute(wanted)} if there else set()
        for digest in there:
            self.files.remove(digest)
        return len(there)

    def forget(self) -> None:
        self._chains.recent.clear()

    def _digest(self, number: int) -> bytes:
        row = self._connection.execute("SELECT digest FROM body WHERE id = ?", (number,)).fetchone()
        return blob(row[0])

    def _frame(self, number: int, frame: bytes | None) -> bytes:
        if frame is not None:
            return frame
        digest, erased = self._connection.execute("SELECT digest, erased FROM body WHERE id = ?", (number,)).fetchone()
        if erased is not None:
            raise UsageError(
                f"body {digest.hex()} was erased on {moment(erased):%Y-%m-%d}", hint="its digest and its proofs stay"
            )
        return self.files.read(digest.hex())

    def _check(self, number: int, payload: bytes) -> None:
        digest = self._digest(number)
        if sha256(payload).digest() != digest:
            raise StoreDamaged(f"body {digest.hex()} is damaged: its bytes are not what was received", hint=_HINT)


class ContentShelf:
    """What captures and visits say, as JSON, each saying once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._chains = Chains(connection, "content", lambda _, frame: frame or b"")

    def put(self, data: bytes, verdict: str, why: str, complete: bool, last: int | None) -> int:
        """The number of the saying; ``last`` is what the same place said before."""
        key = key_of(sha256(data).digest())
        for (number,) in self._connection.execute("SELECT id FROM content WHERE key = ?", (key,)).fetchall():
            if self.get(number) == data:
                return int(number)
        new = self._chains.packed(data, last, self._check)
        number = self._connection.execute(
            "INSERT INTO content (key, verdict, why, complete, size, base, depth, nth, frame)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, verdict, why, complete, len(data), new.base, new.depth, new.nth, new.frame),
        ).lastrowid
        assert number is not None
        self._chains.remember(number, data, new)
        return number

    def get(self, number: int) -> bytes:
        """The JSON; ``StoreDamaged`` if it is not what was stored."""
        return self._chains.payload(number, self._check)

    def forget(self) -> None:
        self._chains.recent.clear()

    def _check(self, number: int, data: bytes) -> None:
        row = self._connection.execute("SELECT key FROM content WHERE id = ?", (number,)).fetchone()
        if key_of(sha256(data).digest()) != row[0]:
            raise StoreDamaged(f"reading {number} of the ledger is damaged", hint=_HINT)
