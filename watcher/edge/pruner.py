"""Erases old bodies that no event needs: bytes go, and digests, records and proofs stay.

A body that stays, and that was written as the difference from one that goes, is written anew. What is erased is
overwritten with zeros in the ledger; what the disk underneath keeps of it is beyond us.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from watcher.core import custody
from watcher.edge.ledger import Ledger
from watcher.edge.rows import blob, capture_id, capture_number, micros
from watcher.edge.search_index import SearchIndex

_GOING = """
SELECT b.id, b.digest, b.stored FROM body b
WHERE b.erased IS NULL AND b.id IN (SELECT body FROM capture WHERE started < :before) AND b.id NOT IN (
  SELECT c.body FROM capture c JOIN place p ON p.id = c.place WHERE c.body IS NOT NULL AND (
    c.started + c.requested >= :before
    OR EXISTS (SELECT 1 FROM needed n WHERE n.site = p.site AND c.started BETWEEN n.start AND n.finish)))
ORDER BY b.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a prune erased, or would erase."""

    bodies: tuple[str, ...]
    """Digests."""
    captures: int
    """How many captures show them."""
    stored_bytes: int
    """What they took in the store."""


class Pruner:
    """Within the owner's transaction."""

    def __init__(self, ledger: Ledger, index: SearchIndex, vantage: str) -> None:
        self._ledger, self._index, self._vantage = ledger, index, vantage
        self._connection = ledger.connection

    def prune(self, before: datetime, at: datetime, *, dry_run: bool) -> Pruned:
        """Erase every body that only captures older than ``before`` show, and no event or entry needs."""
        execute = self._connection.execute
        execute("CREATE TEMP TABLE IF NOT EXISTS needed (site INTEGER, start INTEGER, finish INTEGER)")
        execute("DELETE FROM needed")
        self._connection.executemany("INSERT INTO needed VALUES (?, ?, ?)", self._needed())
        rows = execute(_GOING, {"before": micros(before)}).fetchall()
        going = {number: blob(digest) for number, digest, _ in rows}
        execute("CREATE TEMP TABLE IF NOT EXISTS going (id INTEGER PRIMARY KEY)")
        execute("DELETE FROM going")
        self._connection.executemany("INSERT INTO going VALUES (?)", [(number,) for number in going])
        showing = execute(
            "SELECT n, id FROM capture WHERE body IN (SELECT id FROM going) AND leaf IS NOT NULL"
        ).fetchall()
        pruned = Pruned(
            bodies=tuple(digest.hex() for digest in going.values()),
            captures=len(showing),
            stored_bytes=sum(stored for _, _, stored in rows),
        )
        if going and not dry_run:
            self._erase(showing, at)
            self._ledger.log.act(
                custody.prune_record(bodies=pruned.bodies, before=before, at=at, vantage=self._vantage)
            )
        return pruned

    def _needed(self) -> Iterator[tuple[int, int, int]]:
        """Spans of time of a site whose captures stay: from the copy before each event until it was sure, and what
        shows, or first lacks, each entry now."""
        sites = dict(self._connection.execute("SELECT name, id FROM site"))
        for event in self._ledger.events():
            found = [self._started(name) for name in (event.before, event.after) if name]
            ends = [end for end in found if end is not None]
            start = min([micros(event.not_before or event.not_after), *ends])
            yield sites[event.site], start, micros(event.confirmed_at)
            for end in ends:  # a clock set back put it outside of the span
                yield sites[event.site], end, end
        for site, entry in self._ledger.entries():
            for name in (entry.seen_in, entry.missing_in):
                started = self._started(name) if name else None
                if started is not None:
                    yield sites[site], started, started

    def _started(self, capture: str) -> int | None:
        row = self._connection.execute(
            "SELECT started FROM capture WHERE id = ?", (capture_number(capture),)
        ).fetchone()
        return None if row is None else int(row[0])

    def _erase(self, showing: list[tuple[int, int]], at: datetime) -> None:
        execute = self._connection.execute
        for number, identifier in showing:  # the log's record of a capture holds the digest of the whole response
            response = self._ledger.wire(capture_id(identifier))[1]
            execute("INSERT OR IGNORE INTO response VALUES (?, ?)", (number, sha256(response).digest()))
        self._ledger.bodies.erase(at)
        self._index.drop_erased()
        execute("UPDATE place SET body = NULL WHERE body IN (SELECT id FROM going)")
