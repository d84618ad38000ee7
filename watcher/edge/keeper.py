"""Keeps exchanges: bytes first, whole, before anything reads them (step 2 of a visit)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import msgspec

from watcher.core import custody, http
from watcher.edge.alike import Alike
from watcher.edge.custody_log import Kind
from watcher.edge.ledger import Ledger
from watcher.edge.names import Names, Place, PlaceKey
from watcher.edge.rows import (
    CAPTURE_DIGITS,
    Pack,
    capture_number,
    deflate,
    encode_pack,
    micros,
    visit_started,
)
from watcher.edge.shelf import Stored
from watcher.errors import StoreError
from watcher.ports import Origin
from watcher.records import Capture, Exchange

SMALL = 4096
"""A miss's bytes up to this size lie in its row; more lie on the shelf, as a body that nobody reads."""
MOST_REFERENCES = 4096
MOST_UNDERWAY = 1024


class _Visit(NamedTuple):
    origin: Origin
    site: int
    started: int
    foreign: bool
    vantage: str
    named: str
    """The visit, as captures' identifiers have it."""


class InHand(NamedTuple):
    """A capture just kept, its row and its place."""

    number: int
    capture: Capture
    place: Place


class _Body(NamedTuple):
    number: int | None
    digest: str | None
    size: int
    stored: int


class _Reference:
    """What the packs of one mirror are written as differences from, and how well that still serves."""

    __slots__ = ("least", "number", "packed", "size", "waste")

    def __init__(self, number: int, size: int, packed: bytes) -> None:
        self.number, self.size, self.packed = number, size, packed
        self.least: int | None = None
        self.waste = 0

    def worn(self, size: int) -> bool:
        """Whether differences have grown so that, all in all, a new reference would have been cheaper."""
        self.least = size if self.least is None else min(self.least, size)
        self.waste += size - self.least
        return self.waste > self.size


class Keeper:
    """Writes captures, within the owner's transaction."""

    def __init__(self, ledger: Ledger, names: Names, vantage: str) -> None:
        self._ledger, self._names, self._vantage = ledger, names, vantage
        self._connection = ledger.connection
        self._references: dict[tuple[int, str, int], _Reference] = {}
        self._alike = Alike()
        self._underway: dict[tuple[int, int], list[InHand]] = {}
        """Visits that were begun with all that was remembered; what is not here is looked up."""

    def forget(self) -> None:
        self._references.clear()
        self._underway.clear()

    def keep(
        self,
        origin: Origin,
        exchanges: Sequence[Exchange],
        wires: Sequence[http.Wire],
        *,
        foreign: bool = False,
        vantage: str = "",
        named: str = "",
    ) -> tuple[Capture, ...]:
        """The exchanges as captures and misses; one kept before is given again as it is. ``vantage``: whose they are,
        if not this store's own; ``named``: what the visit is called there, if not the same."""
        started = visit_started(origin.visit)
        if origin.visit.rpartition("@")[0] != origin.site:
            raise StoreError(f"visit {origin.visit} is none of site {origin.site}")
        site = self._names.site(origin.site)
        begins = self._connection.execute("INSERT OR IGNORE INTO underway VALUES (?, ?)", (site, started)).rowcount
        if begins and not self._kept_before(site, started):
            self._begin(site, started)
        visit = _Visit(origin, site, started, foreign, vantage or self._vantage, named or origin.visit)
        return tuple(self._keep(visit, exchange, wire) for exchange, wire in zip(exchanges, wires, strict=True))

    def _keep(self, visit: _Visit, exchange: Exchange, wire: http.Wire) -> Capture:
        origin, foreign = visit.origin, visit.foreign
        key = PlaceKey(visit.site, origin.target, exchange.url, exchange.mirror, visit.vantage, foreign)
        place = self._names.place(key)
        if exchange.status is None and len(exchange.response) > SMALL:
            wire = replace(wire, head=b"", payload=exchange.response, framing=b"")
        if not http.rebuilds(wire.head, wire.payload, wire.framing, exchange.response):
            raise StoreError("a response cannot be put together again", hint="this is a fault of watcher's: report it")
        body = self._body(place, exchange, wire)
        capture = Capture(
            id=_identifier(visit, exchange, wire, body),
            site=origin.site,
            target=origin.target,
            visit=origin.visit,
            url=exchange.url,
            mirror=exchange.mirror,
            requested_at=exchange.requested_at,
            finished_at=exchange.finished_at,
            status=exchange.status,
            verdict=exchange.verdict,
            why=exchange.why,
            cut=exchange.cut,
            isolation=exchange.isolation,
            body_digest=body.digest,
            body_bytes=body.size,
            stored_bytes=body.stored,
            leaf=None if foreign else self._ledger.log.size,
            vantage=visit.vantage,
            foreign=foreign,
            facts=dict(exchange.facts),
        )
        try:
            number = self._insert(capture, visit, place.number, body.number, self._pack(visit.site, exchange, wire))
        except sqlite3.IntegrityError:
            known = self._ledger.capture(capture.id)
            if known is None:
                raise
            return known
        if not foreign:
            record = custody.capture_record(capture, request=exchange.request, response=exchange.response)
            self._ledger.log.append(Kind.CAPTURE, number, custody.leaf_data(record))
        if (known_visit := self._underway.get((visit.site, visit.started))) is not None:
            known_visit.append(InHand(number, capture, place))
        return capture

    def _kept_before(self, site: int, started: int) -> bool:
        """Whether the visit has captures: it was recorded, and is now added to."""
        row = self._connection.execute(
            "SELECT 1 FROM capture c JOIN place p ON p.id = c.place WHERE c.started = ? AND p.site = ? LIMIT 1",
            (started, site),
        ).fetchone()
        return row is not None

    def _begin(self, site: int, started: int) -> None:
        while len(self._underway) >= MOST_UNDERWAY:
            del self._underway[next(iter(self._underway))]
        self._underway[site, started] = []

    def in_hand(self, site: int, visit: str) -> tuple[list[InHand], bool]:
        """A visit's captures with their rows, in the order in which they were kept; and whether they were remembered,
        and so never recorded before."""
        found = self._underway.pop((site, visit_started(visit)), None)
        fresh = found is not None
        if found is None:
            found = [
                InHand(
                    kept.number,
                    kept.capture,
                    self._names.place(
                        PlaceKey(
                            site,
                            kept.capture.target,
                            kept.capture.url,
                            kept.capture.mirror,
                            kept.capture.vantage,
                            kept.capture.foreign,
                        )
                    ),
                )
                for kept in self._ledger.kept_of(visit)
            ]
        return found, fresh

    def _body(self, place: Place, exchange: Exchange, wire: http.Wire) -> _Body:
        if exchange.status is None and not wire.payload:
            return _Body(None, None, 0, 0)
        digest = sha256(wire.payload).digest()
        if digest == place.digest and place.body is not None:
            stored = Stored(place.body, 0)
        else:
            stored = self._ledger.bodies.put(digest, wire.payload, place.body)
        if exchange.status is None:
            return _Body(stored.number, None, 0, stored.new_bytes)
        self._names.body_at(place, stored.number, digest)
        return _Body(stored.number, digest.hex(), len(wire.payload), stored.new_bytes)

    def _insert(self, capture: Capture, visit: _Visit, place: int, body: int | None, pack: tuple[int, bytes]) -> int:
        asked = micros(capture.requested_at)
        number = self._connection.execute(
            "INSERT INTO capture"
            " (id, started, place, requested, elapsed, status, verdict, body, stored, leaf, pack, rest)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                capture_number(capture.id),
                visit.started,
                place,
                asked - visit.started,
                micros(capture.finished_at) - asked,
                capture.status,
                capture.verdict or None,
                body,
                capture.stored_bytes,
                capture.leaf,
                *pack,
            ),
        ).lastrowid
        assert number is not None
        return number

    def _pack(self, site: int, exchange: Exchange, wire: http.Wire) -> tuple[int, bytes]:
        """Request, head, framing and facts, as a difference from an earlier one's of the same mirror."""
        data = encode_pack(
            Pack(
                exchange.request,
                wire.head,
                wire.framing,
                exchange.isolation,
                exchange.cut,
                exchange.why,
                dict(exchange.facts),
            )
        )
        key = (site, exchange.mirror, exchange.status or 0)
        reference = self._references.get(key) or self._stored_reference(key)
        if reference is not None:
            rest = deflate(data, self._alike.unpack(reference.packed))
            if not reference.worn(len(rest)):
                return reference.number, rest
        number = self._connection.execute(
            "INSERT INTO pack (site, mirror, status, data) VALUES (?, ?, ?, ?)", (*key, deflate(data))
        ).lastrowid
        assert number is not None
        self._remember(key, number, data)
        return number, deflate(data, data)

    def _stored_reference(self, key: tuple[int, str, int]) -> _Reference | None:
        row = self._connection.execute(
            "SELECT max(id) FROM pack WHERE site = ? AND mirror = ? AND status = ?", key
        ).fetchone()
        if row[0] is None:
            return None
        return self._remember(key, row[0], self._ledger.reference(row[0]))

    def _remember(self, key: tuple[int, str, int], number: int, data: bytes) -> _Reference:
        while len(self._references) >= MOST_REFERENCES:
            del self._references[next(iter(self._references))]
        reference = self._references[key] = _Reference(number, len(data), self._alike.pack(data))
        return reference


def _identifier(visit: _Visit, exchange: Exchange, wire: http.Wire, body: _Body) -> str:
    known = msgspec.msgpack.encode(
        (
            visit.vantage,
            visit.origin.site,
            visit.origin.target,
            visit.named,
            exchange.url,
            exchange.mirror,
            micros(exchange.requested_at),
            micros(exchange.finished_at),
            exchange.status,
            exchange.verdict,
            exchange.request,
            wire.head,
            wire.framing,
            body.digest,
        )
    )
    return f"c{sha256(known).hexdigest()[:CAPTURE_DIGITS]}"
