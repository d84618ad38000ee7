"""The ledger as everyone reads it: any process may, at any time, while its owner writes (``watcher.edge.store``)."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, Self

from watcher.edge import schema
from watcher.edge.bodies import BodyFiles
from watcher.edge.ledger_beliefs import BeliefQuestions, Owed
from watcher.edge.ledger_log import LogQuestions, SignedHead, Stamp
from watcher.edge.object_bodies import frames_of
from watcher.edge.pause_files import with_pauses
from watcher.edge.rows import capture_id, capture_span
from watcher.records import TargetStatus

__all__ = ["BODIES", "Found", "Ledger", "Owed", "SignedHead", "Stamp"]

BODIES = "bodies"
MOST_FOUND = 20


class Found(NamedTuple):
    """Something that goes by an identifier."""

    what: Literal["capture", "event"]
    id: str


class Ledger(LogQuestions, BeliefQuestions):
    """Everything that was kept, read, believed and concluded."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        super().__init__(connection, frames_of(folder, BodyFiles(folder / BODIES)))
        self.folder = folder

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The ledger of the store in ``folder``, to be read; ``StoreError`` if there is none, or of another form."""
        return cls(schema.open_reading(folder), folder)

    def status(self) -> tuple[TargetStatus, ...]:
        """How every target stands; paused ones, too."""
        return with_pauses(self.folder, super().status(), datetime.now(UTC))

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, prefix: str) -> tuple[Found, ...]:
        """Captures and events whose identifier begins so (the first few)."""
        found: list[Found] = []
        span = capture_span(prefix)
        if span:
            rows = self.connection.execute(
                "SELECT id FROM capture WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", (*span, MOST_FOUND)
            )
            found += [Found("capture", capture_id(number)) for (number,) in rows]
        rows = self.connection.execute(
            "SELECT id FROM event WHERE id >= ?1 AND id < ?1 || char(1114111) ORDER BY id LIMIT ?2",
            (prefix, MOST_FOUND),
        )
        found += [Found("event", identifier) for (identifier,) in rows]
        return tuple(found)
