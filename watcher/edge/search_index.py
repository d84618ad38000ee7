"""Writes what can be searched: each different piece of text once, and where it stood from which capture on.

An unchanged page writes nothing. When it stood there last is asked of the captures, at the time of the question.
"""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from watcher.core import searching, ticks
from watcher.core.ticks import Numbers
from watcher.edge.rows import as_written, deflate, inflate_text
from watcher.records import RosterEntry

MOST_PLACES = 20_000
MOST_MOVING = 4_000
_TOGETHER = 500


class SearchIndex:
    """Within the owner's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._marks: OrderedDict[int, tuple[bytes, int]] = OrderedDict()
        """Place to the fingerprint of its last text, and the capture that showed it first."""
        self._moving: OrderedDict[int, Numbers] = OrderedDict()
        """Place whose text was seen to change, to its numbers: most changes are counters, which nobody searches."""

    def forget(self) -> None:
        self._marks.clear()
        self._moving.clear()

    # --------------------------------------------------------------------------------------------------- pages

    def see(self, place: int, capture: int, text: str, *, in_turn: bool = False) -> None:
        """A capture's visible text: what is new in it, beside the last one of the same place. ``in_turn``: not each
        capture is told that was read, but the first of each text."""
        mark = searching.mark(text)
        known = self._marks.get(place)
        if known is not None and known[0] == mark and capture >= known[1]:
            return
        row = self._connection.execute("SELECT mark, first FROM looked WHERE place = ?", (place,)).fetchone()
        with as_written:
            overtaken = row[1] if row is not None and capture < row[1] else None
        later = overtaken if in_turn else self._later(place, capture)
        if later is not None:
            self._see_older(place, capture, text, later)
            return
        with as_written:
            is_same = row is not None and row[0] == mark and row[1] <= capture
        self._marks[place] = mark, row[1] if is_same else capture
        while len(self._marks) > MOST_PLACES:
            self._marks.popitem(last=False)
        if is_same:
            return
        self._change(place, capture, text, first=row is None)
        self._connection.execute("INSERT OR REPLACE INTO looked VALUES (?, ?, ?)", (place, mark, capture))

    def _later(self, place: int, capture: int) -> int | None:
        """The next capture of a place that was read."""
        row = self._connection.execute(
            "SELECT min(c.n) FROM capture c JOIN reading r ON r.capture = c.n WHERE c.n > ? AND c.place = ?",
            (capture, place),
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def _change(self, place: int, capture: int, text: str, *, first: bool) -> None:
        """Another text stands at a place from this capture on."""
        now, last = ticks.numbers(text), self._moving.pop(place, None)
        if last is not None and last.only_ticks(now):
            self._moving[place] = last.then(now, last.said)
            return
        words = list(islice(searching.words(text), searching.MOST_WORDS))
        said = searching.mark(" ".join(words))
        if last is None or last.said != said:
            self._replace(place, capture, self._numbers(searching.pieces_of(words)))
        if first:
            return  # most pages never change
        self._moving[place] = (last or Numbers(b"", b"")).then(now, said)
        while len(self._moving) > MOST_MOVING:
            self._moving.popitem(last=False)

    def _replace(self, place: int, capture: int, now: set[int]) -> None:
        """These pieces stand at a place, from this capture on."""
        before = {
            number
            for (number,) in self._connection.execute(
                "SELECT piece FROM stood WHERE place = ? AND until IS NULL", (place,)
            )
        }
        self._connection.executemany(
            "UPDATE stood SET until = ? WHERE piece = ? AND place = ? AND until IS NULL",
            [(capture, number, place) for number in before - now],
        )
        self.add(place, capture, None, now - before)

    def _see_older(self, place: int, capture: int, text: str, later: int) -> None:
        """A capture that was read again, or came to be read late: it says nothing of later ones, nor they of it."""
        self._marks.pop(place, None)
        now = self._numbers(searching.pieces(text))
        rows = self._connection.execute(
            "SELECT piece, first, until FROM stood WHERE place = ?1 AND first <= ?2 AND (until IS NULL OR until > ?2)",
            (place, capture),
        ).fetchall()
        for piece, first, until in rows:
            if piece not in now:
                self._take_out(piece, place, (first, capture), (later, until))
        self.add(place, capture, capture + 1, now - {piece for piece, _, _ in rows})

    def _take_out(self, piece: int, place: int, before: tuple[int, int], after: tuple[int, int | None]) -> None:
        """A piece stood at a place in two spans, not in the one that holds both; either may be empty."""
        self._connection.execute(
            "DELETE FROM stood WHERE piece = ? AND place = ? AND first = ?", (piece, place, before[0])
        )
        for first, until in (before, after):
            if until is None or first < until:
                self.add(place, first, until, {piece})

    def see_between(self, place: int, first: int, until: int, text: str) -> None:
        """A text that stood at a place from one capture up to, but without, another."""
        self.add(place, first, until, self._numbers(searching.pieces(text)))

    def add(self, place: int, first: int, until: int | None, pieces: Iterable[int]) -> None:
        self._connection.executemany(
            "INSERT OR IGNORE INTO stood VALUES (?, ?, ?, ?)", [(number, place, first, until) for number in pieces]
        )

    # ------------------------------------------------------------------------------------------------- entries

    def name(self, site: int, entry: RosterEntry) -> None:
        """All that an entry says now; what it said before stays findable."""
        piece = searching.of_entry(entry)
        if piece:
            (number,) = self._numbers({searching.digest(piece): piece})
            self._connection.execute("INSERT OR IGNORE INTO named VALUES (?, ?, ?)", (number, site, entry.key))

    # -------------------------------------------------------------------------------------------------- pieces

    def _numbers(self, pieces: Mapping[bytes, str]) -> set[int]:
        """The numbers of pieces; new ones are written."""
        found: dict[bytes, int] = {}
        digests = list(pieces)
        for at in range(0, len(digests), _TOGETHER):
            some = digests[at : at + _TOGETHER]
            marks = ", ".join("?" * len(some))
            rows = self._connection.execute(f"SELECT digest, id FROM piece WHERE digest IN ({marks})", some)
            found.update(rows)
        for digest, text in pieces.items():
            if digest not in found:
                number = self._connection.execute(
                    "INSERT INTO piece (digest, text) VALUES (?, ?)", (digest, deflate(text.encode()))
                ).lastrowid
                assert number is not None
                self._connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, text))
                found[digest] = number
        return set(found.values())

    def drop_erased(self) -> None:
        """Forget what stood only in captures whose bodies are erased."""
        readable: dict[int, array[int]] = {}
        for number, place in self._connection.execute(
            "SELECT c.n, c.place FROM capture c JOIN body b ON b.id = c.body JOIN reading r ON r.capture = c.n"
            " WHERE b.erased IS NULL ORDER BY c.n"
        ):
            readable.setdefault(place, array("q")).append(number)
        gone = [
            (piece, place, first, until)
            for piece, place, first, until in self._connection.execute("SELECT * FROM stood")
            if not _any_between(readable.get(place, array("q")), first, until)
        ]
        self._connection.executemany(
            "DELETE FROM stood WHERE piece = ? AND place = ? AND first = ?", [one[:3] for one in gone]
        )
        # what stood there last is here no more: should it be there still, it is new
        still = {(place,) for _, place, _, until in gone if until is None}
        self._connection.executemany("UPDATE looked SET mark = x'' WHERE place = ?", still)
        lone = self._connection.execute(
            "SELECT id, text FROM piece"
            " WHERE id NOT IN (SELECT piece FROM stood) AND id NOT IN (SELECT piece FROM named)"
        ).fetchall()
        for number, packed in lone:
            text = inflate_text(packed)
            self._connection.execute("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (number, text))
            self._connection.execute("DELETE FROM piece WHERE id = ?", (number,))
        if lone:  # until its parts are put together, the index still holds the words of what was taken out
            self._connection.execute("INSERT INTO words (words) VALUES ('optimize')")


def _any_between(numbers: Sequence[int], first: int, until: int | None) -> bool:
    at = bisect_left(numbers, first)
    return at < len(numbers) and (until is None or numbers[at] < until)
