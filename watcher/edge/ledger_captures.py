"""Questions to the ledger about captures: what came over the wire, and what it was read to say."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from watcher.core import http
from watcher.edge.bodies import Frames
from watcher.edge.rows import (
    Pack,
    as_written,
    capture_id,
    capture_number,
    decode_pack,
    inflate,
    micros,
    moment,
    visit_name,
    visit_started,
)
from watcher.edge.sayings import decode_reading, decode_said, decode_why, snapshot_of
from watcher.edge.shelf import BodyShelf, ContentShelf
from watcher.errors import StoreDamaged, UsageError
from watcher.records import Capture, Exchange, Page, Reading, Snapshot

LONGEST_VISIT = timedelta(days=1)
"""No capture is asked for later than this after its visit began: how far back to start looking for a time."""
MOST_DECODED = 16 << 20
"""Bytes of a body without its coding; the fetcher's own limit is far lower."""
RECENT_PACKS = 512
_HINT = "restore a copy of the store; watcher verify says what is lost"

_SELECT = """
SELECT c.n, c.id, c.started, c.requested, c.elapsed, c.status, c.verdict, c.stored, c.leaf, c.pack, c.rest, c.body,
       p.target, p.url, p.mirror, p.vantage, p.claimed, s.name AS site, b.digest, b.size,
       t.verdict AS read_verdict, t.why AS read_why, t.complete
FROM capture c JOIN place p ON p.id = c.place JOIN site s ON s.id = p.site
LEFT JOIN body b ON b.id = c.body LEFT JOIN reading r ON r.capture = c.n LEFT JOIN content t ON t.id = r.content
"""
_OF_SITE = """
 WHERE s.name = :site AND c.started IN (
   SELECT started FROM snapshot WHERE site = (SELECT id FROM site WHERE name = :site)
   UNION SELECT started FROM underway WHERE site = (SELECT id FROM site WHERE name = :site)
   UNION SELECT started FROM brought WHERE site = (SELECT id FROM site WHERE name = :site))
"""


class Kept(NamedTuple):
    """A capture, its row, and what is kept of it beside the body."""

    number: int
    capture: Capture
    pack: Pack
    body: int | None


class CaptureQuestions:
    """Everything about captures; part of ``Ledger``."""

    def __init__(self, connection: sqlite3.Connection, files: Frames) -> None:
        self.connection = connection
        self.bodies = BodyShelf(connection, files)
        self.contents = ContentShelf(connection)
        self._packs: dict[int, bytes] = {}

    def _ask(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Iterator[dict[str, Any]]:
        cursor = self.connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)

    # ------------------------------------------------------------------------------------------------ captures

    def capture(self, identifier: str) -> Capture | None:
        """The capture or miss; None if there is none of that identifier."""
        kept = self.kept(identifier)
        return kept.capture if kept else None

    def kept(self, identifier: str) -> Kept | None:
        """The capture with its row; None if there is none of that identifier."""
        number = capture_number(identifier)
        row = next(self._ask(_SELECT + " WHERE c.id = ?", (number,)), None)
        return self._kept(row) if row else None

    def captures(
        self, site: str | None = None, since: datetime | None = None, after: str | None = None
    ) -> Iterator[Capture]:
        """Captures and misses by the time they were asked for, oldest first: of a site, since a time, after one."""
        start, last = since, None
        if after is not None:
            last = self.capture(after)
            if last is None:
                raise UsageError(f"there is no capture {after}", hint="`watcher captures` shows ids")
            start = last.requested_at if start is None else max(start, last.requested_at)
        found: Iterator[Capture] = (kept.capture for kept in self._in_time(site, start))
        return found if last is None else _behind(found, last)

    def _in_time(self, site: str | None, since: datetime | None) -> Iterator[Kept]:
        """Captures by request time. Rows come by the time their visit began; those of visits that overlap wait here."""
        least = 0 if since is None else micros(since)
        values = {"least": least, "begun": least - LONGEST_VISIT // timedelta(microseconds=1), "site": site}
        where = (" WHERE" if site is None else _OF_SITE + " AND") + " c.started >= :begun"
        if since is not None:
            where += " AND c.started + c.requested >= :least"
        waiting: list[tuple[int, int, dict[str, Any]]] = []
        for row in self._ask(_SELECT + where + " ORDER BY c.started, c.n", values):
            while waiting and waiting[0][0] < row["started"]:
                yield self._kept(heapq.heappop(waiting)[2])
            with as_written:
                heapq.heappush(waiting, (row["started"] + row["requested"], row["n"], row))
        while waiting:
            yield self._kept(heapq.heappop(waiting)[2])

    def captures_of(self, visit: str) -> tuple[Capture, ...]:
        """A visit's captures and misses, in the order in which they were kept."""
        return tuple(kept.capture for kept in self.kept_of(visit))

    def kept_of(self, visit: str) -> tuple[Kept, ...]:
        """A visit's captures with their rows, in the order in which they were kept."""
        site = visit.rpartition("@")[0]
        rows = self._ask(_SELECT + " WHERE c.started = ? AND s.name = ? ORDER BY c.n", (visit_started(visit), site))
        return tuple(self._kept(row) for row in rows)

    def kept_where(self, condition: str, values: dict[str, Any]) -> Iterator[Kept]:
        """Captures with their rows, chosen and ordered by the caller's SQL over ``c`` (capture), ``p`` (its place) and
        ``s`` (its site)."""
        return (self._kept(row) for row in self._ask(f"{_SELECT} WHERE {condition}", values))

    def visits(self, site: str) -> tuple[str, ...]:
        """The visits of which something was kept here, in the order in which they were made."""
        rows = self._ask(
            f"SELECT c.started FROM capture c JOIN place p ON p.id = c.place JOIN site s ON s.id = p.site {_OF_SITE}"
            " AND NOT p.claimed GROUP BY c.started ORDER BY min(c.n)",
            {"site": site},
        )
        return tuple(visit_name(site, row["started"]) for row in rows)

    def unrecorded_visits(self) -> tuple[str, ...]:
        """Visits whose captures were kept, and that never came to be recorded, in the order in which they were made."""
        rows = self._ask(
            "SELECT name, started FROM underway u JOIN site s ON s.id = u.site ORDER BY"
            " (SELECT min(n) FROM capture c JOIN place p ON p.id = c.place WHERE started = u.started AND site = u.site)"
        )
        return tuple(visit_name(row["name"], row["started"]) for row in rows)

    def is_overtaken(self, visit: str) -> bool:
        """Whether a visit to the same site that was made later is recorded, whatever the clock said."""
        site, started = visit.rpartition("@")[0], visit_started(visit)
        first = "(SELECT min(n) FROM capture JOIN place ON place.id = place WHERE started = {} AND site = s.id)"
        later = self._ask(
            "SELECT 1 FROM site s JOIN place p ON p.site = s.id AND NOT p.claimed JOIN capture c ON c.place = p.id"
            " JOIN snapshot x ON x.site = s.id AND x.started = c.started WHERE s.name = :site"
            f" AND c.n > {first.format(':started')} AND {first.format('x.started')} > {first.format(':started')}"
            " LIMIT 1",
            {"site": site, "started": started},
        )
        return any(later)

    def capture_at(self, site: str, time: datetime) -> Capture | None:
        """The last page of the site's listing that was captured at or before the time; None if there is none."""
        rows = self._ask(
            _SELECT + _OF_SITE + " AND c.started <= :time AND c.started + c.requested <= :time AND p.target = 'listing'"
            " AND NOT p.claimed AND c.status IS NOT NULL AND c.status NOT BETWEEN 300 AND 399"
            " ORDER BY c.started DESC, c.n DESC LIMIT 1",
            {"site": site, "time": micros(time)},
        )
        row = next(rows, None)
        return self._kept(row).capture if row else None

    @as_written
    def _kept(self, row: dict[str, Any]) -> Kept:
        pack = decode_pack(inflate(row["rest"], self.reference(row["pack"])))
        asked = row["started"] + row["requested"]
        is_miss = row["status"] is None
        if row["digest"] is None and not is_miss:
            raise StoreDamaged(f"the ledger lacks the body of {capture_id(row['id'])}", hint=_HINT)
        is_read = row["read_verdict"] is not None
        capture = Capture(
            id=capture_id(row["id"]),
            site=row["site"],
            target=row["target"],
            visit=visit_name(row["site"], row["started"]),
            url=row["url"],
            mirror=row["mirror"],
            requested_at=moment(asked),
            finished_at=moment(asked + row["elapsed"]),
            status=row["status"],
            verdict=row["read_verdict"] if is_read else row["verdict"] or "",
            why=decode_why(row["read_why"]) if is_read else pack.why,
            complete=bool(row["complete"]),
            cut=pack.cut,
            isolation=pack.isolation,
            body_digest=None if is_miss else row["digest"].hex(),
            body_bytes=0 if is_miss else row["size"],
            stored_bytes=row["stored"],
            leaf=row["leaf"],
            vantage=row["vantage"],
            foreign=bool(row["claimed"]),
            facts=pack.facts,
        )
        return Kept(row["n"], capture, pack, row["body"])

    def reference(self, number: int) -> bytes:
        """What captures' packs are differences from."""
        found = self._packs.get(number)
        if found is None:
            row = self.connection.execute("SELECT data FROM pack WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise StoreDamaged(f"the ledger lacks its pack {number}", hint=_HINT)
            found = inflate(row[0])
            while len(self._packs) >= RECENT_PACKS:
                del self._packs[next(iter(self._packs))]
            self._packs[number] = found
        return found

    # --------------------------------------------------------------------------------------------------- bytes

    def body(self, digest: str) -> bytes:
        """The payload with this SHA-256 (hex), as received; ``StoreDamaged`` if it is not that any more."""
        number = None
        with suppress(ValueError):
            number = self.bodies.find(bytes.fromhex(digest))
        if number is None:
            raise UsageError(f"there is no body {digest}", hint="it may have been pruned; watcher captures lists them")
        return self.bodies.get(number)

    def wire(self, identifier: str) -> tuple[bytes, bytes]:
        """The request as sent and the response as received, byte for byte."""
        kept = self.kept(identifier)
        if kept is None:
            raise UsageError(f"there is no capture {identifier}", hint="`watcher captures` shows ids")
        payload = b"" if kept.body is None else self.bodies.get(kept.body)
        try:
            return kept.pack.request, http.rebuild(kept.pack.head, payload, kept.pack.framing)
        except ValueError as error:
            raise StoreDamaged(f"capture {identifier} is damaged: {error}", hint=_HINT) from error

    def page(self, identifier: str) -> Page:
        """A capture's body, ready to be read. Not for a miss."""
        kept = self.kept(identifier)
        if kept is None or kept.capture.status is None or kept.body is None:
            raise UsageError(f"there is no page in {identifier}", hint="it is a miss, or there is no such capture")
        head = http.parse_head(kept.pack.head)
        return page_of(kept.capture, self.bodies.get(kept.body), head.headers if head else ())

    # ------------------------------------------------------------------------------------------- what was read

    def reading(self, identifier: str) -> Reading | None:
        """What the capture was last read to say, as the log has it: ``text`` is the SHA-256 of the visible text (read
        the page again for the text itself). None if it was not read."""
        row = self.connection.execute(
            "SELECT r.content FROM reading r JOIN capture c ON c.n = r.capture WHERE c.id = ?",
            (capture_number(identifier),),
        ).fetchone()
        return decode_reading(self.contents.get(row[0])) if row else None

    def snapshot(self, visit: str) -> Snapshot | None:
        """What the visit saw, as the log has it: ``text`` is a SHA-256. None if it was not recorded."""
        site, started = visit.rpartition("@")[0], visit_started(visit)
        row = next(
            self._ask(
                "SELECT x.* FROM snapshot x JOIN site s ON s.id = x.site WHERE s.name = ? AND x.started = ?",
                (site, started),
            ),
            None,
        )
        if row is None:
            return None
        kept = self.captures_of(visit)
        form = decode_said(self.contents.get(row["content"]))
        readings = {one.id: reading for one in kept if (reading := self.reading(one.id)) is not None}
        with as_written:  # it may name more captures than there are
            times = started + row["taken"], started + row["finished"]
            return snapshot_of(form, readings, kept, site=site, visit=visit, times=times)

    def snapshots(self, site: str, since: datetime | None = None, until: datetime | None = None) -> Iterator[Snapshot]:
        """What the visits to a site saw, oldest first."""
        rows = self.connection.execute(
            "SELECT started FROM snapshot WHERE site = (SELECT id FROM site WHERE name = ?)"
            " AND started BETWEEN ? AND ? ORDER BY started",
            (site, 0 if since is None else micros(since), 2**62 if until is None else micros(until)),
        ).fetchall()
        for (started,) in rows:
            found = self.snapshot(visit_name(site, started))
            if found is not None:
                yield found


def _behind(captures: Iterator[Capture], last: Capture) -> Iterator[Capture]:
    """The captures that come after one."""
    for capture in captures:
        if capture.requested_at > last.requested_at:
            yield capture
            break
        if capture.id == last.id:
            break
    yield from captures


def page_of(capture: Capture | Exchange, payload: bytes, headers: http.Headers) -> Page:
    """The payload of what was captured, with its content coding taken off."""
    decoded = http.decode(payload, headers, MOST_DECODED)
    return Page(
        body=decoded.body,
        url=capture.url,
        status=capture.status or 0,
        content_type=http.header(headers, "content-type"),
        cut=capture.cut or decoded.cut,
    )
