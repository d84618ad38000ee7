"""What visits are called in the ledger over all vantages, where a name is no longer one visit's alone.

A visit is named by its site and the microsecond it began in, and each vantage has one at a time. Two vantages may begin
theirs in the same microsecond: then the one that comes second is called here by the next microsecond that is free. Its
captures keep their identifiers and their times, which are the vantage's own.
"""

from __future__ import annotations

import sqlite3

from watcher.edge.rows import visit_name, visit_started

MOVED = """
CREATE TABLE IF NOT EXISTS fleet_moved (
  vantage TEXT NOT NULL, site TEXT NOT NULL, started INTEGER NOT NULL, here INTEGER NOT NULL,
  PRIMARY KEY (vantage, site, started), UNIQUE (site, here)
) STRICT, WITHOUT ROWID
"""
"""Visits that are called otherwise here than where they were made."""


def here(connection: sqlite3.Connection, vantage: str, visit: str) -> str:
    """What the vantage's visit is called here; from the first time it is asked, and as long as captures stand."""
    site, started = visit.rpartition("@")[0], visit_started(visit)
    known = connection.execute(
        "SELECT here FROM fleet_moved WHERE vantage = ? AND site = ? AND started = ?", (vantage, site, started)
    ).fetchone()
    if known is not None:
        return visit_name(site, known[0])
    free = started
    while _is_taken(connection, site, free, but_by="" if free != started else vantage):
        free += 1
    if free == started:
        return visit
    connection.execute("INSERT INTO fleet_moved VALUES (?, ?, ?, ?)", (vantage, site, started, free))
    return visit_name(site, free)


def _is_taken(connection: sqlite3.Connection, site: str, started: int, *, but_by: str) -> bool:
    """Whether a visit is called so already: one that was moved, or any but this vantage's."""
    row = connection.execute(
        "SELECT 1 FROM fleet_moved WHERE site = ?1 AND here = ?2"
        " UNION ALL SELECT 1 FROM capture c JOIN place p ON p.id = c.place JOIN site s ON s.id = p.site"
        " WHERE c.started = ?2 AND s.name = ?1 AND p.vantage != ?3 LIMIT 1",
        (site, started, but_by),
    ).fetchone()
    return row is not None
