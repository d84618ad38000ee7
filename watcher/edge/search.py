"""Where a name or phrase ever stood: on which entries and pages, from when to when, shown by which captures."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal, NamedTuple

from watcher.core import searching
from watcher.core.contract import as_object
from watcher.edge.ledger import Ledger
from watcher.edge.ledger_beliefs import entry_of
from watcher.edge.rows import as_written, capture_id, inflate_text, moment
from watcher.errors import UsageError

MOST_PIECES = 5_000
"""Pieces of text that one question looks at: a word that stands in more is no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One span of time in which it stood at one place."""

    what: Literal["entry", "page"]
    site: str
    key: str = ""
    """Of the entry."""
    title: str = ""
    """Of the entry, as it is called now."""
    standing: str = ""
    """Of the entry, now."""
    target: str = ""
    """Of the page: ``listing`` or ``detail``."""
    url: str
    mirror: str = ""
    first_seen: datetime
    last_seen: datetime
    first_capture: str = ""
    last_capture: str
    excerpt: str
    foreign: bool = False

    def object(self) -> dict[str, object]:
        """As JSON."""
        return {name: None if part == "" and name in OR_NULL else part for name, part in as_object(self, HIT).items()}


HIT = tuple(one.name for one in fields(Hit))
OR_NULL = frozenset({"key", "title", "standing", "target", "mirror", "first_capture", "last_capture"})
"""What a hit may lack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found."""

    hits: tuple[Hit, ...]
    """Entries, then pages; each by site and time."""
    cut: bool
    """There is more: the words are too common."""


class _Span(NamedTuple):
    place: int
    first: int
    until: int | None
    excerpt: str


def search(ledger: Ledger, text: str, *, site: str | None = None, since: datetime | None = None) -> Answer:
    """Where the phrase stood: its words in this order, whatever their case, accents and punctuation; with a ``*`` at
    its end, words that begin as the last one does. Raises UsageError if there is nothing to look for."""
    wanted = searching.phrase(text)
    if not wanted:
        raise UsageError("there is no word to look for", hint="name words of letters or digits")
    connection = ledger.connection
    plain = " ".join(word.removesuffix("*") for word in wanted)
    expression = f'"{plain}"' + (" *" if wanted[-1].endswith("*") else "")
    found = connection.execute(
        "SELECT p.id, p.text FROM words w JOIN piece p ON p.id = w.rowid WHERE w.text MATCH ? ORDER BY w.rowid LIMIT ?",
        (expression, MOST_PIECES + 1),
    ).fetchall()
    pieces = {number: searching.excerpt(inflate_text(text), wanted) for number, text in found[:MOST_PIECES]}
    with as_written:
        hits = [*_entries(ledger, pieces, site), *_pages(connection, pieces, site)]
    kept = [hit for hit in hits if since is None or hit.last_seen >= since]
    kept.sort(key=lambda hit: (hit.what, hit.site, hit.first_seen, hit.url, hit.key))
    return Answer(hits=tuple(kept), cut=len(found) > MOST_PIECES)


def waiting(connection: sqlite3.Connection) -> int:
    """How many captures, kept before there was an index, are not in it yet."""
    row = connection.execute("SELECT last FROM unsearched").fetchone()
    return 0 if row is None else int(row[0])


# ------------------------------------------------------------------------------------------------------- entries


def _entries(ledger: Ledger, pieces: dict[int, str], site: str | None) -> Iterator[Hit]:
    looks = ledger._looks()
    found: set[tuple[int, str]] = set()
    for number, excerpt in pieces.items():
        rows = ledger.connection.execute(
            "SELECT s.name, e.site, e.key, e.look, e.data FROM named n JOIN site s ON s.id = n.site"
            " JOIN entry e ON e.site = n.site AND e.key = n.key WHERE n.piece = ?1 AND (?2 IS NULL OR s.name = ?2)",
            (number, site),
        )
        for name, of, key, look, data in rows:
            if (of, key) in found:
                continue
            found.add((of, key))
            entry = entry_of(data, look, looks.get(of, ()))
            yield Hit(
                what="entry",
                site=name,
                key=key,
                title=entry.title,
                standing=entry.standing,
                url=entry.url,
                first_seen=entry.first_seen,
                last_seen=entry.last_seen,
                last_capture=entry.seen_in,
                excerpt=excerpt,
            )


# --------------------------------------------------------------------------------------------------------- pages


def _pages(connection: sqlite3.Connection, pieces: dict[int, str], site: str | None) -> Iterator[Hit]:
    spans: dict[int, list[_Span]] = {}
    for number, excerpt in pieces.items():
        rows = connection.execute("SELECT place, first, until FROM stood WHERE piece = ?", (number,))
        for place, first, until in rows:
            spans.setdefault(place, []).append(_Span(place, first, until, excerpt))
    places = {
        number: rest
        for number, *rest in connection.execute(
            "SELECT p.id, s.name, p.target, p.url, p.mirror, p.claimed FROM place p JOIN site s ON s.id = p.site"
        )
        if number in spans and site in {None, rest[0]}
    }
    merged = [span for place in places for span in _merged(connection, spans[place])]
    newest = _newest(connection, {span.place for span in merged if span.until is None})
    for span in merged:
        name, target, url, mirror, claimed = places[span.place]
        ends = _of(connection, span.first), _last(connection, span, newest)
        if ends[0] is None or ends[1] is None:
            continue
        times = _claimed(connection, span) if claimed else (ends[0][1], ends[1][1])
        yield Hit(
            what="page",
            site=name,
            target=target,
            url=url,
            mirror=mirror,
            first_seen=moment(min(times)),
            last_seen=moment(max(times)),
            first_capture=capture_id(ends[0][0]),
            last_capture=capture_id(ends[1][0]),
            excerpt=span.excerpt,
            foreign=bool(claimed),
        )


def _merged(connection: sqlite3.Connection, spans: Iterable[_Span]) -> Iterator[_Span]:
    """The spans of one place as few as possible: those that overlap, or follow one another without a capture between,
    are one."""
    last: _Span | None = None
    for span in sorted(spans, key=lambda one: one.first):
        if last is not None and (
            last.until is None or span.first <= last.until or not _between(connection, last, span.first)
        ):
            until = None if last.until is None or span.until is None else max(last.until, span.until)
            last = last._replace(until=until)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def _between(connection: sqlite3.Connection, last: _Span, first: int) -> bool:
    """Whether the place was captured after the span and before ``first``."""
    row = connection.execute(
        "SELECT 1 FROM capture WHERE n >= ? AND n < ? AND place = ? AND body IS NOT NULL LIMIT 1",
        (last.until, first, last.place),
    ).fetchone()
    return row is not None


def _newest(connection: sqlite3.Connection, places: set[int]) -> dict[int, int]:
    """The number of the last capture of each place; one walk back for all of them."""
    found: dict[int, int] = {}
    if places:
        rows = connection.execute(
            "SELECT n, place FROM capture WHERE body IS NOT NULL AND status IS NOT NULL ORDER BY n DESC"
        )
        for number, place in rows:
            if place in places and place not in found:
                found[place] = number
                if len(found) == len(places):
                    break
    return found


def _of(connection: sqlite3.Connection, number: int) -> tuple[int, int] | None:
    """Identifier and time of a capture."""
    row: tuple[int, int] | None = connection.execute(
        "SELECT id, started + requested FROM capture WHERE n = ?", (number,)
    ).fetchone()
    return row


def _last(connection: sqlite3.Connection, span: _Span, newest: dict[int, int]) -> tuple[int, int] | None:
    """Identifier and time of the last capture of a span."""
    if span.until is None:
        return _of(connection, newest.get(span.place, span.first))
    row: tuple[int, int] | None = connection.execute(
        "SELECT id, started + requested FROM capture WHERE n >= ? AND n < ? AND place = ? AND body IS NOT NULL"
        " AND status IS NOT NULL ORDER BY n DESC LIMIT 1",
        (span.first, span.until, span.place),
    ).fetchone()
    return row


def _claimed(connection: sqlite3.Connection, span: _Span) -> tuple[int, int]:
    """The first and the last time that captures made by others claim: they come in any order."""
    row = connection.execute(
        "SELECT min(started + requested), max(started + requested) FROM capture"
        " WHERE place = ?1 AND n >= ?2 AND (?3 IS NULL OR n < ?3)",
        (span.place, span.first, span.until),
    ).fetchone()
    return row[0], row[1]
