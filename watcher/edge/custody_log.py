"""The custody log on disk: leaves, the interior nodes worth keeping, and what each leaf is about.

Of the interior nodes only those over 16 leaves and more are kept; a lower one is made from its leaves, which lie side
by side, in one look-up. That is an eighth of the rows at the same number of look-ups.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum

from watcher.core import custody, merkle
from watcher.edge.rows import blob, text_digest
from watcher.errors import StoreDamaged
from watcher.records import Reading, Snapshot

KEPT_FROM = 4
"""The lowest level whose nodes are rows of their own."""
_LEVEL_BITS = 48
"""A node's row number is its level, then its index in so many bits."""
_HINT = "restore a copy of the store; watcher verify says what is lost"


class Kind(IntEnum):
    """Where the record of a leaf can be made again from."""

    ACT = 0
    """``act.record``: the record itself."""
    CAPTURE = 1
    """The row of ``capture`` whose number is ``ref``: a capture, miss or refusal."""
    READING = 2
    """The row of ``reading`` of that capture."""
    SNAPSHOT = 3
    """The row of ``snapshot`` of the visit that began at ``ref`` and names this leaf."""
    EVENT = 4
    """The row of ``event`` whose number is ``ref``."""


class CustodyLog:
    """A log in the tables ``leaf`` and ``node``. Whoever appends does so within a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._size: int | None = None
        self._edge: dict[int, tuple[int, bytes]] = {}
        """The newest complete node of each level: what the next leaf is hashed with."""

    @property
    def size(self) -> int:
        """How many leaves there are."""
        if self._size is None:
            self._size = self._connection.execute("SELECT coalesce(max(n) + 1, 0) FROM leaf").fetchone()[0]
        return self._size

    def forget(self) -> None:
        """Remember nothing: what was appended last was rolled back, or another process appends."""
        self._size = None
        self._edge.clear()

    def append(self, kind: Kind, ref: int | None, data: bytes) -> int:
        """The index of a new leaf that holds ``data`` (``custody.leaf_data`` of a record)."""
        size = self.size
        for (level, index), value in merkle.append(size, merkle.leaf_hash(data), self.node_at):
            self._edge[level] = (index, value)
            if level == 0:
                self._connection.execute("INSERT INTO leaf VALUES (?, ?, ?, ?)", (index, kind, ref, value))
            elif level >= KEPT_FROM:
                self._connection.execute("INSERT INTO node VALUES (?, ?)", (level << _LEVEL_BITS | index, value))
        self._size = size + 1
        return size

    def act(self, record: custody.Record) -> int:
        """The index of the leaf of an act that has no rows of its own: its record is kept."""
        form = custody.canonical(record)
        leaf = self.append(Kind.ACT, None, custody.leaf_data(record))
        self._connection.execute("INSERT INTO act VALUES (?, ?)", (leaf, form))
        return leaf

    def node_at(self, level: int, index: int) -> bytes:
        """The complete node at (level, index); ``StoreDamaged`` if it is not there."""
        edge = self._edge.get(level)
        if edge is not None and edge[0] == index:
            return edge[1]
        if 0 < level < KEPT_FROM:
            leaves = list(self.leaves(index << level, (index + 1) << level))
            if len(leaves) == 1 << level:
                return merkle.levels(leaves)[level][0]
        else:
            table, place = ("node", level << _LEVEL_BITS | index) if level else ("leaf", index)
            name = "place" if level else "n"
            row = self._connection.execute(f"SELECT hash FROM {table} WHERE {name} = ?", (place,)).fetchone()
            if row is not None:
                return blob(row[0])
        raise StoreDamaged(f"the custody log lacks its node {level}/{index}", hint=_HINT)

    def leaves(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The leaf hashes from ``start`` up to, but without, ``end``."""
        last = self.size if end is None else end
        rows = self._connection.execute("SELECT hash FROM leaf WHERE n >= ? AND n < ? ORDER BY n", (start, last))
        return (blob(row[0]) for row in rows)

    def root(self, size: int | None = None) -> bytes:
        """The root over the first ``size`` leaves (all)."""
        return merkle.root(self.size if size is None else size, self.node_at)


# ------------------------------------------------------------------------------- what the log says of what was read


def logged_reading(reading: Reading) -> Reading:
    """The reading as log and ledger have it: the visible text, which the body gives at any time, as its SHA-256."""
    return replace(reading, text=text_digest(reading.text))


def speaks_for(snapshot: Snapshot, readings: Sequence[Reading]) -> bool:
    """Whether the snapshot's leaf says all that a leaf of its one page's reading would."""
    return (
        len(readings) == 1
        and snapshot.verdict == readings[0].verdict
        and snapshot.complete == readings[0].complete
        and snapshot.rule_digest == readings[0].rule_digest
        and (snapshot.entries is readings[0].entries or snapshot.entries == readings[0].entries)
    )
