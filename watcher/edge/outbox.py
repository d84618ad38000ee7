"""Writes what else the owner does: when a site is due, alerts told or not, checkpoints and their stamps."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from watcher.core import custody
from watcher.edge.ledger import Ledger
from watcher.edge.names import Names
from watcher.edge.rows import micros
from watcher.errors import UsageError

LISTING = "listing"


class Outbox:
    """Within the owner's transaction."""

    def __init__(self, ledger: Ledger, names: Names, vantage: str) -> None:
        self._ledger, self._names, self._vantage = ledger, names, vantage
        self._connection: sqlite3.Connection = ledger.connection

    def schedule(self, site: str, next_visit: datetime) -> None:
        """Remember when a site is due."""
        self._connection.execute(
            "INSERT INTO target VALUES (?1, ?2, '', NULL, NULL, ?3, 0, 0) ON CONFLICT DO UPDATE SET next_visit = ?3",
            (self._names.site(site), LISTING, micros(next_visit)),
        )

    # -------------------------------------------------------------------------------------------------- alerts

    def subscribe(self, sinks: Sequence[str]) -> None:
        """From now on every event owes an alert to each of these sinks, and to no other; what a sink that is no longer
        named was still owed is dropped."""
        self._connection.execute("UPDATE sink SET active = 0")
        for name in sinks:
            self._connection.execute(
                "INSERT INTO sink (name, active) VALUES (?, 1) ON CONFLICT DO UPDATE SET active = 1", (name,)
            )
        self._connection.execute(
            "DELETE FROM delivery WHERE state = 'owed' AND sink IN (SELECT id FROM sink WHERE NOT active)"
        )

    def delivered(self, seq: int, sink: str, checkpoint: str, at: datetime) -> None:
        """The alert arrived, with this checkpoint: logged, and owed no more."""
        event = self._settle(seq, sink, "delivered")
        if event is not None:
            self._ledger.log.act(
                custody.alert_record(
                    event=event, sink=sink, checkpoint=checkpoint.encode(), at=at, vantage=self._vantage
                )
            )

    def not_wanted(self, seq: int, sink: str) -> None:
        """The sink did not ask for this event: owed no more."""
        self._settle(seq, sink, "not-wanted")

    def put_off(self, seq: int, sink: str, until: datetime) -> None:
        """The alert is to be told later: held back until then, which is no failure."""
        self._connection.execute(
            "UPDATE delivery SET next_try = ?"
            " WHERE event = ? AND sink = (SELECT id FROM sink WHERE name = ?) AND state = 'owed'",
            (micros(until), seq, sink),
        )

    def not_delivered(self, seq: int, sink: str, why: str, next_try: datetime) -> None:
        """The alert did not arrive; it is due again later."""
        self._connection.execute(
            "UPDATE delivery SET tries = tries + 1, next_try = ?, why = ?"
            " WHERE event = ? AND sink = (SELECT id FROM sink WHERE name = ?) AND state = 'owed'",
            (micros(next_try), why, seq, sink),
        )

    def _settle(self, seq: int, sink: str, state: str) -> str | None:
        """The event's identifier, if an alert was owed; else None."""
        changed = self._connection.execute(
            "UPDATE delivery SET state = ?, why = ''"
            " WHERE event = ? AND sink = (SELECT id FROM sink WHERE name = ?) AND state = 'owed'",
            (state, seq, sink),
        ).rowcount
        if not changed:
            return None
        return str(self._connection.execute("SELECT id FROM event WHERE seq = ?", (seq,)).fetchone()[0])

    # ---------------------------------------------------------------------------------- checkpoints and stamps

    def checkpoint(self, size: int, note: str, at: datetime) -> None:
        """Keep a signed head of the log; for the same size again (a witness cosigned it), in place of the last."""
        if size > self._ledger.log.size:
            raise UsageError(
                f"a checkpoint over {size} leaves, and the log has {self._ledger.log.size}",
                hint="`watcher log head` says how long the log is",
            )
        self._connection.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)", (size, micros(at), note))

    def stamp(self, size: int, authority: str, *, token: bytes = b"", why: str = "", next_try: datetime | None) -> None:
        """What an authority said of a head: a token, or why there is none yet."""
        state = "stamped" if token else "pending" if next_try else "off"
        self._connection.execute(
            "INSERT INTO stamp VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
            " state = ?3, tries = tries + 1, next_try = ?4, token = ?5, why = ?6 WHERE state != 'stamped'",
            (size, authority, state, None if next_try is None else micros(next_try), token or None, why),
        )
